"""The figures of a running engine: what its shards count and measure, and what waits for them. One call a shard."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from parcours.clock import stopwatch_ms
from parcours.errors import ParcoursError
from parcours.routing.ports import ShardPort
from parcours.shard.figures import ShardFigures
from parcours.shard.requests import GetFigures
from parcours.sources.pump import SourceState

WITHIN_S = 5.0
"""How long a shard may take to tell its figures; it is left out then, and `lag_ms` says for how long it was asked."""


@dataclass(frozen=True, slots=True)
class ShardAnswer:
    """
    figures  None from a shard that did not answer
    lag_ms   how long it took to answer
    """

    figures: ShardFigures | None
    lag_ms: float


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """
    shards         by number
    waiting_lines  lines that wait for each shard, by its number
    troubles       how many there are
    sources        how each source is read by this process
    """

    shards: tuple[ShardAnswer, ...]
    waiting_lines: tuple[int, ...]
    troubles: int
    sources: tuple[SourceState, ...] = ()


async def ask_all(ports: Sequence[ShardPort]) -> tuple[ShardAnswer, ...]:
    """What each shard says, all asked at once."""
    return tuple(await asyncio.gather(*map(_ask, ports)))


async def _ask(port: ShardPort) -> ShardAnswer:
    started_ms = stopwatch_ms()
    try:
        async with asyncio.timeout(WITHIN_S):
            figures = await port.ask(GetFigures())
    except (ParcoursError, TimeoutError):
        return ShardAnswer(None, stopwatch_ms() - started_ms)
    return ShardAnswer(figures, stopwatch_ms() - started_ms)
