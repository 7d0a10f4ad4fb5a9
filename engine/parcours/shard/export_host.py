"""What the host of a shard answers whoever exports what is told, as files or to destinations."""

from __future__ import annotations

from parcours.clock import Clock
from parcours.shard.messages import ExportRange, ExportSlice, FactSlice, TailSlice
from parcours.shard.shard import Shard
from parcours.shard.turns import Turns


class ExportHost:
    """What is read has no turn: it changes nothing."""

    def __init__(self, shard: Shard, clock: Clock, turns: Turns) -> None:
        self._shard = shard
        self._clock = clock
        self._turns = turns

    async def begin(self, at_least: int, most: int) -> ExportRange | None:
        async with self._turns:
            return self._shard.exporting.begin(at_least, most, self._clock.now_ms())

    async def read(self, after: int, last: int) -> ExportSlice | None:
        return self._shard.exporting.slice(after, last)

    async def read_tail(self, after: int | None, through: int) -> TailSlice:
        return self._shard.exporting.tail(after, through, self._clock.now_ms())

    async def end(self, last: int) -> None:
        async with self._turns:
            self._shard.exporting.end(last, self._clock.now_ms())

    async def read_facts(self, destination: str, after: int | None) -> FactSlice | None:
        return self._shard.exporting.facts.read(destination, after)

    async def tell_facts(self, destination: str, through: int, rows: int, refused: int) -> None:
        async with self._turns:
            self._shard.exporting.facts.told(destination, through, rows, refused, self._clock.now_ms())
