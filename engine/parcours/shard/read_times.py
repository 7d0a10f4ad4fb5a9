"""The instants at which published journeys read their audiences: those that have passed, and the next ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from parcours.journey.program import Program, ReadEntry
from parcours.shard.messages import AudienceRead


@dataclass(slots=True)
class _Coming:
    """Of one journey.

    next_ms    the first instant that has not passed, None if there is none
    following  those after it
    newest     the last one that has passed, unless it is read already
    skipped    how many passed before it and were not read
    """

    read: AudienceRead
    next_ms: int | None
    following: Iterator[int]
    newest: int | None = None
    skipped: int = 0

    def at(self, at: int) -> AudienceRead:
        return msgspec.structs.replace(self.read, at=at)

    def pass_next(self) -> None:
        if self.newest is not None:
            self.skipped += 1
        self.newest, self.next_ms = self.next_ms, next(self.following, None)


class ReadTimes:
    """Of one shard, under live time."""

    def __init__(self) -> None:
        self._coming: dict[str, _Coming] = {}

    def publish(self, program: Program, since_ms: int, after: Mapping[str, int]) -> None:
        """The instants are those of this program from a time on, later than the one named for their journey."""
        self._coming = {}
        for journey in program.journeys:
            entry = journey.entry
            if isinstance(entry, ReadEntry):
                read = AudienceRead(journey.name, journey.version, 0, entry.audience, entry.people_per_second)
                following = entry.instants(program.timezone, max(since_ms - 1, after.get(journey.name, -1)))
                self._coming[journey.name] = _Coming(read, next(following, None), following)

    def pass_to(self, at: int) -> bool:
        """Instants before this time have passed; whether there were any."""
        passed = False
        for coming in self._coming.values():
            while coming.next_ms is not None and coming.next_ms < at:
                coming.pass_next()
                passed = True
        return passed

    def passed(self) -> Iterator[tuple[AudienceRead, int]]:
        """Of each journey the newest read whose instant has passed, and how many were missed before it."""
        for coming in self._coming.values():
            if coming.newest is not None:
                yield coming.at(coming.newest), coming.skipped

    def passing(self, now_ms: int) -> Iterator[tuple[AudienceRead, int]]:
        """Those that pass as soon as it is this time; the same for a shard that nothing has happened to since."""
        for coming in self._coming.values():
            if coming.next_ms is not None and coming.next_ms < now_ms:
                yield coming.at(coming.next_ms), 0

    def next_ms(self) -> int | None:
        """The first instant that has not passed."""
        return min((each.next_ms for each in self._coming.values() if each.next_ms is not None), default=None)

    def drop(self, journey: str, at: int) -> int:
        """The journey's instants up to this one are read or not to be read; how many before it were not."""
        coming = self._coming.get(journey)
        if coming is None:
            return 0
        while coming.next_ms is not None and coming.next_ms <= at:
            coming.pass_next()
        if coming.newest is None or coming.newest > at:
            return 0
        skipped = coming.skipped + (coming.newest < at)
        coming.newest, coming.skipped = None, 0
        return skipped
