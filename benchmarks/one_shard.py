"""One shard on SQLite in this process: it takes the cart workload, and what it tells is written as files."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path

from workload import START, events, project

from parcours import Project, collector
from parcours.clock import ManualClock
from parcours.config import HOUR_MS
from parcours.insight.exporter.range_files import ParquetRange
from parcours.insight.exporter.rows import Telling
from parcours.routing.plan import Plan
from parcours.runtime.open_shard import open_shard
from parcours.shard.host import ShardHost
from parcours.shard.messages import Batch
from parcours.shard.requests import BeginExport, EndExport, ReadExport, TakeBatch
from parcours.store.address import prepare

BATCH = 5_000
"""Events in a micro-batch, as they come together where there are many."""

NOW_MS = round(START.timestamp() * 1_000) + HOUR_MS
"""Later than all events that are handed in."""


def keeping(kept: str) -> Project:
    """The workload's project, which keeps these events: `declared`, which is all of them, or `none`."""
    documents = json.loads(project("30m").to_json())
    documents["settings"]["insight"] = {"events": kept}
    return Project.from_json(json.dumps(documents).encode())


def batches(count: int, people: int) -> list[list[bytes]]:
    """So many events of so many people."""
    lines = events(count, people)
    return [*iter(lambda: [*islice(lines, BATCH)], [])]


@asynccontextmanager
async def one_shard(shop: Project, store: Path) -> AsyncGenerator[ShardHost]:
    """The shard, whose facts wait to be exported; nobody exports them."""
    plan = Plan(shop, 1, f"sqlite:///{store}", records=("email",), exports=True)
    prepare(plan.store, shop.name, plan.shards)
    host = open_shard(plan, 0, ManualClock(NOW_MS), lambda channel: None)
    collector.spare_for_good()  # as the actor of a shard does
    try:
        yield host
    finally:
        await host.close()


async def feed(host: ShardHost, blocks: list[list[bytes]], after: int = 0) -> None:
    """Hand in the blocks, of which so many have been handed in before."""
    for number, block in enumerate(blocks, start=after + 1):
        await host.ask(TakeBatch(Batch("router", number, list(range(len(block))), block)))


async def export(host: ShardHost, shop: Project, store: Path) -> None:
    """Write all that waits as one range."""
    ahead = await host.ask(BeginExport(1, 1_000_000))
    assert ahead is not None, "something has been told"
    files = ParquetRange(store, Telling.of(0, shop.program, None), ahead)
    after: int | None = ahead.first - 1
    while after is not None:
        part = await host.ask(ReadExport(after, ahead.last))
        assert part is not None, "nobody else exports"
        files.add(part)
        after = part.after
    files.finish()
    await host.ask(EndExport(ahead.last))
