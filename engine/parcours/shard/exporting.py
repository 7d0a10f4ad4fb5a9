"""Exporting: the records of a shard are handed to the exporter, range by range (export_state.py)."""

from __future__ import annotations

from parcours.shard.commits import Commits
from parcours.shard.erasing import Erasing
from parcours.shard.fact_telling import FactTelling
from parcours.shard.journal_slices import SLICE_BYTES, cost_bytes
from parcours.shard.messages import ExportRange, ExportRecord, ExportSlice, TailSlice
from parcours.store.store import Store


class Exporting:
    """What the exporter of one shard asks for. Records have their numbers in the export.

    facts  what whoever tells destinations asks for
    """

    def __init__(self, commits: Commits, store: Store, erasing: Erasing) -> None:
        self.facts = FactTelling(commits, store, erasing.erasures)
        self._commits = commits
        self._state = commits.export
        self._store = store

    def begin(self, at_least: int, most: int, now_ms: int) -> ExportRange | None:
        """The range to be exported now, committed as such; None if there is none (`ExportState.next_range`)."""
        self._commits.check()
        ahead = self._state.next_range(at_least, most)
        if ahead is not None and not self._state.is_under_way:
            with self._commits.whole():
                work = self._commits.begin(now_ms)
                work.own.append(self._state.begin(ahead, work.stamp_ms))
                self._commits.commit(work, always=True)
        return None if ahead is None else ExportRange(ahead.first + self._state.offset, ahead.last + self._state.offset)

    def slice(self, after: int, last: int) -> ExportSlice | None:
        """The records above `after` up to `last` that tell anything, a slice of them.

        None if that range is not under way any more: whoever asks would take what has been trimmed for nothing.
        """
        self._commits.check()
        if not self._state.is_read(last - self._state.offset):
            return None
        found: list[ExportRecord] = []
        looked_at = 0
        for record in self._store.records(after - self._state.offset):
            number = record.sequence + self._state.offset
            if number > last:
                break
            if record.facts or record.inputs:
                found.append(ExportRecord(number, record.stamp_ms, record.facts, record.inputs))
            looked_at += cost_bytes(record)
            if looked_at >= SLICE_BYTES and number < last:
                return ExportSlice(found, number)
        return ExportSlice(found)

    def tail(self, after: int | None, through: int, now_ms: int) -> TailSlice:
        """Records that may not be exported yet, a slice of them: from the newest exported one on, or above `after`.

        What is exported and trimmed between two slices is left out: whoever asks lists the files after the last one.
        """
        self._commits.check()
        offset = self._state.offset
        if after is None:
            after, through = self._state.through, self._commits.sequence + offset
        found: list[ExportRecord] = []
        looked_at = 0
        for record in self._store.records(max(0, after - offset)):
            number = record.sequence + offset
            if number > through:
                break
            if record.facts or record.inputs:
                found.append(ExportRecord(number, record.stamp_ms, record.facts, record.inputs))
            looked_at += cost_bytes(record)
            if looked_at >= SLICE_BYTES and number < through:
                return TailSlice(found, number, through, now_ms)
        return TailSlice(found, None, through, now_ms)

    def end(self, last: int, now_ms: int) -> None:
        """All files of the range up to `last` are there: its records may be trimmed. May be repeated."""
        with self._commits.whole():
            work = self._commits.begin(now_ms)
            entry = self._state.end(last - self._state.offset, work.stamp_ms)
            if entry is not None:
                work.own.append(entry)
                self._commits.commit(work, always=True)
                self._state.exported()
