"""How long does an event take until it is queued, and until a channel is asked to send what it leads to? Under load.

Lines of the cart workload are handed in one by one. First as fast as 200 callers can who each wait for their answer:
that is the capacity. Then at shares of it, each line when it is due, and every latency counts from then, so an engine
that stands still for a while is late for all that were due meanwhile (no coordinated omission).

Queued: the acknowledgement is back, so the event is on disk, and so is whatever it made a shard queue for sending.
Handed over: `send` of a channel that does nothing has been called; three in a hundred lines are orders, which lead to a
message at once. All processes have to be on this machine, whose clock they share.
"""

from __future__ import annotations

import json
import os
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import handover
import uvloop
from measuring import engines
from measuring.engines import Target
from measuring.open_loop import at_once, at_rate, spread
from measuring.processes import Meter
from measuring.shape import EVENTS_PER_SECOND, MILLISECONDS, Answer, Figure, Measured
from workload import events

CALLERS = 200

CAPACITY = "capacity"


class Latency:
    """The workload."""

    name: ClassVar[str] = "latency"
    counted: ClassVar[str] = "event"
    figures: ClassVar[Mapping[str, Figure]] = {
        "rate": EVENTS_PER_SECOND,
        **{
            f"{what} {quantile}": MILLISECONDS
            for what in ("queued", "handed over")
            for quantile in ("p50", "p99", "longest")
        },
    }

    def __init__(self, asked: Namespace) -> None:
        self._loads, self._seconds, self._people = asked.loads, asked.seconds, asked.people
        self._capacity_lines = list(events(asked.calls, asked.people))
        self._installed = tempfile.TemporaryDirectory(prefix="parcours-benchmark-")
        handover.offer(self._installed.name)
        paths = [str(Path(self._installed.name, "installed")), str(Path(__file__).parents[1])]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)  # so do the processes that Ray starts
        self._target = Target.of(asked)

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        engines.add_options(parser, elsewhere=False)
        parser.add_argument("--loads", nargs="+", type=int, default=[10, 50, 80], help="in hundredths of the capacity")
        parser.add_argument("--seconds", type=float, default=20, help="of each load")
        parser.add_argument("--calls", type=int, default=50_000, help="by which the capacity is measured")
        parser.add_argument("--people", type=int, default=50_000)

    def run(self, number: int) -> Iterator[Measured]:
        capacity = self._measured(CAPACITY, self._capacity_lines, None)
        yield capacity
        for load in self._loads:
            per_second = capacity.figures["rate"] * load / 100
            lines = list(events(max(1, round(per_second * self._seconds)), self._people))
            yield self._measured(f"{load} % load", lines, per_second)

    def _measured(self, case: str, lines: Sequence[bytes], per_second: float | None) -> Measured:
        addressed, addresses = handover.with_addresses(lines)
        with tempfile.TemporaryDirectory(prefix="parcours-benchmark-") as folder:
            taken = uvloop.run(self._taken(folder, addressed, per_second))
            came = came_of(folder)
        due_s, queued_ms, seconds, cpu_us, accepted = taken
        figures = {"rate": len(lines) / seconds, **named("queued", queued_ms)}
        if due_s:
            handed_ms = [(came[each] - due_s[place]) * 1_000 for place, each in addresses.items() if each in came]
            figures |= named("handed over", handed_ms)
        answers = [Answer("accepted", accepted, len(lines)), Answer("handed over", len(came), len(addresses))]
        return Measured(case, figures, cpu_us, answers)

    async def _taken(
        self, folder: str, lines: Sequence[bytes], per_second: float | None
    ) -> tuple[list[float], list[float], float, dict[str, float], int]:
        """When each line was due, the milliseconds until it was queued, the seconds of all, the processor's time for
        each, and how many were accepted."""
        accepted = 0
        async with self._target.service(handover.project(folder)) as service:

            async def ask(number: int) -> None:
                nonlocal accepted
                taken = await service.take_lines([lines[number]])
                accepted += taken.accepted

            meter, due_s = Meter(self._target.processes()), list[float]()
            if per_second is None:
                seconds, queued_ms = await at_once(ask, len(lines), CALLERS)
            else:
                due_s, queued_ms = await at_rate(ask, per_second, len(lines))
                seconds = len(lines) / per_second
            await service.drain()
            cpu_us = meter.each_us(len(lines))
        return due_s, queued_ms, seconds, cpu_us, accepted


def named(what: str, waited_ms: Sequence[float]) -> dict[str, float]:
    """Nothing where nobody has waited: few lines may have no order among them."""
    return {f"{what} {name}": value for name, value in spread(waited_ms).items()} if waited_ms else {}


def came_of(folder: str) -> dict[str, float]:
    """When each delivery came to the channel, by its address."""
    came: dict[str, float] = json.loads(Path(folder, handover.NOTED).read_text())
    return came


WORKLOAD = Latency
