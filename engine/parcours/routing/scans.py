"""A scan over all shards: columns of everybody as of one instant, which none of them has passed (shard/scans.py).

    announce: no move is under way, all stand still ── the instant is told ──> they go on
    collect:  slices of each shard, at any time after it, as often as it takes
    end:      nothing is kept of it any more

What is collected is the same however late that is, and whatever has happened since.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from parcours.routing.audience_reads import EARLY_PAUSE_S
from parcours.routing.change_protocol import at_one_time
from parcours.routing.moves import end_moves, let_move
from parcours.routing.patience import Patience
from parcours.routing.ports import ChangePort, ScanPort, until_answered
from parcours.shard.requests import AwaitScan, EndScan, ListColumns
from parcours.shard.scans import Asked, Scan

Rows: TypeAlias = list[tuple[str, bytes]]
"""Names and columns (core/columns.py), in no order."""


class ScanGone(Exception):
    """A shard knows nothing of the scan: the engine was opened again since, or it has ended."""


async def announce(ports: Sequence[ChangePort], asked: Mapping[str, Asked], now_ms: int, attempt: int) -> int:
    """Begin scans of one instant, now or as soon as all shards can be told; returns the instant in ms.

    asked    what each asks, by its name
    attempt  as for a change of what is published (change_protocol.py), which may not be under way
    Raises ShardUnavailable where a shard takes too long; nothing has begun then.
    """
    patience = Patience()

    def begun(at: int) -> AwaitScan:
        return AwaitScan(attempt, tuple(Scan(name, at, each) for name, each in asked.items()))

    try:
        await end_moves(ports, patience)
        return await at_one_time(ports, now_ms, attempt, begun, patience)
    finally:
        await let_move(ports)


async def collect(port: ScanPort, name: str, most: int) -> AsyncGenerator[Rows]:
    """What a shard tells, in slices of at most so many people. Raises ScanGone."""
    after: tuple[int, str] | None = None
    while True:
        listed = await until_answered(partial(port.ask, ListColumns(name, after, most)))
        if listed.state == "gone":
            raise ScanGone(name)
        if listed.state == "early":
            await asyncio.sleep(EARLY_PAUSE_S)
            continue
        yield listed.rows
        after = listed.after
        if after is None:
            return
        await asyncio.sleep(0)  # others have their turn between two slices


async def collect_held(ports: Sequence[ScanPort], scan: Scan, most: int) -> AsyncGenerator[Rows]:
    """What all shards tell of a scan whose instant is now: whoever drives virtual time holds everybody there.

    It has begun with this, and is to be ended. Raises ScanGone.
    """
    for port in ports:
        await until_answered(partial(port.ask, AwaitScan(None, (scan,))))
    for port in ports:
        async for rows in collect(port, scan.name, most):
            yield rows


async def end(ports: Sequence[ScanPort], name: str) -> None:
    """Every shard forgets the scan."""
    for port in ports:
        await until_answered(partial(port.ask, EndScan(name)))
