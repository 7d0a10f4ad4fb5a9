"""How far is the export of a shard: which records does the exporter have, which come next, and which may be trimmed?

The range that is exported next is committed before a file of it is written, and committed as exported once all of them
are there. Whatever stops in between, the same range comes again, so its files get the same names and no row is there
twice; and nothing is trimmed that is not exported. The commits of the exporting itself tell nothing, and are no reason
for another range.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from parcours.config import MINUTE_MS, Settings
from parcours.shard.fact_positions import NO_FACTS, FactPositions, FactsAsked
from parcours.shard.journal_readers import JournalReaders
from parcours.shard.messages import ExportRange
from parcours.store.store import Store

EXPORT: Final = "export"
"""The entry of the shard's own slot."""


class ExportEntry(msgspec.Struct, frozen=True, array_like=True):
    """How far the export is, in numbers of records.

    exported   the newest record that is exported
    under_way  the range of which files may be written now
    offset     what a record's number is less than in the export: a store that was shared out anew numbers its records
               from 1 again, and the files of the one before are still there
    """

    exported: int = 0
    under_way: ExportRange | None = None
    offset: int = 0

    @property
    def through(self) -> int:
        """The newest record that is exported, by its number in the export."""
        return self.exported + self.offset


encode_entry = msgspec.msgpack.Encoder().encode
decode_entry = msgspec.msgpack.Decoder(ExportEntry).decode


def export_of(entries: Mapping[str, bytes]) -> ExportEntry:
    """How far the export is, by the entries of a shard's own slot."""
    return decode_entry(entries[EXPORT]) if EXPORT in entries else ExportEntry()


class ExportState:
    """`is_on` says whether there is an exporter; without one nothing is asked of it, and nothing is kept for it.

    readers       all for whom the journal is kept
    destinations  how far those are that take facts
    """

    def __init__(self, store: Store, settings: Settings, facts_to: FactsAsked = NO_FACTS, *, is_on: bool) -> None:
        self._store = store
        self.readers = readers = JournalReaders(store)
        self.destinations = FactPositions(facts_to, store, readers, settings)
        self._lag_max_ms = settings.export_lag_max_ms
        self.is_on = is_on
        if is_on:
            readers.wait_for(EXPORT)
        self._entry = ExportEntry()
        self._newest = self._told = 0
        self._waits_since_ms: int | None = None
        self._begun_ms: int | None = None

    @property
    def keeps_events(self) -> bool:
        """Whether anybody takes the events that are to be archived."""
        return self.is_on or self.destinations.take_events

    def restore(self, entries: Mapping[str, bytes], sequence: int) -> None:
        """Come back from the entries of the shard's own slot; the newest record is this one."""
        self._newest = self._told = sequence  # whether the newest ones tell anything is not looked up
        self._entry = export_of(entries)
        if self.is_on:
            self.readers.read(EXPORT, self._entry.exported)
        self.destinations.restore(entries)

    def committed(self, sequence: int, stamp_ms: int, *, tells: bool) -> None:
        """A record has been written; whether it holds facts or inputs."""
        self.destinations.committed(sequence, stamp_ms, tells=tells)
        self._newest = sequence
        if tells:
            self._told = sequence
        if self._waits_since_ms is None and self._told > self._entry.exported:
            self._waits_since_ms = stamp_ms

    def next_range(self, at_least: int, most: int) -> ExportRange | None:
        """The range under way, or the next one of up to `most` records; None as long as fewer than `at_least` wait,
        and while there is nothing to tell but for a full range of records that can go.
        """
        if self._entry.under_way is not None:
            return self._entry.under_way
        exported = self._entry.exported
        waiting = self._newest - exported
        if waiting < max(1, at_least) or (self._told <= exported and waiting < most):
            return None
        first = next((record.sequence for record in self._store.records(exported)), exported + 1)
        return ExportRange(first, min(self._newest, first + most - 1))

    @property
    def is_under_way(self) -> bool:
        """Whether a range has been begun and not ended."""
        return self._entry.under_way is not None

    def is_read(self, last: int) -> bool:
        """Whether the range up to `last` is the one under way."""
        return self._entry.under_way is not None and self._entry.under_way.last == last

    def begin(self, ahead: ExportRange, stamp_ms: int) -> tuple[str, bytes]:
        """The entry to commit before a file of this range is written."""
        self._begun_ms = stamp_ms
        return self._put(replace(self._entry, under_way=ahead))

    def end(self, last: int, stamp_ms: int) -> tuple[str, bytes] | None:
        """The entry to commit once the range up to `last` is exported; None if that is no news.

        What came after the range waits since then at the earliest; where it was begun in another life, since now.
        """
        if not self.is_read(last):
            return None
        begun_ms = stamp_ms if self._begun_ms is None else self._begun_ms
        self._waits_since_ms = None if self._told <= last else begun_ms
        return self._put(replace(self._entry, exported=last, under_way=None))

    @property
    def has_begun(self) -> bool:
        """Whether there may be files of this shard, or of one before the store was shared out anew."""
        return self._entry != ExportEntry()

    @property
    def offset(self) -> int:
        """What a record's number is less than in the export."""
        return self._entry.offset

    @property
    def through(self) -> int:
        """The newest record that is exported, by its number in the export."""
        return self._entry.through

    def _put(self, entry: ExportEntry) -> tuple[str, bytes]:
        self._entry = entry
        return EXPORT, encode_entry(entry)

    def exported(self) -> None:
        """The end of a range is durable: its records may be trimmed."""
        self.readers.read(EXPORT, self._entry.exported)

    def is_behind(self, stamp_ms: int) -> bool:
        """Whether facts wait for the exporter for longer than they should."""
        since_ms = self._waits_since_ms
        return self.is_on and since_ms is not None and stamp_ms - since_ms > self._lag_max_ms

    def troubles(self, now_ms: int) -> list[str]:
        """What whoever runs the engine should know."""
        if not self.is_behind(now_ms):
            return self.destinations.troubles(now_ms)
        assert self._waits_since_ms is not None, "as is_behind has looked"
        minutes = (now_ms - self._waits_since_ms) // MINUTE_MS
        what = f"what happened in the last {minutes} minutes is not exported yet, and the journal grows"
        return [f"{what}; events are not archived until it is", *self.destinations.troubles(now_ms)]
