"""A log in memory, and the source that reads it: what a broker is, without one."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Literal
from weakref import WeakValueDictionary

from pydantic import BaseModel, ConfigDict, Field

from parcours.source import Line, PartitionGone, PositionOutOfRange, Read, SourceUnreachable

_LOGS: WeakValueDictionary[str, Log] = WeakValueDictionary()
_numbers = itertools.count(1)


class Log:
    """Partitions by name, each with its lines. `name` is what a source's settings have under `log`.

    first  the oldest position that a partition holds, where lines of it have been dropped
    """

    def __init__(self) -> None:
        self.name = f"log-{next(_numbers)}"
        self.partitions: dict[str, list[Line]] = {}
        self.first: dict[str, int] = {}
        self.is_away = False
        _LOGS[self.name] = self

    def append(
        self,
        partition: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
        timestamp_ms: int | None = None,
    ) -> int:
        """Write a line; its offset."""
        lines = self.partitions.setdefault(partition, [])
        line = Line(self.end(partition), value, key, tuple(headers), timestamp_ms)
        lines.append(line)
        return line.offset

    def settings(self, **others: Any) -> LogSettings:
        """The settings of a source that reads it."""
        return LogSettings(log=self.name, **others)

    def end(self, partition: str) -> int:
        """The offset that the next line gets."""
        lines = self.partitions[partition]
        return lines[-1].offset + 1 if lines else self.first.get(partition, 0)

    def drop_before(self, partition: str, offset: int) -> None:
        """Keep no line before this offset."""
        kept = [line for line in self.partitions[partition] if line.offset >= offset]
        self.partitions[partition], self.first[partition] = kept, offset

    @contextmanager
    def away(self) -> Iterator[None]:
        """While it lasts the log cannot be reached."""
        self.is_away = True
        try:
            yield
        finally:
            self.is_away = False


class LogSettings(BaseModel):
    """Which log is read, and where a partition is begun that has never been read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    log: str
    begin: Literal["earliest", "latest"] = "earliest"
    wait_s: float = Field(default=0.01, ge=0, description="How long a reading waits for lines.")


class LogSource:
    """Reads a log in memory."""

    Settings: ClassVar[type[BaseModel]] = LogSettings

    def __init__(self, settings: LogSettings) -> None:
        self._settings = settings

    async def start(self) -> None:
        self._log()

    async def partitions(self) -> list[str]:
        return sorted(self._log().partitions)

    async def read(self, partition: str, position: int | None, most: int) -> Read:
        log = self._log()
        if partition not in log.partitions:
            raise PartitionGone(f"the log {log.name} has no partition {partition!r}")
        first, end = log.first.get(partition, 0), log.end(partition)
        if position is None:
            position = first if self._settings.begin == "earliest" else end
        if not first <= position <= end:
            raise PositionOutOfRange(position, first)
        if position == end:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), self._settings.wait_s)
        lines = [line for line in log.partitions.get(partition, ()) if line.offset >= position]
        read = lines[:most]
        position = read[-1].offset + 1 if read else position
        return Read(read, position, lag=len(lines) - len(read))

    async def position_at(self, partition: str, at_ms: int) -> int | None:
        for line in self._log().partitions.get(partition, ()):
            if line.timestamp_ms is not None and line.timestamp_ms >= at_ms:
                return line.offset
        return None

    async def close(self) -> None:
        """There is nothing to close."""

    def _log(self) -> Log:
        log = _LOGS.get(self._settings.log)
        if log is None or log.is_away:
            raise SourceUnreachable(f"{self._settings.log} cannot be reached")
        return log
