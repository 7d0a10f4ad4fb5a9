"""Retention: for how long are facts kept? They lie in the journal, whose oldest records go with them.

Nobody looks through a journal for its times. The first record of each day, by its stamp in UTC, is noted in an entry of
the shard's own slot; when a whole day has become older than facts are kept, everything before the day after it counts
as read, and is trimmed behind the images. Under virtual time facts are collected, and none lie here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from parcours.config import DAY_MS
from parcours.store.store import Store

DAYS: Final = "days"
"""The entry of the shard's own slot."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[int, int]]).decode


class Retention:
    """The days of which one shard's journal has records."""

    def __init__(self, store: Store, *, trims: bool = True) -> None:
        """trims  whether what is older may go: with an exporter that is for it to say"""
        self._store = store
        self._trims = trims
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
        if day == self._newest:
            return []
        days = [*self._days, (day, sequence)]
        kept_from = -1 if facts_for_ms is None else (stamp_ms - facts_for_ms) // DAY_MS  # the day's last are young yet
        kept = [each for each in days if each[0] >= kept_from]
        if len(kept) < len(days):
            self._over = kept[0][1] - 1
        self._days, self._newest = kept, day
        return [(DAYS, _encode(kept))]

    def committed(self) -> None:
        """The record is durable: what is older than facts are kept may be trimmed."""
        if self._over is not None and self._trims:
            self._store.read_through(self._over)
            self._over = None
