"""Is deciding as fast as it has to be? In the shard, from Python, and at the door, each beside what was aimed at.

`parcours serve` runs in a process of its own over two shards and a store with durable commits. From this one httpx asks
it at a steady rate for a decision over offers with conditions, caps and a formula; then again while another process
hands it events. Latencies count from when a request should have left, so a door that stalls cannot hide it. Decisions
from Python are asked for in batches of an engine in this process, which collects garbage as seldom as one that serves.
What a decision, a position and a score take of the shard is measured by offers.py, places.py and scores.py. Prints
target and measured, and one line of JSON last.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx
import offers
import places
import scores
from door_client import Connection, request
from measuring.open_loop import latencies, quantile

from parcours import Project, Service
from parcours.collector import spare_from_the_start
from parcours.config import Settings
from parcours.service.decided import Decided

LINES_A_REQUEST = 100

UNDER_WAY_MAX = 64
"""Requests that httpx has at a time: with thousands that wait for a connection it does little but look at them."""

PATIENCE = Settings(decision_timeout_ms=60_000)
"""Of decisions that are asked for as fast as can be none is to be answered by its fallback."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offers", type=int, default=50)
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--rate", type=int, default=500, help="Requests a second.")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--events", type=int, default=10_000, help="Events a second beside them.")
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--places", type=int, default=150_000)
    parser.add_argument("--fixes", type=int, default=20_000)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--feed", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    spare_from_the_start()
    if asked.feed:
        asyncio.run(feed(int(asked.feed), asked.events, asked.people))
        return
    figures: dict[str, float] = {}

    def tell(name: str, target: str, measured: float, unit: str) -> None:
        figures[name] = measured
        print(f"{name}: {measured:g} {unit} (target: {target})", flush=True)

    tell(f"{asked.offers} offers in the shard", f"at most {20 + 2 * asked.offers}",
         offers.measured(asked.offers, 50, asked.runs), "µs")  # fmt: skip
    chance = Random(4)
    people = [scores.person(chance) for _ in range(asked.people)]
    forest = scores.measured(scores.forest_of(asked.trees, chance), people, asked.runs)
    tell(f"{asked.trees} trees", "at most 5", forest["model_us"], "µs")
    for area in places.AREAS:
        fix_us = places.measured(area, asked.places, asked.fixes)[1]
        tell(f"a fix, {asked.places:,} places in a {area}", "at most 15", round(fix_us, 1), "µs")
    with tempfile.TemporaryDirectory(prefix="parcours-decisions-") as folder:
        project = written(Path(folder), asked.offers)
        made = asyncio.run(from_python(project, asked.people, asked.batch, asked.batches))
        assert made.in_time == made.count, f"{made.in_time} of {made.count} were decided in time"
        each_s = made.cpu_s / made.count
        tell("batches from Python, decisions a second of processor", "at least 5,000", round(1 / each_s), "/s")
        for beside, p50, p99 in ((0, "at most 5", "at most 25"), (asked.events, "not stated", "at most 60")):
            with served(project, Path(folder) / f"store{beside}") as port, feeding(port, beside, asked.people):
                taken, late = asyncio.run(at_the_door(port, asked.people, asked.rate, asked.seconds))
            what = f"at the door, {asked.rate}/s" + (f" beside {beside:,} events/s" if beside else "")
            tell(f"{what}, p50", p50, round(statistics.median(taken), 1), "ms")
            tell(f"{what}, p99", p99, round(quantile(taken, 99), 1), "ms")
            tell(f"{what}, answered by fallbacks", "0", late, f"of {len(taken)}")
    print(json.dumps(figures))


def written(folder: Path, count: int) -> Path:
    """A project of so many offers."""
    project = folder / "shop"
    project.mkdir()
    for name, document in offers.documents_of(count).items():
        (project / f"{name}.yaml").write_text(json.dumps(document))  # all JSON is YAML
    (project / "events.yaml").write_text("events: {Product Viewed: {}}\n")
    return project


def traits_of(number: int) -> dict[str, object]:
    return {"loyal": True, "age": 20 + number % 60, "city": "Paris"}


# From Python


@dataclass(frozen=True)
class Made:
    """Decisions that were asked for from Python: how many, how many in time, and what all of them took."""

    count: int
    in_time: int
    seconds: float
    cpu_s: float


async def from_python(project: Path, people: int, batch: int, batches: int) -> Made:
    """So many are asked for together, one batch after the other."""
    with tempfile.TemporaryDirectory(prefix="parcours-decisions-") as folder:
        async with Service.open(
            Project.load(project), f"sqlite:///{folder}/engine", shards=2, runtime="local", settings=PATIENCE
        ) as service:
            await asyncio.gather(*(service.identify(f"u{number}", traits_of(number)) for number in range(people)))
            started_s, started_cpu_s, answers = time.perf_counter(), time.process_time(), list[Decided]()
            for first in range(0, batch * batches, batch):
                asked = [
                    service.decide(f"u{each % people}", "best", placement="banner")
                    for each in range(first, first + batch)
                ]
                answers += await asyncio.gather(*asked)
            seconds, cpu_s = time.perf_counter() - started_s, time.process_time() - started_cpu_s
    in_time = sum(len(each.offers) == 1 and not each.is_late for each in answers)
    return Made(len(answers), in_time, seconds, cpu_s)


# At the door


@contextmanager
def served(project: Path, store: Path) -> Iterator[int]:
    """`parcours serve` of the project on a fresh store, by its port."""
    serve = [
        "serve",
        str(project),
        "--store",
        f"sqlite:///{store}",
        "--runtime",
        "local",
        "--shards",
        "2",
        "--port",
        "0",
    ]
    command = [sys.executable, "-c", "from parcours.cli import main; main()", *serve]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            told = next(line for line in process.stdout if "The door is open at" in line)
            yield int(told.partition("http://127.0.0.1:")[2].split()[0].rstrip("/."))
        finally:
            process.terminate()


@contextmanager
def feeding(port: int, per_second: int, people: int) -> Iterator[None]:
    """Another process hands in events meanwhile, so many a second."""
    if not per_second:
        yield
        return
    command = [sys.executable, __file__, "--feed", str(port), "--events", str(per_second), "--people", str(people)]
    with subprocess.Popen(command) as process:
        try:
            yield
            assert process.poll() is None, "the events have ended"
        finally:
            process.terminate()


async def feed(port: int, per_second: int, people: int) -> None:
    """Until somebody ends this."""
    loop, connection, number = asyncio.get_running_loop(), await Connection.open(port), 0
    begun_s = loop.time()
    while True:
        calls = [
            {"type": "track", "event": "Product Viewed", "userId": f"u{each % people}", "messageId": f"e{each}"}
            for each in range(number, number + LINES_A_REQUEST)
        ]
        number += LINES_A_REQUEST
        await connection.ask(request("/v1/ndjson", b"\n".join(json.dumps(call).encode() for call in calls)))
        await asyncio.sleep(max(0.0, begun_s + number / per_second - loop.time()))


async def at_the_door(port: int, people: int, rate: int, seconds: float) -> tuple[list[float], int]:
    """How long each answer took (ms, in rising order), and how many were fallbacks because nobody answered in time."""
    late, room = 0, asyncio.Semaphore(UNDER_WAY_MAX)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        for number in range(0, people, LINES_A_REQUEST):
            batch = [
                {"type": "identify", "userId": f"u{each}", "traits": traits_of(each)}
                for each in range(number, min(number + LINES_A_REQUEST, people))
            ]
            (await client.post("/v1/batch", json={"batch": batch})).raise_for_status()

        async def ask(number: int) -> None:
            nonlocal late
            asked = {"userId": f"u{number % people}", "decisions": [{"decision": "best", "placement": "banner"}]}
            async with room:
                told = (await client.post("/v1/decisions", json=asked)).raise_for_status().json()
            late += told["timeout"]
            assert told["timeout"] or len(told["decisions"][0]["offers"]) == 1

        gc.disable()  # a client with thousands of tasks would stand still for what is no wait of the door's
        try:
            return await latencies(ask, rate, int(rate * seconds)), late
        finally:
            gc.enable()


if __name__ == "__main__":
    main()
