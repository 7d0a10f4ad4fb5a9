"""How long does one call take that waits for its acknowledgement? One after another, each with a commit of its own.

Measured for callers that block (`engine.track(...).result()`), for coroutines that await an engine in another thread,
and for coroutines that await a service on their own loop. Prints one line of JSON last: medians in microseconds.
With `--awaiters N`, N coroutines share the calls of an engine, and so its commits: calls a second, and rows of the
journal that they made.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from workload import project

from parcours import Engine, Service


def blocking(engine: Engine, calls: int) -> list[float]:
    """Seconds of each call that blocks its thread."""
    taken = []
    for number in range(calls):
        started = time.perf_counter()
        engine.track("u1", "Product Viewed", {"sku": number}).result()
        taken.append(time.perf_counter() - started)
    return taken


def awaited(engine: Engine, calls: int) -> list[float]:
    """Seconds of each call that a coroutine awaits on a loop of its own."""

    async def all_of_them() -> list[float]:
        taken = []
        for number in range(calls):
            started = time.perf_counter()
            await engine.track("u1", "Product Viewed", {"sku": number})
            taken.append(time.perf_counter() - started)
        return taken

    return asyncio.run(all_of_them())


def on_its_loop(store: str, shards: int, calls: int) -> list[float]:
    """Seconds of each call of a service that shares the caller's loop."""

    async def all_of_them() -> list[float]:
        async with Service.open(project("2s"), store, shards=shards, runtime="local", records=["email"]) as service:
            taken = []
            for number in range(calls):
                started = time.perf_counter()
                await service.track("u1", "Product Viewed", {"sku": number})
                taken.append(time.perf_counter() - started)
            return taken

    return asyncio.run(all_of_them())


def shared(folder: Path, awaiters: int, shards: int, calls: int) -> dict[str, int]:
    """Calls a second, and rows in the journals, where many await an engine in another thread."""

    async def caller(engine: Engine, numbers: range) -> None:
        for number in numbers:
            await engine.track(f"u{number}", "Product Viewed", {"sku": number})

    async def all_of_them(engine: Engine) -> None:
        await asyncio.gather(*(caller(engine, range(first, calls, awaiters)) for first in range(awaiters)))

    store = f"sqlite:///{folder}"
    with Engine.open(project("2s"), store, shards=shards, runtime="local", records=["email"]) as engine:
        started = time.perf_counter()
        asyncio.run(all_of_them(engine))
        taken_s = time.perf_counter() - started
    return {"awaiters": awaiters, "calls_per_s": round(calls / taken_s), "journal_rows": rows(folder)}


def rows(folder: Path) -> int:
    """Rows that the journals of a store have had; those that were trimmed count."""
    counted = 0
    for path in folder.glob("*.journal.sqlite3"):
        with closing(sqlite3.connect(path)) as journal:
            counted += journal.execute("SELECT max(sequence) FROM journal").fetchone()[0] or 0
    return counted


def median_us(taken: list[float]) -> int:
    return round(statistics.median(taken) * 1_000_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--awaiters", type=int, help="so many coroutines at once, and nothing else, on sqlite")
    parser.add_argument("--store", choices=["memory", "sqlite"], default="sqlite", help="sqlite waits for an fsync")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parcours-benchmark-") as folder:
        if arguments.awaiters:
            print(json.dumps(shared(Path(folder) / "shared", arguments.awaiters, arguments.shards, arguments.calls)))
            return
        stores = iter(f"sqlite:///{Path(folder) / str(number)}" for number in range(2))
        new_store: Callable[[], str] = (lambda: "memory:") if arguments.store == "memory" else lambda: next(stores)
        with Engine.open(
            project("2s"), new_store(), shards=arguments.shards, runtime="local", records=["email"]
        ) as engine:
            blocking(engine, arguments.calls // 10)  # warms up
            medians = {
                "blocking_us": median_us(blocking(engine, arguments.calls)),
                "awaited_us": median_us(awaited(engine, arguments.calls)),
            }
        medians["service_us"] = median_us(on_its_loop(new_store(), arguments.shards, arguments.calls))
    print(json.dumps({"calls": arguments.calls, "store": arguments.store, **medians}))


if __name__ == "__main__":
    main()
