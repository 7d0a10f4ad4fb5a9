"""What does it cost a shard to keep the events themselves, and how fast do they become Parquet?

One shard on SQLite takes the cart workload in micro-batches, in turns with `insight: {events: none}` and `declared`,
each time with a store of its own; then what it tells is exported in this process, without rests. The rows of the files
are counted. Prints medians of events a second of the processor's time, by how much less that is with the archive, the
bytes of the table of events on disk, and one line of JSON last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

from one_shard import batches, export, feed, keeping, one_shard

from parcours.config import Settings
from parcours.insight.warehouse.opening import open_warehouse
from parcours.insight.warehouse.viewed import Viewed


async def measure(kept: str, blocks: list[list[bytes]], store: Path) -> tuple[float, float, float]:
    """Seconds of the processor for taking all events and for exporting them, and the bytes of the table of events."""
    shop = keeping(kept)
    async with one_shard(shop, store) as host:
        begun_s = time.process_time()
        await feed(host, blocks)
        taken_s = time.process_time() - begun_s
        begun_s = time.process_time()
        await export(host, shop, store)
        exported_s = time.process_time() - begun_s
    with open_warehouse(store / "facts", Viewed(), Settings()) as warehouse:
        ((rows,),) = warehouse.rows("select count(*) from main.events order by all")
    assert rows == (sum(map(len, blocks)) if kept == "declared" else 0), f"{rows} events are in the files"
    return taken_s, exported_s, sum(file.stat().st_size for file in (store / "facts" / "events").rglob("*.parquet"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    blocks = batches(given.events, given.people)
    found: dict[str, list[tuple[float, float, float]]] = {"none": [], "declared": []}
    for _ in range(given.runs):
        for kept, measured in found.items():
            with tempfile.TemporaryDirectory() as folder:
                measured.append(asyncio.run(measure(kept, blocks, Path(folder))))
    without_s = statistics.median(taken_s for taken_s, _, _ in found["none"])
    with_s = statistics.median(taken_s for taken_s, _, _ in found["declared"])
    exported_s = statistics.median(exported_s for _, exported_s, _ in found["declared"])
    event_bytes = statistics.median(size for _, _, size in found["declared"]) / given.events
    without, rate, exported = (round(given.events / each) for each in (without_s, with_s, exported_s))
    cost = 100 * (1 - rate / without)
    print(f"{given.events:,} events of {given.people:,} people, {given.runs} runs, events a second of the processor")
    print(f"  without the archive  {without:,}\n  with the archive     {rate:,}, {cost:.1f} % less (target: 15)")
    print(f"  export               {exported:,} (target: 50,000), {event_bytes:.1f} bytes an event (target: 60)")
    told = {"without_per_s": without, "with_per_s": rate, "cost_percent": round(cost, 1), "export_per_s": exported}
    print(json.dumps({"events": given.events, **told, "bytes_an_event": round(event_bytes, 1)}))


if __name__ == "__main__":
    main()
