"""What the shards of a running engine have told that may not be exported yet, as rows of tables."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from parcours.insight.exporter.rows import Telling
from parcours.insight.warehouse.opening import TailRows
from parcours.journey.program import Program
from parcours.routing.ports import ShardPort
from parcours.shard.messages import TailSlice
from parcours.shard.requests import ReadTail


async def tail_rows(ports: Sequence[ShardPort], program: Program, address_secret: str | None) -> TailRows:
    """The rows of all shards; the newest of them are as of now. Files are to be listed after that.

    Raises StoreBroken, ShardUnavailable.
    """
    rows = TailRows()
    for shard, port in enumerate(ports):
        telling = Telling.of(shard, program, address_secret)
        part = await port.ask(ReadTail())
        await asyncio.to_thread(_take, rows, part, telling)
        while part.after is not None:
            part = await port.ask(ReadTail(part.after, part.through))
            await asyncio.to_thread(_take, rows, part, telling)
    return rows


def _take(rows: TailRows, part: TailSlice, telling: Telling) -> None:
    """Whoever was erased is noted beside the files, which is looked up later."""
    rows.add(part.records, telling, part.known_ms, lambda person: 0)
