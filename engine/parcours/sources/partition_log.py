"""One partition of a source, as whoever reads it sees it: one reading at a time, whoever else wants to look into it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

from parcours.source import NamesPartitions, Read, Source

ReadThere: TypeAlias = Callable[[int | None, int], Awaitable[Read]]
"""What the source reads at a position, and at most so many lines of it."""


class PartitionLog:
    """`partition` is what the source calls it."""

    def __init__(self, source: Source, partition: str) -> None:
        self.partition = partition
        self._source = source
        self._turn = asyncio.Lock()

    @property
    def shown(self) -> str:
        """By what people know it."""
        named = self._source.shown_name(self.partition) if isinstance(self._source, NamesPartitions) else None
        return self.partition if named is None else named

    async def read(self, position: int | None, most: int) -> Read:
        """What the source reads there, once nobody else reads the partition here."""
        async with self._turn:
            return await self._read(position, most)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[ReadThere]:
        """Nobody else reads the partition here meanwhile: to go to and fro between two places is what takes long."""
        async with self._turn:
            yield self._read

    async def _read(self, position: int | None, most: int) -> Read:
        return await self._source.read(self.partition, position, most)
