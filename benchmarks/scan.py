"""What does it cost to take columns of everybody as of an instant, and what do events lose that arrive meanwhile?

One shard on SQLite, whose people have identified themselves; a campaign asks so many expressions of them. Their columns
are listed slice by slice: microseconds of the processor a person, with one expression and with all of them. Then two
such shards take the same events in turn, some batches each, as fast as they can, and one of them has a scan meanwhile,
from beginning to end: its slices come when the shard lets them, and whoever an event is of has her columns taken first.
The answers are checked: everybody is told once, and as she was at the instant. Prints one line of JSON last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec
from workload import events, project

from parcours import Project
from parcours.clock import ManualClock
from parcours.config import Settings
from parcours.core.columns import read_columns
from parcours.core.identity import SlotMap
from parcours.routing.scans import collect
from parcours.shard.host import ShardHost
from parcours.shard.messages import Batch
from parcours.shard.scans import Scan, StageAsked
from parcours.shard.shard import Shard
from parcours.store.address import prepare
from parcours.store.sqlite import SqliteStore

T = TypeVar("T")

BEGIN_MS = 1_767_258_000_000
BATCH = 2_000
BATCHES = 8


def asking(expressions: int) -> Project:
    """The cart workload, with a campaign that asks for so many values of everybody."""
    arms = [{"name": f"part{number}", "when": f"profile.score > {number}.5"} for number in range(expressions - 1)]
    steps: list[dict[str, object]] = [{"id": "scored", "read": {"where": "has(profile.score)"}}]
    if arms:
        steps.append({"id": "parts", "split": [*arms, {"name": "others", "otherwise": True}]})
    documents = json.loads(project("20s").to_json())
    documents["profile"]["traits"] = {"score": "number"}
    return Project.from_json(json.dumps({**documents, "campaigns": [{"campaign": "ask", "steps": steps}]}).encode())


class OneShard:
    """On SQLite in a folder; `cpu_s` is the processor's time of what was asked last."""

    def __init__(self, folder: Path, program_of: Project) -> None:
        prepare(f"sqlite:///{folder}", "scan", 1)
        self.store = SqliteStore(folder, 0)
        self.shard = Shard(0, SlotMap(1), program_of.program, self.store, Settings(), records=["email"])
        self.shard.open(BEGIN_MS)
        self.now_ms = BEGIN_MS
        self.batches = 0
        self.cpu_s = 0.0

    def timed(self, call: Callable[[], T]) -> T:
        started_s = time.process_time()
        answer = call()
        self.cpu_s = time.process_time() - started_s
        return answer

    def take(self, lines: list[bytes]) -> None:
        (batch,) = self.batched(iter(lines))
        assert self.timed(lambda: self.shard.take(batch, self.now_ms)).number == self.batches

    def batched(self, lines: Iterator[bytes]) -> Iterator[Batch]:
        while some := [*islice(lines, BATCH)]:
            self.batches += 1
            yield Batch("router", self.batches, list(range(len(some))), some)

    def begin(self, name: str) -> None:
        self.now_ms += 1
        self.shard.reading.await_scans([Scan(name, self.now_ms, StageAsked("ask", 1, 0))])
        self.now_ms += 1

    def slice(
        self, name: str, after: tuple[int, str] | None, most: int, rows: dict[str, bytes]
    ) -> tuple[int, str] | None:
        listed = self.timed(lambda: self.shard.reading.list_columns(name, after, most, self.now_ms))
        assert listed.state == "listed" and not rows.keys() & {person for person, _ in listed.rows}
        rows |= dict(listed.rows)
        return listed.after

    def end(self, name: str, rows: dict[str, bytes], people: int) -> None:
        """Everybody was told, as at the beginning: with her own score, and no event of later."""
        self.shard.reading.end_scan(name)
        assert len(rows) == people
        assert all(read_columns(row).values[0] is True for row in rows.values())

    def cost_us(self, name: str, people: int, most: int) -> float:
        self.begin(name)
        rows: dict[str, bytes] = {}
        after = self.slice(name, None, most, rows)
        cpu_s = self.cpu_s
        while after is not None:
            after = self.slice(name, after, most, rows)
            cpu_s += self.cpu_s
        self.end(name, rows, people)
        return cpu_s / people * 1e6


def filled(folder: Path, expressions: int, people: int) -> OneShard:
    one = OneShard(folder, asking(expressions))
    for first in range(0, people, BATCH):
        numbers = range(first, min(first + BATCH, people))
        traits = ({"userId": f"shopper-{number:06}", "traits": {"score": number % 10}} for number in numbers)
        one.take([msgspec.json.encode({"type": "identify", **each}) for each in traits])
    return one


class StoppedLoop(asyncio.SelectorEventLoop):
    """A loop for which no time passes while it does not run, as nothing else did."""

    def __init__(self) -> None:
        super().__init__()
        self._ran_s = self._since_s = 0.0

    def time(self) -> float:
        return self._ran_s + (time.perf_counter() - self._since_s if self.is_running() else 0.0)

    def run(self, task: Coroutine[object, object, T]) -> tuple[T, float]:
        """What comes of it, and how many seconds it took."""
        before_s, self._since_s = self._ran_s, time.perf_counter()
        answer = self.run_until_complete(task)
        self._ran_s += time.perf_counter() - self._since_s
        return answer, self._ran_s - before_s


class Side:
    """A shard with a host on a loop of its own. Events come as from a router, several batches at once."""

    def __init__(self, one: OneShard) -> None:
        self.one = one
        self.loop = StoppedLoop()
        self._clock = ManualClock(one.now_ms)
        self._host, _ = self.loop.run(self._open())
        self.rows: dict[str, bytes] = {}

    async def _open(self) -> ShardHost:
        return ShardHost(self.one.shard, self.one.store, self._clock, lambda channel: None)

    def take_s(self, lines: list[bytes]) -> float:
        """Seconds until all are taken."""
        batches = self.one.batched(iter(lines))

        async def hand_in() -> None:
            for batch in batches:
                assert (await self._host.take(batch)).number == batch.number

        async def all_of_them() -> None:
            await asyncio.gather(*(hand_in() for _ in range(Settings().batches_in_flight_max)))

        return self.loop.run(all_of_them())[1]

    def scan(self, name: str, most: int) -> asyncio.Task[None]:
        """A scan that goes on while events are taken."""
        self.one.begin(name)
        self._clock.move_to(self.one.now_ms)
        self.rows = {}

        async def listed() -> None:
            async for slice_ in collect(self._host, name, most):
                assert not self.rows.keys() & {person for person, _ in slice_}
                self.rows |= dict(slice_)

        return self.loop.create_task(listed())


def beside(sides: tuple[Side, Side], people: int, most: int, lines: Iterator[bytes], scans: int) -> list[float]:
    """Of each scan the rate of events beside it, to that of the other shard, which takes the same ones in turn."""
    ratios = []
    for number in range(scans):
        scanning, other = sides if number % 2 == 0 else sides[::-1]
        task = scanning.scan(f"beside-{number}", most)
        spent_s, without_s = 0.0, 0.0
        while not task.done():
            some = [*islice(lines, BATCH * BATCHES)]
            assert some, "there are too few events for the scans"
            spent_s += scanning.take_s(some)
            without_s += other.take_s(some)
        scanning.one.end(f"beside-{number}", scanning.rows, people)
        ratios.append(without_s / spent_s)
    return ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--expressions", type=int, default=11)
    parser.add_argument("--people-beside", type=int, default=20_000)
    parser.add_argument("--events", type=int, default=6_000_000, help="they have to last for the scans")
    parser.add_argument("--scans", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    most = Settings().due_people_max
    costs = list[tuple[float, float]]()
    for _ in range(given.runs):
        with tempfile.TemporaryDirectory() as folder:
            us = []
            for expressions in (1, given.expressions):
                one = filled(Path(folder) / str(expressions), expressions, given.people)
                us.append(statistics.median(one.cost_us(f"cost-{number}", given.people, most) for number in range(3)))
            costs.append((us[0], us[1]))
        print(json.dumps([round(each, 2) for each in costs[-1]]), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        sides = [Side(filled(Path(folder) / name, given.expressions, given.people_beside)) for name in ("one", "other")]
        lines = events(given.events, given.people_beside)
        ratios = beside((sides[0], sides[1]), given.people_beside, most, lines, given.scans)
    one_us, all_us = (statistics.median(each) for each in zip(*costs, strict=True))
    more = given.expressions - 1
    print(
        json.dumps(
            {
                "people": given.people,
                "person_us": round(one_us, 2),
                "expression_us": round((all_us - one_us) / more, 2) if more else None,
                "rate_beside_a_scan": [round(each, 2) for each in ratios],
                "median": round(statistics.median(ratios), 2),
            }
        )
    )


if __name__ == "__main__":
    main()
