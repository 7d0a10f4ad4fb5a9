"""By how much longer does a report take that has what is not exported yet, beside one of the exported facts alone?

One shard on SQLite takes the cart workload and exports it; then it takes so many events more that its journal tells of
as many facts as are asked for, and they stay there. The report of journeys is asked of the files, and of the files and
the tail, which the shard hands over as records: from the request until the figures are there, in turns. Both say that
they add up, and the entries that they tell of are counted in the facts. Prints medians in seconds, by the clock and of
the processor, and one line of JSON last.
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

from parcours import Project
from parcours.config import Settings
from parcours.insight.exporter.rows import Telling
from parcours.insight.reports.asked import Asked
from parcours.insight.reports.counting import report_of
from parcours.insight.reports.report import Report
from parcours.insight.warehouse.opening import TailRows, open_warehouse
from parcours.insight.warehouse.snapshot import Tail
from parcours.insight.warehouse.viewed import Viewed
from parcours.shard.host import ShardHost
from parcours.shard.tail_requests import ReadTail


async def tail_of(host: ShardHost, shop: Project) -> Tail:
    rows, telling = TailRows(), Telling.of(0, shop.program, None)
    part = await host.ask(ReadTail())
    rows.add(part.records, telling, part.known_ms, lambda person: 0)
    while part.after is not None:
        part = await host.ask(ReadTail(part.after, part.through))
        rows.add(part.records, telling, part.known_ms, lambda person: 0)
    return rows.tail()


async def ask(host: ShardHost, shop: Project, store: Path, *, live: bool) -> Report:
    tail = await tail_of(host, shop) if live else None
    with open_warehouse(store / "facts", Viewed.of(shop.program), Settings(), tail) as warehouse:
        report = report_of(warehouse, Asked("journey"))
        entered = [*warehouse.rows("select count(*) from main.moves where what = 'entered' order by all")]
    (runs,) = report.sections[0].rows
    assert [(runs[report.sections[0].columns.index("entered")],)] == entered, runs
    return report


async def measure(facts: int, exported: int, people: int, runs: int, store: Path) -> dict[str, float]:
    shop, blocks = keeping("declared"), batches(facts + exported, people)
    before = sum(1 for number in range(len(blocks)) if sum(map(len, blocks[:number])) < exported)
    async with one_shard(shop, store) as host:
        await feed(host, blocks[:before])
        await export(host, shop, store)
        await feed(host, blocks[before:], before)
        told = sum(map(len, (await tail_of(host, shop)).rows.values()))
        assert told >= facts, f"{told} facts are not exported yet"
        taken: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
        for _ in range(runs):
            for live, measured in taken.items():
                begun_s, busy_s = time.perf_counter(), time.process_time()
                await ask(host, shop, store, live=live)
                measured.append((time.perf_counter() - begun_s, time.process_time() - busy_s))
    clock = {live: statistics.median(each for each, _ in measured) for live, measured in taken.items()}
    busy = {live: statistics.median(each for _, each in measured) for live, measured in taken.items()}
    print(f"{told:,} facts of the tail, {runs} runs, seconds by the clock and of the processor")
    for what, live in (("exported facts", False), ("with the tail", True)):
        print(f"  {what:>14}  {clock[live]:.2f}  {busy[live]:.2f}")
    tail_s, tail_busy_s = clock[True] - clock[False], busy[True] - busy[False]
    print(f"the tail takes {tail_s:.2f} s, and {tail_busy_s:.2f} s of the processor (target: 1)")
    seconds = {"exported_s": clock[False], "live_s": clock[True], "tail_s": tail_s, "tail_busy_s": tail_busy_s}
    return {"facts": told, **{name: round(each, 3) for name, each in seconds.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=100_000, help="facts that are not exported, at least")
    parser.add_argument("--exported", type=int, default=200_000, help="events that are exported")
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        told = asyncio.run(measure(given.facts, given.exported, given.people, given.runs, Path(folder)))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
