"""A Parquet file that is being written, row group by row group.

The same rows in the same groups give the same bytes: nothing in a file depends on the machine or the hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from parcours.errors import StoreBroken
from parcours.insight.exporter.disk import Disk
from parcours.insight.exporter.done import DoneFile
from parcours.journey.model.insight import KeptTable

GROUP_ROWS: Final = 100_000
"""Rows in a row group: it is read whole or not at all, and its columns lie in memory meanwhile."""

BUFFER_BYTES: Final = 1024 * 1024
"""Held before the file is opened to add to it."""


@contextmanager
def in_words(facts: Path) -> Iterator[None]:
    """What the disk or Arrow has against a file, as an error of Parcours."""
    try:
        yield
    except OSError as error:
        raise StoreBroken(f"{error.filename or facts}: facts cannot be written: {error.strerror or error}") from error
    except pa.ArrowException as error:
        raise StoreBroken(f"{facts}: facts cannot be written: {error}") from error


class RowGroups:
    """The rows of one file: they are held until a row group is full, and the file is begun with the first of them."""

    def __init__(self, path: Path, schema: Any, disk: Disk) -> None:
        self._path, self._schema, self._disk = path, schema, disk
        self._held: list[Any] = []
        self._held_rows = self.held_bytes = 0
        self._file: ParquetFile | None = None
        self._rows = 0
        self._earliest_ms = self._latest_ms = 0

    def begin(self) -> None:
        """Make the file, before there is any row."""
        self._file = ParquetFile(self._path, self._schema, self._disk)

    def add(self, rows: Any) -> None:
        """Take rows; write row groups that are full."""
        self._hold(rows)
        while self._held_rows >= GROUP_ROWS:
            joined = self._taken()
            self._write(joined.slice(0, GROUP_ROWS))
            if joined.num_rows > GROUP_ROWS:
                self._hold(joined.slice(GROUP_ROWS).combine_chunks())

    @property
    def is_empty(self) -> bool:
        """Whether no row has been added."""
        return not (self._rows or self._held_rows)

    def write_all(self) -> None:
        """Write what is held, whether a row group is full or not."""
        if self._held_rows:
            self._write(self._taken())

    def finish(self, name: str, table: KeptTable, day: date) -> DoneFile:
        """Make the file durable. There has to be a row."""
        self.write_all()
        assert self._file is not None, "rows have been added"
        size = self._file.finish()
        return DoneFile(name, table, day, self._rows, size, self._earliest_ms, self._latest_ms)

    def abandon(self) -> None:
        """Write nothing more."""
        if self._file is not None:
            self._file.abandon()

    def _hold(self, rows: Any) -> None:
        self._held.append(rows)
        self._held_rows += rows.num_rows
        self.held_bytes += rows.nbytes

    def _taken(self) -> Any:
        joined = pa.concat_tables(self._held)
        self._held, self._held_rows, self.held_bytes = [], 0, 0
        return joined

    def _write(self, rows: Any) -> None:
        if self._file is None:
            self._file = ParquetFile(self._path, self._schema, self._disk)
        self._file.write(rows)
        times = pc.min_max(rows.column(0).cast(pa.int64())).as_py()
        self._earliest_ms = min(times["min"], self._earliest_ms) if self._rows else times["min"]
        self._latest_ms = max(times["max"], self._latest_ms) if self._rows else times["max"]
        self._rows += rows.num_rows


class ParquetFile:
    """Takes its name, durably, when it is finished."""

    def __init__(self, path: Path, schema: Any, disk: Disk) -> None:
        self.path = path
        self._disk = disk
        self._sink = _Sink(path, disk)
        disk.begin(path)
        self._writer = pq.ParquetWriter(
            pa.PythonFile(self._sink, mode="w"),
            schema,
            compression="zstd",
            write_statistics=[schema.names[0], "person"],
            store_schema=False,
        )

    def write(self, table: pa.Table) -> None:
        """Add the rows as one row group."""
        self._writer.write_table(table.combine_chunks(), row_group_size=max(1, table.num_rows))

    def finish(self) -> int:
        """The size in bytes."""
        self._writer.close()
        self._sink.flush()
        return self._disk.finish(self.path)

    def abandon(self) -> None:
        """Write nothing more: somebody else may begin the same file."""
        self._sink.is_abandoned = True


class _Sink:
    """What Arrow takes for an open file."""

    closed = False

    def __init__(self, path: Path, disk: Disk) -> None:
        self._path = path
        self._disk = disk
        self._held = bytearray()
        self.is_abandoned = False  # Arrow closes what is left open, at some time
        self._written = 0

    def write(self, data: Any) -> int:
        view = memoryview(data)
        if not self.is_abandoned:
            self._held += view
        self._written += view.nbytes
        if len(self._held) >= BUFFER_BYTES:
            self.flush()
        return view.nbytes

    def flush(self) -> None:
        if self._held and not self.is_abandoned:
            self._disk.extend(self._path, bytes(self._held))
            self._held.clear()

    def tell(self) -> int:
        return self._written

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        pass
