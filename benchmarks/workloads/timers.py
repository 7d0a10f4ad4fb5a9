"""How fast are timers that are all due at once, and how long does an event wait meanwhile? In one shard, and served.

Everybody has a run that waits for the same millisecond. When it comes, timers fire in slices, and a single event after
another is handed in, with 20 ms between them; how long each waits counts from when it was due. In `end` the run ends by
its timer, in `send` it has a message recorded, too: in a shard that is in this process, under a clock that is set.

`served-end` and `served-send` are the same of an engine that serves by the real clock, with as many shards as are asked
for. `rate` and `cpu` are from the millisecond until nobody waits any more, which is looked at ten times a second.
"""

from __future__ import annotations

import asyncio
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import recovery as overdue
import uvloop
from measuring import engines
from measuring.engines import Target
from measuring.open_loop import spread
from measuring.processes import Meter
from measuring.shape import MILLISECONDS, Answer, Figure, Measured
from measuring.stores import fresh_store

from parcours import Service
from workloads.ingest import BLOCK_EVENTS, CALLS_UNDER_WAY
from workloads.recovery import add_waiting

CASES = ("end", "send")

SERVED = {"served-end": "end", "served-send": "send"}
"""Cases of an engine that serves, and what comes after the wait."""

FED_A_SECOND = 20_000
"""Even a slow machine takes so many people in a second, so that all wait before the time comes."""

LOOK_EVERY_S = 0.1


class Timers:
    """The workload."""

    name: ClassVar[str] = "timers"
    counted: ClassVar[str] = "timer, with all events and commits meanwhile"
    figures: ClassVar[Mapping[str, Figure]] = {
        "rate": Figure("timers/s", "more"),
        "event p99": MILLISECONDS,
        "event longest": MILLISECONDS,
        "slice p99": MILLISECONDS,
        "slice longest": MILLISECONDS,
    }

    def __init__(self, asked: Namespace) -> None:
        self._asked = asked
        self._target = Target.of(asked) if SERVED.keys() & set(asked.cases) else None

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        engines.add_options(parser)
        add_waiting(parser)
        cases = [*CASES, *SERVED]
        parser.add_argument("--cases", nargs="+", choices=cases, default=cases, help="what comes after the wait, where")

    def run(self, number: int) -> Iterator[Measured]:
        for case in self._asked.cases:
            if self._target is not None and case in SERVED:
                yield uvloop.run(self._served(case, self._target))
                continue
            with fresh_store(self._asked.store) as address, TemporaryDirectory(prefix="parcours-benchmark-") as folder:
                yield asyncio.run(self._measured(case, address, Path(folder)))

    async def _measured(self, case: str, address: str, folder: Path) -> Measured:
        people = self._asked.people
        asked = Namespace(**vars(self._asked), then=case)
        host, clock, _ = await overdue.served_again(asked, address, folder / "copy")
        ended, told = await overdue.fired(host, clock)
        await host.close()
        figures = {
            "rate": people / told["timers_s"],
            "event p99": told["p99_event_ms"],
            "event longest": told["longest_event_ms"],
            "slice p99": told["p99_slice_ms"],
            "slice longest": told["longest_slice_ms"],
        }
        cpu_us = {"shard": told["timers_cpu_s"] / people * 1e6}
        return Measured(case, figures, cpu_us, [Answer("runs that have ended", ended, people)])

    async def _served(self, case: str, target: Target) -> Measured:
        people = self._asked.people
        async with target.service(overdue.project(SERVED[case], told=True), ["email"]) as service:
            due_s = ceil(time.time() + 5 + people / FED_A_SECOND)
            await feed(service, overdue.lines(people, due=datetime.fromtimestamp(due_s, UTC).isoformat()))
            in_time = time.time() < due_s
            await asyncio.sleep(due_s - time.time())
            meter = Meter(target.processes())
            waited_ms = await meanwhile(service, asyncio.ensure_future(nobody_waits(service)))
            seconds, cpu_us = time.time() - due_s, meter.each_us(people)
            totals = (await service.report()).totals
        ended = sum(ended for (_, _, step), (_, _, ended) in totals.steps if step == "last")
        waits = spread(waited_ms)
        figures = {"rate": people / seconds, "event p99": waits["p99"], "event longest": waits["longest"]}
        answers = [
            Answer("runs that have ended", ended, people),
            Answer("all waited when the time came", int(in_time), 1),
        ]
        return Measured(case, figures, cpu_us, answers)


async def feed(service: Service, lines: Iterator[bytes]) -> None:
    """Hand the lines in, with a few calls under way at a time."""
    turns = asyncio.Semaphore(CALLS_UNDER_WAY)

    async def take(block: list[bytes]) -> None:
        try:
            await service.take_lines(block)
        finally:
            turns.release()

    async with asyncio.TaskGroup() as calls:
        while block := list(islice(lines, BLOCK_EVENTS)):
            await turns.acquire()
            calls.create_task(take(block))


async def nobody_waits(service: Service) -> None:
    """Return once nobody is in a step any more."""
    while any(inflow > on + ended for _, (inflow, on, ended) in (await service.report()).totals.steps):  # noqa: ASYNC110
        await asyncio.sleep(LOOK_EVERY_S)


async def meanwhile(service: Service, over: asyncio.Task[None]) -> list[float]:
    """Until it is over: the milliseconds that each single event has waited since it was due."""
    waited_ms: list[float] = []

    async def ask(due_s: float) -> None:
        await service.take_lines([b'{"type":"track","event":"Product Viewed","userId":"somebody"}'])
        waited_ms.append((time.monotonic() - due_s) * 1_000)

    due_s = time.monotonic()
    async with asyncio.TaskGroup() as calls:
        while not over.done():
            calls.create_task(ask(due_s))
            due_s += overdue.EVENT_EVERY_S
            if (ahead_s := due_s - time.monotonic()) > 0:
                await asyncio.sleep(ahead_s)
    over.result()
    return waited_ms


WORKLOAD = Timers
