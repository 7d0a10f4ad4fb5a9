"""The files of one range: rows are dealt out by table and day, and become row groups in bounded memory.

Which rows make a row group depends on the records alone, and not on how they were sliced, so that a range that is
repeated gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa

from parcours.errors import StoreBroken
from parcours.insight.exporter.disk import Disk
from parcours.insight.exporter.done import Done, DoneFile, facts_folder, file_name, range_name, write_done
from parcours.insight.exporter.parquet_file import GROUP_ROWS, ParquetFile
from parcours.insight.exporter.rows import Telling, rows_of
from parcours.insight.exporter.schemas import SCHEMAS, table_of
from parcours.insight.exporter.tables import Row, day_of
from parcours.journey.model.insight import FactTable
from parcours.shard.messages import ExportRange, ExportSlice

PENDING_ROWS: Final = 20_000
"""Rows held as Python has them, at about a kilobyte each; Arrow needs a fifth of that."""

PENDING_BYTES: Final = 32 * 1024 * 1024
"""Bytes of records of which rows are held so: lines may be long."""

HELD_BYTES: Final = 128 * 1024 * 1024
"""Bytes of rows that wait for the others of their row group, over all tables and days; beyond it all are written."""


class Consumer(Protocol):
    """Who else gets what a range is made of. May raise what `ParquetRange` does."""

    def add(self, part: ExportSlice) -> None:
        """The next records of the range."""

    def finish(self) -> None:
        """All of them have been given: make durable what is made of them. The range is not called done before."""

    def abandon(self) -> None:
        """The range is not finished, and comes again."""


class ParquetRange:
    """Writes a range: `add` for each slice, then `finish`; or `abandon`. Used by one thread at a time."""

    def __init__(
        self, store: Path, telling: Telling, ahead: ExportRange, disk: Disk | None = None, also: Consumer | None = None
    ) -> None:
        """store: the folder of the store; also: who gets the slices as well, before the range is called done."""
        self._facts = facts_folder(store)
        self._telling = telling
        self._range = ahead
        self._disk = disk or Disk()
        self._also = also
        self._parts: dict[tuple[FactTable, int], _Part] = {}
        self._pending_rows = self._pending_bytes = 0

    def add(self, part: ExportSlice) -> None:
        """Take the next records of the range. Raises StoreBroken."""
        with _in_words(self._facts):
            for record in part.records:
                for table, row in rows_of(record, self._telling):
                    self._part(table, row).rows.append(row)
                    self._pending_rows += 1
                    self._pending_bytes += _length(row)
                if self._pending_rows >= PENDING_ROWS or self._pending_bytes >= PENDING_BYTES:
                    self._settle()
            if self._also is not None:
                self._also.add(part)

    def finish(self) -> None:
        """Make all files durable, and say that the range is done. Raises StoreBroken."""
        with _in_words(self._facts):
            files = [part.finish() for _, part in sorted(self._parts.items())]
            for folder in sorted({(self._facts / each.name).parent for each in files}):
                self._disk.sync(folder)
            if self._also is not None:
                self._also.finish()
            done = Done.of(self._telling.shard, self._range.first, self._range.last, files)
            write_done(self._facts, done, self._disk)

    def abandon(self) -> None:
        """Write nothing more. What has been written is written anew with the range, or deleted."""
        for part in self._parts.values():
            part.abandon()
        if self._also is not None:
            self._also.abandon()

    def _part(self, table: FactTable, row: Row) -> _Part:
        at_ms = row[0]
        assert isinstance(at_ms, int), "a row begins with its time"
        part = self._parts.get((table, day_of(at_ms)))
        if part is None:
            name = file_name(table, day_of(at_ms), range_name(self._telling.shard, self._range.first, self._range.last))
            part = self._parts[(table, day_of(at_ms))] = _Part(self._facts, name, table, day_of(at_ms), self._disk)
        return part

    def _settle(self) -> None:
        """Give Arrow what is held, and the disk what is whole."""
        self._pending_rows = self._pending_bytes = 0
        parts = [part for _, part in sorted(self._parts.items())]
        for part in parts:
            part.settle()
        if sum(part.held_bytes for part in parts) >= HELD_BYTES:
            for part in parts:
                part.write_all()


class _Part:
    """The rows of one table and day."""

    def __init__(self, facts: Path, name: str, table: FactTable, day: int, disk: Disk) -> None:
        self.rows: list[Row] = []
        self._held: list[Any] = []
        self._held_rows = self.held_bytes = 0
        self._file: ParquetFile | None = None
        self._facts, self._name, self._table, self._day, self._disk = facts, name, table, day, disk
        self._written = 0
        self._times_ms: tuple[int, int] | None = None

    def settle(self) -> None:
        """Take the rows over into Arrow; write row groups that are full."""
        if self.rows:
            times = [row[0] for row in self.rows if isinstance(row[0], int)]
            before = self._times_ms or (times[0], times[0])
            self._times_ms = min(before[0], *times), max(before[1], *times)
            made = table_of(self._table, self.rows)
            self.rows = []
            self._hold(made)
        while self._held_rows >= GROUP_ROWS:
            joined = pa.concat_tables(self._held)
            self._held, self._held_rows, self.held_bytes = [], 0, 0
            self._write(joined.slice(0, GROUP_ROWS))
            if joined.num_rows > GROUP_ROWS:
                self._hold(joined.slice(GROUP_ROWS).combine_chunks())

    def _hold(self, made: Any) -> None:
        self._held.append(made)
        self._held_rows += made.num_rows
        self.held_bytes += made.nbytes

    def write_all(self) -> None:
        """Write what is held, whether a row group is full or not."""
        if self._held_rows:
            joined = pa.concat_tables(self._held)
            self._held, self._held_rows, self.held_bytes = [], 0, 0
            self._write(joined)

    def _write(self, rows: Any) -> None:
        if self._file is None:
            self._file = ParquetFile(self._facts / self._name, SCHEMAS[self._table], self._disk)
        self._file.write(rows)
        self._written += rows.num_rows

    def finish(self) -> DoneFile:
        self.settle()
        self.write_all()
        assert self._file is not None and self._times_ms is not None, "a part is made for a row"
        size = self._file.finish()
        return DoneFile(self._name, self._table, self._day, self._written, size, *self._times_ms)

    def abandon(self) -> None:
        if self._file is not None:
            self._file.abandon()


def _length(row: Row) -> int:
    """About how long the texts of a row are: those that may be long."""
    return sum(len(value) for value in row if isinstance(value, str))


@contextmanager
def _in_words(facts: Path) -> Iterator[None]:
    """What the disk has against a file, as an error of Parcours."""
    try:
        yield
    except OSError as error:
        raise StoreBroken(f"{error.filename or facts}: facts cannot be written: {error.strerror or error}") from error
