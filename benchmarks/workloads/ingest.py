"""How many durable events a second, and how much of the processor for each? In blocks, and as single awaited calls.

An event counts once its acknowledgement is back: then it is on disk, applied once, and its duplicates are recognised.
Blocks of NDJSON come with a few calls under way at a time, as a service would hand them in; each single call waits for
an acknowledgement of its own, 1 and 100 at once. Generating the lines and opening the engine are not measured.

It is checked that every line was accepted and none twice, that everybody who had to enter the journey of the cart has,
and that everybody who has stayed in it was sent a reminder. Of an engine that runs already the first alone is.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from argparse import ArgumentParser, Namespace
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import msgspec
from measuring import engines
from measuring.engines import Target
from measuring.open_loop import at_once, spread
from measuring.shape import BYTES, EVENTS_PER_SECOND, MILLISECONDS, Answer, Figure, Measured
from measuring.stores import stored_bytes

from parcours import Acknowledgement, Engine, Ingested
from workloads.ingest_cases import CASES, lets_in

BLOCK_EVENTS = 10_000

CALLS_UNDER_WAY = 8

SINGLE = {"single-1": 1, "single-100": 100}
"""Cases of single calls, and how many of them are awaited at once."""

JOURNEY = "abandoned-cart"

LOOK_EVERY_S = 0.2

CHECKOUT = b'"Checkout Started"'


class Ingest:
    """The workload."""

    name: ClassVar[str] = "ingest"
    counted: ClassVar[str] = "event"
    figures: ClassVar[Mapping[str, Figure]] = {
        "rate": EVENTS_PER_SECOND,
        "p50": MILLISECONDS,
        "p99": MILLISECONDS,
        "longest": MILLISECONDS,
        "stored": BYTES,
    }

    def __init__(self, asked: Namespace) -> None:
        self._events, self._people, self._singles = asked.events, asked.people, asked.singles
        self._target = Target.of(asked)
        if self._target.attached is not None and {"journeys", "audiences"}.intersection(asked.cases):
            raise SystemExit("--attach: an engine that runs has its own journeys and audiences: leave out these cases")
        self._cases = asked.cases

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        engines.add_options(parser, runs_already=True)
        parser.add_argument("--events", type=int, default=1_000_000)
        parser.add_argument("--people", type=int, default=100_000)
        parser.add_argument("--singles", type=int, default=10_000, help="calls, of which a tenth goes one by one")
        parser.add_argument("--cases", nargs="+", choices=[*CASES, *SINGLE], default=[*CASES, *SINGLE])

    def run(self, number: int) -> Iterator[Measured]:
        for case in self._cases:
            if case in SINGLE:
                yield self._measured_singly(case)
            else:
                yield self._measured(case)

    def _measured(self, case: str) -> Measured:
        lines = self._lines(case)
        blocks = [b"\n".join(lines[first : first + BLOCK_EVENTS]) for first in range(0, len(lines), BLOCK_EVENTS)]
        with self._target.engine(CASES[case].project()) as opened:
            meter, started_s = opened.meter(), time.perf_counter()
            outcomes = feed(opened.engine, blocks)
            seconds, cpu_us = time.perf_counter() - started_s, meter.each_us(len(lines))
            again = feed(opened.engine, blocks[:2])
            answers = [*taken(outcomes, len(lines)), twice(again, blocks[:2])]
            if self._target.attached is None:
                answers += sends(opened.engine, lines)
            stored = stored_bytes(opened.store) if opened.store else None
        figures = {"rate": len(lines) / seconds}
        return Measured(case, figures | ({"stored": stored / len(lines)} if stored else {}), cpu_us, answers)

    def _measured_singly(self, case: str) -> Measured:
        callers = SINGLE[case]
        lines = self._lines("cart")[: self._singles if callers > 1 else self._singles // 10]
        with self._target.engine(CASES["cart"].project()) as opened:
            meter = opened.meter()
            seconds, waited_ms, outcomes = asyncio.run(singly(opened.engine, lines, callers))
            cpu_us = meter.each_us(len(lines))
        figures = {"rate": len(lines) / seconds, **spread(waited_ms)}
        return Measured(case, figures, cpu_us, taken(outcomes, len(lines)))

    def _lines(self, case: str) -> list[bytes]:
        """Made anew for each measurement: all cases' at once would fill the memory of a small machine."""
        lines = list(CASES[case].lines(self._events, self._people))
        return lines if self._target.attached is None else own_people(lines)


def sends(engine: Engine, lines: Sequence[bytes]) -> list[Answer]:
    """Once nobody waits any more, whether all have entered and were reminded who had to be."""
    wait_until_sent(engine, LOOK_EVERY_S)
    report = engine.report()
    ways = {(journey, what, why): count for (journey, _, _, what, why), count in report.totals.ways}
    carts = [msgspec.json.decode(line)["properties"]["cart"] for line in lines if CHECKOUT in line]
    answers = []
    for journey in (each.name for each in report.versions):
        came = ways.get((journey, "entered", "Checkout Started"), 0)
        came += ways.get((journey, "not_entered", "already_in"), 0)
        wanted = sum(lets_in(journey, cart["total"], cart["items"]) for cart in carts)
        answers.append(Answer(f"carts that came to {journey}", came, wanted))
    stayed = ways.get((JOURNEY, "entered", "Checkout Started"), 0)
    stayed -= ways.get((JOURNEY, "exited", "Order Completed"), 0)
    sent = sum(count for (*_, state, _), count in report.totals.deliveries if state == "sent")
    return [*answers, Answer("reminders", sent, stayed)]


def wait_until_sent(engine: Engine, look_every_s: float) -> None:
    """Until nobody is in a step any more, and every delivery is out."""
    while any(inflow > gone_on + ended for _, (inflow, gone_on, ended) in engine.report().totals.steps):
        time.sleep(look_every_s)
    engine.drain()


def feed(engine: Engine, blocks: Sequence[bytes]) -> list[Ingested]:
    """Hand in the blocks with a few calls under way at a time."""
    under_way: deque[Acknowledgement] = deque()
    outcomes: list[Ingested] = []
    for block in blocks:
        if len(under_way) == CALLS_UNDER_WAY:
            outcomes.append(under_way.popleft().result())
        under_way.append(engine.ingest(block))
    return outcomes + [acknowledgement.result() for acknowledgement in under_way]


async def singly(engine: Engine, lines: Sequence[bytes], callers: int) -> tuple[float, list[float], list[Ingested]]:
    """Await each line by itself; the seconds, the milliseconds of each, and what became of them."""
    outcomes: list[Ingested] = []

    async def ask(number: int) -> None:
        outcomes.append(await engine.ingest(lines[number]))

    return *await at_once(ask, len(lines), callers), outcomes


def taken(outcomes: Sequence[Ingested], wanted: int) -> list[Answer]:
    return [
        Answer("accepted", sum(outcome.accepted for outcome in outcomes), wanted),
        Answer("rejected", sum(len(outcome.rejected) for outcome in outcomes), 0),
    ]


def twice(outcomes: Sequence[Ingested], blocks: Sequence[bytes]) -> Answer:
    wanted = sum(block.count(b"\n") + 1 for block in blocks)
    return Answer("recognised as duplicates", sum(outcome.duplicate for outcome in outcomes), wanted)


def own_people(lines: Sequence[bytes]) -> list[bytes]:
    """The lines, of people and messages that no engine has heard of before."""
    mark = uuid.uuid4().hex[:8].encode()
    return [
        line.replace(b'"userId":"', b'"userId":"benchmark-').replace(b'"messageId":"', b'"messageId":"%b-' % mark)
        for line in lines
    ]


WORKLOAD = Ingest
