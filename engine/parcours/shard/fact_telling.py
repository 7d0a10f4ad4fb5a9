"""Telling facts to destinations: the records of a shard are handed over slice by slice (fact_positions.py)."""

from __future__ import annotations

from parcours.shard.commits import Commits
from parcours.shard.erasures import Erasures
from parcours.shard.fact_positions import tells
from parcours.shard.journal_slices import SLICE_BYTES, cost_bytes
from parcours.shard.messages import ExportRecord, FactSlice
from parcours.store.store import Record, Store


class FactTelling:
    """What whoever tells destinations asks of one shard. Records have their numbers in the export."""

    def __init__(self, commits: Commits, store: Store, erasures: Erasures) -> None:
        self._commits = commits
        self._state = commits.export.destinations
        self._store = store
        self._erasures = erasures

    def read(self, name: str, after: int | None) -> FactSlice | None:
        """A slice of what a destination is told next: the records above `after`, which it has been told already.

        after  None to go on where its position is
        None if the engine does not know the destination.
        """
        self._commits.check()
        position = self._state.known(name)
        if position is None:
            return None
        offset, newest = self._commits.export.offset, self._commits.sequence
        begin = max(position.through, 0 if after is None else after - offset)
        found: list[Record] = []
        if begin >= self._state.newest_told:  # the store is asked for nothing, where nothing happens
            self._state.note_read(name, begin, None)
            return FactSlice([], newest + offset, False)
        through, looked_at = begin, 0
        for record in self._store.records(begin):
            through = record.sequence
            if tells(record):
                found.append(record)
            looked_at += cost_bytes(record)
            if looked_at >= SLICE_BYTES:
                break
        self._state.note_read(name, begin, found[0] if found else None)
        told = [ExportRecord(each.sequence + offset, each.stamp_ms, each.facts, each.inputs) for each in found]
        under_way = [each for each in self._erasures.under_way() if not each.journal] if told else []
        return FactSlice(told, through + offset, through < newest, under_way, offset)

    def told(self, name: str, through: int, rows: int, refused: int, now_ms: int) -> None:
        """The destination has everything up to this record, of which so many facts are new to it. May be repeated."""
        self._commits.check()
        position, last = self._state.known(name), through - self._commits.export.offset
        if position is None or last <= position.through:
            return
        with self._commits.whole():
            work = self._commits.begin(now_ms)
            self._state.move(work, name, last, rows, refused)
            self._commits.commit(work, always=True)
            self._state.moved(name)
