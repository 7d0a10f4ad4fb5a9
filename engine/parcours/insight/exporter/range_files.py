"""The files of one range: rows are dealt out by table and day, and become row groups in bounded memory.

Which rows make a row group depends on the records alone, and not on how they were sliced, so that a range that is
repeated gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Final

from parcours.insight.exporter.disk import Disk
from parcours.insight.exporter.done import (
    Done,
    DoneFile,
    facts_folder,
    file_name,
    inputs_folder,
    range_name,
    write_document,
)
from parcours.insight.exporter.exporter import RowFiles
from parcours.insight.exporter.parquet_file import RowGroups, in_words
from parcours.insight.exporter.rows import Telling, rows_of
from parcours.insight.exporter.schemas import SCHEMAS, table_of
from parcours.insight.exporter.tables import INPUT_TABLES, Row, day_of
from parcours.journey.model.insight import DAY_MS, KeptTable
from parcours.shard.messages import ExportRange, ExportSlice

PENDING_ROWS: Final = 20_000
"""Rows held as Python has them, at about a kilobyte each; Arrow needs a fifth of that."""

PENDING_BYTES: Final = 32 * 1024 * 1024
"""Bytes of records of which rows are held so: lines may be long."""

HELD_BYTES: Final = 128 * 1024 * 1024
"""Bytes of rows that wait for the others of their row group, over all tables and days; beyond it all are written."""


class ParquetRange(RowFiles):
    """Writes a range: `add` for each slice, then `finish`; or `abandon`."""

    def __init__(self, store: Path, telling: Telling, ahead: ExportRange, disk: Disk | None = None) -> None:
        """store: the folder of the store."""
        self._facts = facts_folder(store)
        self._inputs = inputs_folder(store)
        self._telling = telling
        self._range = ahead
        self._disk = disk or Disk()
        self._parts: dict[tuple[KeptTable, int], _Part] = {}
        self._pending_rows = self._pending_bytes = 0

    def add(self, part: ExportSlice) -> None:
        """Take the next records of the range. Raises StoreBroken."""
        with in_words(self._facts):
            for record in part.records:
                self._take(rows_of(record, self._telling))

    def add_rows(self, rows: Iterable[tuple[KeptTable, Row]]) -> None:
        """Take rows that no record has, of the range. Raises StoreBroken."""
        with in_words(self._facts):
            self._take(rows)

    def finish(self) -> None:
        """Make all files durable, and say that the range is done. Raises StoreBroken.

        The shard goes by what is said of facts, so that comes last. Most engines keep no inputs, and nothing is said.
        """
        with in_words(self._facts):
            finished = [(key[0] in INPUT_TABLES, part.finish()) for key, part in sorted(self._parts.items())]
            inputs = [file for is_input, file in finished if is_input]
            if inputs:
                self._say(self._inputs, inputs)
            self._say(self._facts, [file for is_input, file in finished if not is_input])

    def _say(self, folder: Path, files: list[DoneFile]) -> None:
        """These files of a folder are the range's, and whole."""
        for each in sorted({(folder / file.name).parent for file in files}):
            self._disk.sync(each)
        write_document(folder, Done.of(self._telling.shard, self._range.first, self._range.last, files), self._disk)

    def abandon(self) -> None:
        """Write nothing more. What has been written is written anew with the range, or deleted."""
        for part in self._parts.values():
            part.groups.abandon()

    def _take(self, rows: Iterable[tuple[KeptTable, Row]]) -> None:
        for table, row in rows:
            self._part(table, row).rows.append(row)
            self._pending_rows += 1
            self._pending_bytes += _length(row)
        if self._pending_rows >= PENDING_ROWS or self._pending_bytes >= PENDING_BYTES:
            self._settle()

    def _part(self, table: KeptTable, row: Row) -> _Part:
        at_ms = row[0]
        assert isinstance(at_ms, int), "a row begins with its time"
        number = at_ms // DAY_MS  # of the day; its date is not worked out for each row
        part = self._parts.get((table, number))
        if part is None:
            day = day_of(at_ms)
            name = file_name(table, day, range_name(self._telling.shard, self._range.first, self._range.last))
            folder = self._inputs if table in INPUT_TABLES else self._facts
            part = self._parts[(table, number)] = _Part(folder, name, table, day, self._disk)
        return part

    def _settle(self) -> None:
        """Give Arrow what is held, and the disk what is whole."""
        self._pending_rows = self._pending_bytes = 0
        parts = [part for _, part in sorted(self._parts.items())]
        for part in parts:
            part.settle()
        if sum(part.groups.held_bytes for part in parts) >= HELD_BYTES:
            for part in parts:
                part.groups.write_all()


class _Part:
    """The rows of one table and day."""

    def __init__(self, folder: Path, name: str, table: KeptTable, day: date, disk: Disk) -> None:
        self.rows: list[Row] = []
        self.groups = RowGroups(folder / name, SCHEMAS[table], disk)
        self._name, self._table, self._day = name, table, day

    def settle(self) -> None:
        """Take the rows over into Arrow; write row groups that are full."""
        if self.rows:
            self.groups.add(table_of(self._table, self.rows))
            self.rows = []

    def finish(self) -> DoneFile:
        self.settle()
        return self.groups.finish(self._name, self._table, self._day)


def _length(row: Row) -> int:
    """About how long the texts of a row are: those that may be long."""
    return sum(len(value) for value in row if isinstance(value, str | bytes))
