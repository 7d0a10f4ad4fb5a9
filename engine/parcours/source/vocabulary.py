"""The interface of a source: lines, what a reading brings, what can be wrong with one, and the protocol itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import msgspec
from pydantic import BaseModel

GROUP = "parcours.sources"
"""The entry-point group in which sources are found."""


class Line(msgspec.Struct, frozen=True, gc=False):
    """One message of a log.

    offset        its place in its partition
    value         its bytes; None for one that says only that its key is gone, which nobody looks at
    key           that by which the log has chosen the partition
    headers       in their order; a name may come several times
    timestamp_ms  when the log has it from, ms since 1970; it is the line's own time where that names none
    unusable      why nothing can be made of it, where the source knows that itself, as of a row that is cut off: it is
                  set aside with this reason
    """

    offset: int
    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp_ms: int | None = None
    unusable: str | None = None


class Read(msgspec.Struct, frozen=True):
    """What reading from a position has brought.

    lines     in the order of their offsets; none if nothing has come for a moment
    position  where reading goes on: above the last line, and no lower than where this began
    lag       how many lines there were behind that position, None where the log does not tell
    is_over   nothing will ever come behind the position, as at the end of a file
    """

    lines: Sequence[Line]
    position: int
    lag: int | None = None
    is_over: bool = False


class PartitionGone(Exception):
    """The log has no such partition any more: a topic was deleted, a folder is away. Its position is kept."""


class SourceUnreachable(Exception):
    """The log cannot be read just now: no connection, no login, no answer. It is tried again."""


class PositionOutOfRange(Exception):
    """The log does not hold the position: its lines have been deleted, or it is another log under the same name.

    Whoever operates the engine decides where reading goes on; until then the partition stands still.
    """

    def __init__(self, position: int, first: int | None = None) -> None:
        """`first` is the oldest position that there is, None where nobody can tell."""
        super().__init__(position, first)
        self.position = position
        self.first = first

    def __str__(self) -> str:
        there = "" if self.first is None else f"; the oldest that there is: {self.first}"
        return f"the log does not hold position {self.position}{there}"


@runtime_checkable
class TellsTimes(Protocol):
    """What a source has besides if it can tell where a time is: reading can be sent back to it then."""

    async def position_at(self, partition: str, at_ms: int) -> int | None:
        """Where the first line is that the log has from this time or from later, ms since 1970; None without such.

        Raises PartitionGone, SourceUnreachable.
        """


@runtime_checkable
class NamesPartitions(Protocol):
    """What a source has besides whose partitions people know by another name, as files are."""

    def shown_name(self, partition: str) -> str | None:
        """By what people know it; None where that is not known. It is asked at any time, and waits for nothing."""


@runtime_checkable
class Source(Protocol):
    """One log. The constructor takes the validated `Settings` and does nothing else.

    It may have `libraries`, a tuple of names: what it imports only when it starts. A missing one is told when the
    project is checked.
    """

    Settings: ClassVar[type[BaseModel]]
    """What sources.yaml holds under the source's name."""

    def __init__(self, settings: Any) -> None: ...

    async def start(self) -> None:
        """Open connections and read credentials. May raise: it is tried again with growing pauses."""

    async def partitions(self) -> Sequence[str]:
        """The names of the partitions that are to be read here, asked for every few seconds.

        One that is not named any more is read no more, and goes on at the store's position wherever it is named next.
        Raises SourceUnreachable.
        """

    async def read(self, partition: str, position: int | None, most: int) -> Read:
        """At most `most` lines of the partition at `position` and behind it; None: where its settings say to begin.

        Whoever looks into the log before it is read again asks for partitions that others read, and for positions
        between two lines, too.

        It waits for lines for a moment where there are none, and not for more where there are some. One call of a
        partition is under way at a time; it may be cancelled. Raises PartitionGone, PositionOutOfRange,
        SourceUnreachable.
        """

    async def close(self) -> None:
        """Close what `start` opened. Called once, when nothing is read any more."""
