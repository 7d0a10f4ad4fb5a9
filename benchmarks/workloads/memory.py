"""How much memory does a profile take, a run that waits, and a message id? And does an event cost more among many?

In one shard in a process of its own everybody identifies herself with five traits; then she goes to checkout and waits.
In another shard come events that move nobody and leave their ids. What the process has resident more after each step is
divided by how many there are, with Python's garbage collected before; a batch of others has come before the first, so
that what every shard has counts for nobody. Disk is told of both shards in the end.

Where everybody waits, events of the cart workload follow, each of somebody drawn evenly, and the processor time of the
shard for one of them is told: what of it grows with the people is the price of there being many. As many come before
it as fill the journal (`journal_bytes_max`): from there on images of slots are renewed; those of few people are soon
all new.

Ten million (`--sizes 10000000`) take some 20 GB. Ids beyond what the settings let be in memory lie in files.
"""

from __future__ import annotations

import asyncio
import gc
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from time import process_time
from typing import ClassVar

import msgspec
from measuring.processes import resident_bytes
from measuring.shape import BYTES, MICROSECONDS, Answer, Figure, Measured
from measuring.stores import fresh_store, stored_bytes
from workload import SHARES, events

from parcours import Project, collector
from parcours.clock import ManualClock
from parcours.journey.model.document import EventsDocument, JourneyDocument, ProfileDocument, ProjectDocument
from parcours.routing.plan import Plan
from parcours.runtime.open_shard import open_shard
from parcours.shard.host import ShardHost
from parcours.shard.messages import Batch
from parcours.shard.requests import GetTotals, TakeBatch
from parcours.store.address import prepare

NOW_MS = 1_767_258_000_000
"""2026-01-01T09:00Z."""

BATCH = 5_000

PEOPLE = ("a profile", "a waiting run")
"""What is measured of one shard, in turn."""

IDS = ("a message id",)
"""And what of another one."""

EVENT = "an event, cpu"
"""What one costs where everybody waits."""


class Memory:
    """The workload."""

    name: ClassVar[str] = "memory"
    counted: ClassVar[str] = "line"
    figures: ClassVar[Mapping[str, Figure]] = {
        **dict.fromkeys((*PEOPLE, *IDS, "stored, people", "stored, ids"), BYTES),
        EVENT: MICROSECONDS,
    }

    def __init__(self, asked: Namespace) -> None:
        self._asked = asked

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        parser.set_defaults(rounds=1)
        parser.add_argument("--sizes", nargs="+", type=int, default=[1_000_000], help="how many of each")
        parser.add_argument("--events", type=int, default=400_000, help="by which an event among them is measured")
        parser.add_argument("--before", type=int, default=800_000, help="events before these, which fill the journal")
        parser.add_argument("--store", metavar="URL", help="where it is made: sqlite:///FOLDER or postgresql://...")

    def run(self, number: int) -> Iterator[Measured]:
        if not number:
            return  # a process that has just begun has nothing to warm
        for size in self._asked.sizes:
            people, people_stored = self._alone(size, PEOPLE)
            ids, ids_stored = self._alone(size, IDS)
            stored = {"stored, people": people_stored / size, "stored, ids": ids_stored / size} if people_stored else {}
            answers = [
                Answer("lines taken", people.taken + ids.taken, 3 * size + self._asked.events),
                Answer("people who wait", people.waiting, size),
                Answer("ids that were recognised", ids.recognised, min(size, BATCH)),
            ]
            each = people.bytes_each | ids.bytes_each | stored | {EVENT: people.event_us}
            yield Measured(f"{size:,}", each, answers=answers)

    def _alone(self, size: int, steps: Sequence[str]) -> tuple[Found, int]:
        """What a shard in a process of its own has told, and the bytes of its store."""
        with (
            fresh_store(self._asked.store) as address,
            ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        ):
            among = self._asked.events, self._asked.before
            return pool.submit(measured_alone, size, steps, address, among).result(), stored_bytes(address) or 0


@dataclass(frozen=True)
class Found:
    """What a shard has told."""

    bytes_each: dict[str, float]
    taken: int
    waiting: int
    recognised: int
    event_us: float


def measured_alone(size: int, steps: Sequence[str], address: str, among: tuple[int, int]) -> Found:
    """In a process of its own, of which the memory is nobody else's.

    among  events by which one among them is measured, and events before these
    """
    collector.spare_from_the_start()
    return asyncio.run(_measured(size, steps, address, *among))


async def _measured(size: int, steps: Sequence[str], address: str, counted: int, before: int) -> Found:
    plan = Plan(project(), 1, address)
    prepare(plan.store, plan.project.name, plan.shards)
    host = open_shard(plan, 0, ManualClock(NOW_MS), lambda channel: None)
    collector.spare_for_good()  # as the actor of a shard does
    for step in steps:
        await _take(host, f"others, {step}", map(LINES[step], range(-BATCH, 0)))
    taken, bytes_each = 0, dict[str, float]()
    for step in steps:
        before_bytes = _resident_bytes()
        taken += await _take(host, step, map(LINES[step], range(size)))
        bytes_each[step] = (_resident_bytes() - before_bytes) / size
    again = range(max(0, size - BATCH), size) if steps == IDS else range(0)
    recognised = len(again) - await _take(host, "again", map(looked, again))
    totals = await host.ask(GetTotals())
    waiting = sum(inflow - gone_on - ended for _, (inflow, gone_on, ended) in totals.steps)
    event_us = 0.0
    if steps == PEOPLE:
        lines = list(events(counted + before, size))
        await _take(host, "before", iter(lines[:before]))
        began_s = process_time()
        taken += await _take(host, "among them", iter(lines[before:]))
        event_us = (process_time() - began_s) / counted * 1e6
    await host.close()
    return Found(bytes_each, taken, waiting - (BATCH if steps == PEOPLE else 0), recognised, event_us)


async def _take(host: ShardHost, router: str, lines: Iterator[bytes]) -> int:
    """Hand in the lines; how many were accepted."""
    number = accepted = 0
    while block := list(islice(lines, BATCH)):
        number += 1
        answer = await host.ask(TakeBatch(Batch(router, number, [NOW_MS] * len(block), block)))
        accepted += len(block) - sum(map(bool, answer.outcomes))
    return accepted


def _resident_bytes() -> int:
    gc.collect()
    return resident_bytes()


def project() -> Project:
    """A journey whose wait is long, and which an order ends."""
    journey = {
        "journey": "cart",
        "entry": {"event": "Checkout Started"},
        "exit": [{"event": "Order Completed"}],
        "steps": [{"id": "patience", "wait": "30d"}, {"id": "last", "end": True}],
    }
    traits = {"email": "string", "first_name": "string", "city": "string", "birth_year": "integer", "loyal": "boolean"}
    return Project.of(
        ProjectDocument(project="memory-benchmark"),
        ProfileDocument.model_validate({"traits": traits}),
        events=EventsDocument.model_validate({"events": {name: {} for name in SHARES}}),
        journeys=[JourneyDocument.model_validate(journey)],
    )


def identified(number: int) -> bytes:
    traits = {
        "email": f"shopper-{number:06}@luma.example",
        "first_name": "Sarah",
        "city": "Seattle",
        "birth_year": 1950 + number % 60,
        "loyal": number % 2 == 0,
    }
    return _line(number, type="identify", traits=traits)


def checked_out(number: int) -> bytes:
    return _line(number, type="track", event="Checkout Started", properties={"cart": {"total": 80, "items": 3}})


def looked(number: int) -> bytes:
    return _line(number, type="track", event="Product Viewed", messageId=f"{number:08x}-4c1d-4b7e-9d2f")


def _line(number: int, **call: object) -> bytes:
    return msgspec.json.encode({"userId": f"shopper-{number:06}", **call})


LINES = dict(zip((*PEOPLE, *IDS), (identified, checked_out, looked), strict=True))
"""What makes one of each."""

WORKLOAD = Memory
