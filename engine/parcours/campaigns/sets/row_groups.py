"""A Parquet file that is written a row group at a time.

One thread writes it: the same rows in the same parts are the same bytes. A row group lies in memory
until it is written; it is full with so many rows, or with fewer that are long.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

GROUP_ROWS: Final = 100_000
GROUP_BYTES: Final = 64 * 1024 * 1024


class RowGroups:
    """Takes tables of the file's schema, in order."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self._held: list[Any] = []
        self._held_rows = self._held_bytes = 0

    def add(self, rows: Any) -> None:
        """The next rows."""
        self._held.append(rows)
        self._held_rows += rows.num_rows
        self._held_bytes += rows.nbytes
        if self._held_rows >= GROUP_ROWS or self._held_bytes >= GROUP_BYTES:
            self.write()

    def write(self) -> None:
        """Write what is held."""
        if self._held_rows:
            table = pa.concat_tables(self._held).combine_chunks()
            self._writer.write_table(table, row_group_size=table.num_rows)
        self._held, self._held_rows, self._held_bytes = [], 0, 0


@contextmanager
def opened_row_groups(path: Path, schema: Any, *, lasting: bool = True) -> Iterator[RowGroups]:
    """The file is complete when the block has ended without an error.

    lasting  whether it is compressed well, which takes most of the time; a file that is read once need not be
    """
    compression = "zstd" if lasting else "snappy"
    with pq.ParquetWriter(path, schema, compression=compression, use_dictionary=lasting, store_schema=False) as writer:
        groups = RowGroups(writer)
        yield groups
        groups.write()
