"""What does it cost to take columns of everybody as of an instant, and what do events lose that arrive meanwhile?

One shard on SQLite, whose people have identified themselves; a campaign asks so many expressions of them. Their columns
are listed slice by slice: microseconds of the processor a person, with one expression and with all of them. Then events
arrive in batches, some blocks of them while no scan is under way, and others while one is: there each batch is followed
by a slice, and whoever an event is of has her columns taken first; the rate is told with the slices and without. The
answers are checked: everybody is told once, and as she was at the instant. Prints one line of JSON last.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from workload import events, project

from parcours import Project
from parcours.config import Settings
from parcours.core.columns import read_columns
from parcours.core.identity import SlotMap
from parcours.shard.messages import Batch
from parcours.shard.scans import Scan, StageAsked
from parcours.shard.shard import Shard
from parcours.store.address import prepare
from parcours.store.sqlite import SqliteStore

T = TypeVar("T")

BEGIN_MS = 1_767_258_000_000
BATCH = 2_000


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
        self.shard = Shard(0, SlotMap(1), program_of.program, SqliteStore(folder, 0), Settings(), records=["email"])
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
        self.batches += 1
        batch = Batch("router", self.batches, list(range(len(lines))), lines)
        assert self.timed(lambda: self.shard.take(batch, self.now_ms)).number == self.batches

    def begin(self, name: str) -> None:
        self.now_ms += 1
        self.shard.reading.await_scan(Scan(name, self.now_ms, StageAsked("ask", 1, 0)))
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


def beside(one: OneShard, people: int, most: int, lines: list[bytes]) -> tuple[float, float, float]:
    """Microseconds of the processor an event: while no scan is under way, while one is, and then with its slices."""
    batches = [lines[first : first + BATCH] for first in range(0, len(lines), BATCH)]
    spent_s, counts, slices_s = {False: 0.0, True: 0.0}, {False: 0, True: 0}, 0.0
    for number in range(0, len(batches), 4):
        scanning = number // 4 % 2 == 1
        name, rows = f"beside-{number}", dict[str, bytes]()
        after: tuple[int, str] | None = None
        if scanning:
            one.begin(name)
        for place, batch in enumerate(batches[number : number + 4]):
            one.take(batch)
            spent_s[scanning] += one.cpu_s
            counts[scanning] += len(batch)
            if scanning and (place == 0 or after is not None):
                after = one.slice(name, after, most, rows)
                slices_s += one.cpu_s
        while scanning and after is not None:
            after = one.slice(name, after, most, rows)
        if scanning:
            one.end(name, rows, people)
    without, meanwhile = spent_s[False] / counts[False], spent_s[True] / counts[True]
    return without * 1e6, meanwhile * 1e6, (meanwhile + slices_s / counts[True]) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--expressions", type=int, default=11)
    parser.add_argument("--events", type=int, default=160_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    most = Settings().due_people_max
    lines = [*events(given.events, given.people)]
    runs = []
    for _ in range(given.runs):
        with tempfile.TemporaryDirectory() as folder:
            costs = []
            for expressions in (1, given.expressions):
                one = filled(Path(folder) / str(expressions), expressions, given.people)
                costs.append(statistics.median(one.cost_us(f"cost-{run}", given.people, most) for run in range(3)))
            runs.append((*costs, *beside(one, given.people, most, lines)))
        print(json.dumps([round(each, 2) for each in runs[-1]]), flush=True)
    one_us, all_us, without, meanwhile, with_slices = (statistics.median(each) for each in zip(*runs, strict=True))
    more = given.expressions - 1
    print(
        json.dumps(
            {
                "people": given.people,
                "person_us": round(one_us, 2),
                "expression_us": round((all_us - one_us) / more, 2) if more else None,
                "event_us": round(without, 2),
                "event_beside_a_scan_us": round(meanwhile, 2),
                "rate_beside_a_scan": round(without / meanwhile, 2),
                "rate_with_its_slices": round(without / with_slices, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
