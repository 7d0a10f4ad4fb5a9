"""Reads a source: finds its partitions, and keeps a task for each of them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from parcours.closing import close_all
from parcours.errors import ParcoursError
from parcours.shard.requests import GetPaused
from parcours.source import Source
from parcours.sources.lines import MakeLine, as_it_is
from parcours.sources.looking_back import Look
from parcours.sources.partition_log import PartitionLog
from parcours.sources.partition_reader import PAUSES_S, PartitionReader, PartitionState
from parcours.sources.way_in import WayIn

log = logging.getLogger("parcours")

PARTITIONS_EVERY_S: Final = 3.0
"""How often a source is asked which partitions it has."""

HEAR_EVERY_S: Final = 1.0
"""How often the first shard is asked whether the source is paused: whoever has paused it may be another process."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """How a source is read by this process.

    paused    whether nobody reads it, as this process has heard
    outcomes  what became of lines since the process began, by name: accepted, undeclared, duplicate, set_aside (as a
              dead letter), ignored (it says only that its key is gone)
    trouble   what keeps it from being opened, in words
    """

    source: str
    paused: bool
    partitions: Sequence[PartitionState]
    outcomes: Mapping[str, int]
    trouble: str | None


class Pump:
    """One source. It is started once, and stopped once."""

    def __init__(self, name: str, source: Source, way_in: WayIn, make: MakeLine = as_it_is) -> None:
        self.name = name
        self.source = source
        self._way_in = way_in
        self._make = make
        self._outcomes: Counter[str] = Counter()
        self._paused = False
        self._may_read = asyncio.Event()
        """Not set before it is known whether the source is paused."""
        self._readers: dict[str, tuple[PartitionReader, asyncio.Task[None]]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.looking_back = asyncio.Lock()
        """Held by whoever looks back in it, or sends it back: one at a time."""

        self._is_started = False
        self._trouble: str | None = None

    def start(self) -> None:
        """Begin, in the background."""
        self._tasks = [asyncio.ensure_future(each) for each in (self._keep_reading(), self._keep_hearing())]

    async def stop(self) -> None:
        """Read no more, let what is under way be answered, and close the source."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._may_read.clear()
        for partition in list(self._readers):
            await self._end(partition)
        if self._is_started:
            await close_all([self.source.close])

    async def hear(self) -> None:
        """Read nothing more where the source is paused by now, and on where it is not. What has been read goes on."""
        self._paused = await self._way_in.ports[0].ask(GetPaused(self.name))
        (self._may_read.clear if self._paused else self._may_read.set)()

    async def let_go(self, partition: str) -> bool:
        """Read the partition no more, once what is under way is answered, until it is found again. Whether it was."""
        if was_read := partition in self._readers:
            await self._end(partition)
        return was_read

    async def begin_anew(self, partition: str) -> None:
        """Read the partition from where the shards say by now, also where it was over."""
        await self.let_go(partition)
        if partition not in self._readers and self._tasks:
            self._begin(partition)

    def partitions(self) -> Set[str]:
        """Those that are read here, or were to their end."""
        return self._readers.keys()

    def partition_of(self, told: str) -> str:
        """The partition that people know by this name; what is told, where there is none here."""
        return next((each for each, (reader, _) in self._readers.items() if reader.log.shown == told), told)

    def log(self, partition: str) -> PartitionLog:
        """A partition, to be looked into; it may be one that others read."""
        reader = self._readers.get(partition)
        return PartitionLog(self.source, partition) if reader is None else reader[0].log

    def look(self, partition: str) -> Look:
        """What would come of reading it again."""
        return Look(self.log(partition), f"{self.name}/{partition}", self._way_in, self._make)

    def state(self) -> SourceState:
        """How it is read now."""
        partitions = [reader.state(paused=self._paused) for reader, _ in self._readers.values()]
        partitions.sort(key=lambda each: (each.name, each.partition))
        return SourceState(self.name, self._paused, partitions, dict(self._outcomes), self._trouble)

    def troubles(self) -> list[str]:
        """What is not in order, a sentence each."""
        said = [self._trouble, *(reader.trouble for reader, _ in self._readers.values())]
        return [trouble for trouble in said if trouble is not None]

    async def _keep_hearing(self) -> None:
        while True:
            with suppress(ParcoursError):  # it is asked again
                await self.hear()
            await asyncio.sleep(HEAR_EVERY_S)

    async def _keep_reading(self) -> None:
        failures = 0
        while True:
            try:
                if not self._is_started:
                    await self.source.start()
                    self._is_started = True
                await self._follow(await self.source.partitions())
            except Exception as error:  # noqa: BLE001  # whatever it is, others are read on, and this one again
                trouble = f"source {self.name} cannot be read: {str(error) or type(error).__name__}"
                if trouble != self._trouble:
                    log.warning("%s", trouble)
                self._trouble = trouble
                await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1
            else:
                self._trouble, failures = None, 0
                await asyncio.sleep(PARTITIONS_EVERY_S)

    async def _follow(self, partitions: Sequence[str]) -> None:
        """Read these partitions from now on, and no others."""
        for partition in self._readers.keys() - set(partitions):
            await self._end(partition)
        for partition in partitions:
            if partition not in self._readers:
                self._begin(partition)

    def _begin(self, partition: str) -> None:
        name = f"{self.name}/{partition}"
        of = PartitionLog(self.source, partition)
        reader = PartitionReader(of, name, self._way_in, self._make, self._outcomes, self._may_read)
        self._readers[partition] = reader, asyncio.ensure_future(reader.run())

    async def _end(self, partition: str) -> None:
        reader, task = self._readers.pop(partition)
        await reader.settle()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
