"""Retention: for how long are facts kept? They lie in the journal, whose oldest records go with them.

Nobody looks through a journal for its times. The first record of each day, by its stamp in UTC, is noted in an entry of
the shard's own slot; when a whole day has become older than facts are kept, everything before the day after it counts
as read, and is trimmed behind the images. Under virtual time facts are collected, and none lie here.

What destinations have not been told of is held by the same days (fact_positions.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from parcours.config import DAY_MS
from parcours.shard.journal_readers import JournalReaders

DAYS: Final = "days"
"""The entry of the shard's own slot."""

RETENTION: Final = "retention"
"""Who reads the journal for as long as facts are kept."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[int, int]]).decode


class Retention:
    """The days of which one shard's journal has records."""

    def __init__(self, readers: JournalReaders, held_for_ms: int, *, trims: bool = True) -> None:
        """
        held_for_ms  for how long the days are known at least
        trims        whether what is older may go: with an exporter that is for it to say
        """
        self._readers = readers
        self._held_for_ms = held_for_ms
        self._trims = trims
        if trims:
            readers.wait_for(RETENTION)
        self._days: list[tuple[int, int]] = []
        self._newest = -1
        self._over: int | None = None

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Come back from the entries of the shard's own slot."""
        self._days = _decode(entries[DAYS]) if DAYS in entries else []
        self._newest = self._days[-1][0] if self._days else -1

    def note(self, stamp_ms: int, sequence: int, facts_for_ms: int | None) -> list[tuple[str, bytes]]:
        """Record `sequence` is about to be written; the entry to be committed with it, if a day begins."""
        day = stamp_ms // DAY_MS
        if not self.is_new(stamp_ms):
            return []
        days = [*self._days, (day, sequence)]
        kept_from = -1 if facts_for_ms is None else (stamp_ms - facts_for_ms) // DAY_MS  # the day's last are young yet
        if days[0][0] < kept_from:
            self._over = next(first for each, first in days if each >= kept_from) - 1
        known_from = min(kept_from, (stamp_ms - self._held_for_ms) // DAY_MS)
        self._days, self._newest = [each for each in days if each[0] >= known_from], day
        return [(DAYS, _encode(self._days))]

    def is_new(self, stamp_ms: int) -> bool:
        """Whether a day begins."""
        return stamp_ms // DAY_MS != self._newest

    def since(self, stamp_ms: int) -> int | None:
        """The first record of the day of this time, or of the next one that has any; None where none is known."""
        return next((first for day, first in self._days if day >= stamp_ms // DAY_MS), None)

    def committed(self) -> None:
        """The record is durable: what is older than facts are kept may be trimmed."""
        if self._over is not None and self._trims:
            self._readers.read(RETENTION, self._over)
            self._over = None
