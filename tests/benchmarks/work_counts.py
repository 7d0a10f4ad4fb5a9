"""How much work do a thousand events of the cart workload make? Counted, so that neither clock nor machine has a say.

An engine in one process, with two shards on SQLite and a clock that stands still, takes the workload block by block.
Its shards are opened again, and the patience of all carts runs out; reminders are recorded. Meanwhile the stores count
what they are asked for, and Python tells of every call: decoders, encoders and evaluations are counted where they are
called, so that the engine knows nothing of it. A decoder that C calls for each item, as `map` does, is not seen.

    PYTHONPATH=benchmarks python -m tests.benchmarks.work_counts

writes the figures that the test compares, after a change that is meant to change them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any, Final, TypeAlias, cast
from unittest.mock import patch

from workload import START, events
from workloads.ingest_cases import CASES

from parcours import Project, Service
from parcours.clock import ManualClock
from parcours.config import HOUR_MS
from parcours.expression.expression import Expression
from parcours.routing.plan import Plan
from parcours.runtime import open_shard as opening
from parcours.runtime.open_shard import open_shard
from parcours.shard.requests import GetTotals, PassTime
from parcours.store.address import open_store
from parcours.store.store import Store

KEPT: Final = Path(__file__).with_name("work_counts.json")

COUNTED: Final = ("cart", "audiences")
"""Cases of the workload `ingest`: the fewest and the most that is in the way of an event."""

EVENTS, PEOPLE, BLOCK, SHARDS = 10_000, 1_000, 1_000, 2

TOLERANCE: Final = 0.02

NOW_MS: Final = round(START.timestamp() * 1_000) + HOUR_MS
"""Later than all events; whoever waits since then has waited long enough an hour later."""

WRITTEN: Final[Mapping[str, Callable[[Any, Any], int]]] = {
    "append": lambda given, size_bytes: size_bytes,
    "save_image": lambda given, size_bytes: size_bytes,
    "extend_file": lambda given, _: len(given[1]),
}
"""How many bytes an operation of the store writes, by what it is given and what it answers."""

EVALUATIONS: Final = {
    Expression.holds.__code__: "conditions evaluated",
    Expression.value.__code__: "values evaluated",
    Expression.unmet.__code__: "reasons worded",
}

Counts: TypeAlias = dict[str, float]


class CountingStore:
    """A store that counts its operations, and the bytes that they write."""

    def __init__(self, store: Store, counts: Counter[str]) -> None:
        self._store = store
        self._counts = counts

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._store, name)

        def counted(*given: Any, **named: Any) -> Any:
            answer = asked(*given, **named)
            self._counts[f"store: {name}"] += 1
            if name in WRITTEN:
                self._counts["bytes written"] += WRITTEN[name](given, answer)
            return answer

        return counted


@contextmanager
def counting(counts: Counter[str]) -> Iterator[None]:
    """Count decoders, encoders and evaluations that are called in this thread."""

    def called(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            if frame.f_code in EVALUATIONS:
                counts[EVALUATIONS[frame.f_code]] += 1
        elif event == "c_call" and argument.__name__.startswith(("decode", "encode")):
            kind = type(argument.__self__).__module__
            if kind.startswith("msgspec"):
                counts[f"{kind.partition('.')[2]} {argument.__name__.partition('_')[0]}d"] += 1

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        yield
    finally:
        sys.setprofile(before)


async def take_events(project: Project, store: str) -> Counter[str]:
    """All of the workload, block by block, each acknowledged before the next."""
    counts, lines = Counter[str](), events(EVENTS, PEOPLE)

    def counting_store(*given: Any, **named: Any) -> CountingStore:
        return CountingStore(open_store(*given, **named), counts)

    with patch.object(opening, "open_store", counting_store):
        service = Service.open(
            project, store, shards=SHARDS, runtime="local", records=["email"], clock=ManualClock(NOW_MS)
        )
        async with service:
            counts.clear()
            with counting(counts):
                while block := list(islice(lines, BLOCK)):
                    assert (await service.ingest(b"\n".join(block))).accepted == len(block)
            return Counter(counts)


async def pass_time(project: Project, store: str) -> tuple[Counter[str], int]:
    """Open the shards again, and let everybody's patience run out; how many were reminded."""
    counts, reminded = Counter[str](), 0
    plan = Plan(project, SHARDS, store, records=("email",))
    for number in range(SHARDS):
        opened = cast(Store, CountingStore(open_store(store, number), counts))
        with counting(counts):
            host = open_shard(plan, number, ManualClock(NOW_MS + HOUR_MS), lambda channel: None, store=opened)
            await host.ask(PassTime(NOW_MS + HOUR_MS))
        totals = await host.ask(GetTotals())
        await host.close()
        reminded += sum(count for (*_, state, _), count in totals.deliveries if state == "sent")
    return counts, reminded


def work() -> dict[str, Counts]:
    """Of each case: what a thousand events make, and what a thousand reminders do after a restart."""
    found = {}
    for case in COUNTED:
        project = CASES[case].project()
        with tempfile.TemporaryDirectory(prefix="parcours-work-") as folder:
            store = f"sqlite:///{folder}/store"
            found[f"{case}: a thousand events"] = _each(asyncio.run(take_events(project, store)), EVENTS)
            counts, reminded = asyncio.run(pass_time(project, store))
            found[f"{case}: a thousand reminders after a restart"] = _each(counts, reminded)
    return found


def _each(counts: Counter[str], of: int) -> Counts:
    return {name: round(count / of * 1_000, 1) for name, count in sorted(counts.items())}


def differences(kept: Mapping[str, Counts], now: Mapping[str, Counts]) -> list[str]:
    """In words, whatever is off by more than the tolerance, be it more work or less."""
    told = []
    for what in kept.keys() | now.keys():
        then, counted = kept.get(what, {}), now.get(what, {})
        for name in sorted(then.keys() | counted.keys()):
            before, after = then.get(name, 0.0), counted.get(name, 0.0)
            if abs(after - before) > TOLERANCE * before:
                told.append(f"{what}: {name}: {after:,} where {before:,} are kept")
    return sorted(told)


def kept() -> dict[str, Counts]:
    found: dict[str, Counts] = json.loads(KEPT.read_text())
    return found


if __name__ == "__main__":
    KEPT.write_text(json.dumps(work(), indent=2) + "\n")
