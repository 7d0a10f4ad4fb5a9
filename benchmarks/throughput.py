"""How many durable events a second? The cart workload through Ray shards on SQLite with fsync.

An event counts once its acknowledgement is back: then it is on disk, applied once, and its duplicates are
recognised. Prints one line of JSON last.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections import deque
from pathlib import Path

from workload import events, project

from parcours import Acknowledgement, Engine, Ingested
from parcours.runtime.cluster.runtime import start_ray

BLOCK_EVENTS = 10_000
CALLS_UNDER_WAY = 8


def feed(engine: Engine, blocks: list[bytes]) -> list[Ingested]:
    """Hand in the blocks with a few calls under way at a time, as a service would."""
    under_way: deque[Acknowledgement] = deque()
    outcomes: list[Ingested] = []
    for block in blocks:
        if len(under_way) == CALLS_UNDER_WAY:
            outcomes.append(under_way.popleft().result())
        under_way.append(engine.ingest(block))
    return outcomes + [acknowledgement.result() for acknowledgement in under_way]


def measure(arguments: argparse.Namespace, blocks: list[bytes], folder: Path) -> dict[str, object]:
    """One run on a fresh store."""
    store = f"sqlite:///{folder}"
    with Engine.open(
        project(arguments.timeout), store, shards=arguments.shards, runtime=arguments.runtime, records=["email"]
    ) as engine:
        started = time.perf_counter()
        outcomes = feed(engine, blocks)
        seconds = time.perf_counter() - started
        accepted = sum(outcome.accepted for outcome in outcomes)
        doubles = sum(outcome.duplicate for outcome in feed(engine, blocks[:2]))
    assert accepted == arguments.events, f"{accepted} of {arguments.events} events were accepted"
    return {
        "events": accepted,
        "duplicates_recognised": doubles,
        "seconds": round(seconds, 3),
        "events_per_second": round(accepted / seconds),
        "store_bytes": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
        "shards": arguments.shards,
        "runtime": arguments.runtime,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--runtime", choices=["ray", "local"], default="ray")
    parser.add_argument("--timeout", default="2s", help="the journey's patience, in real time")
    parser.add_argument("--runs", type=int, default=1)
    arguments = parser.parse_args()
    lines = list(events(arguments.events, arguments.people))
    print(f"{len(lines):,} events of {sum(map(len, lines)) / len(lines):.0f} bytes on average")
    blocks = [b"\n".join(lines[start : start + BLOCK_EVENTS]) for start in range(0, len(lines), BLOCK_EVENTS)]
    del lines
    if arguments.runtime == "ray":
        start_ray()  # once for all runs: its helper processes go on starting for seconds after it has returned
    for run in range(arguments.runs + 1):
        folder = Path(tempfile.mkdtemp(prefix="parcours-benchmark-"))
        try:
            result = measure(arguments, blocks, folder)
        finally:
            shutil.rmtree(folder)
        if run > 0:  # the first one warms up
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
