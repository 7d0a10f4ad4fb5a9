"""A snapshot: the rows of a table as a run of a campaign has copied them, in one Parquet file.

    row_number  BIGINT    from 1, in the order of files and lines
    file        VARCHAR   where the row was written; '' if a query made it
    line        BIGINT    where it begins there, from 1
    row_key     VARCHAR   file and line with zeros before it; it tells rows apart where nothing else does
    cells       STRUCT    the declared columns by name, apart so that none is called like one of those above

The same rows give the same bytes: the file is written by one thread, in row groups that depend on the rows alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from parcours.campaigns.sets.batches import Batch
from parcours.campaigns.sets.fitting import arrow_type
from parcours.campaigns.sets.whole_file import hash_of, whole_file
from parcours.errors import TableRefused
from parcours.wording import quoted

BAD_CELLS_MAX: Final = 0.01
"""Share of the filled cells of a column that may not fit. A wrong type spoils nearly all, and some typists a few."""

GROUP_ROWS: Final = 100_000
GROUP_BYTES: Final = 64 * 1024 * 1024
"""Bounds of a row group, which lies in memory until it is written: whichever is reached first."""

LINE_DIGITS: Final = 12
"""Digits of a line in a row key: no file has more lines."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A table as it was when it was copied.

    hash     of the file, BLAKE2b in hexadecimal digits
    columns  the declared kinds, by name
    bad      how many cells did not fit, by column; only of columns that have such
    """

    table: str
    file: Path
    hash: str
    rows: int
    columns: Mapping[str, str]
    bad: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


def key_prefix(file: str) -> str:
    """What the row keys of a file begin with; keys are in the order of rows as long as no name has blanks."""
    return f"{file} "


def write_snapshot(
    table: str, columns: Mapping[str, str], path: Path, batches: Iterable[tuple[str, Batch]], bad_cells_max: float
) -> Snapshot:
    """Write the rows of a table, whole or not at all; with each batch comes the name of its file.

    Raises TableRefused for a column with too many cells that do not fit, and OSError.
    """
    with whole_file(path) as unfinished:
        writer = _Writer(table, columns, unfinished)
        try:
            for file, batch in batches:
                writer.add(file, batch)
        finally:
            writer.close()
        bad = writer.bad_cells(bad_cells_max)
        hashed = hash_of(unfinished)
    return Snapshot(table, path, hashed, writer.rows, dict(columns), bad)


class _Writer:
    """Takes the rows of a table in order."""

    def __init__(self, table: str, columns: Mapping[str, str], path: Path) -> None:
        self._table, self._columns = table, columns
        self._cells = pa.struct([pa.field(name, arrow_type(kind)) for name, kind in columns.items()])
        schema = pa.schema(
            [
                pa.field("row_number", pa.int64()),
                pa.field("file", pa.string()),
                pa.field("line", pa.int64()),
                pa.field("row_key", pa.string()),
                pa.field("cells", self._cells),
            ]
        )
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, compression="zstd", store_schema=False)
        self._held: list[Any] = []
        self._held_rows = self._held_bytes = 0
        self.rows = 0
        self._filled = dict.fromkeys(columns, 0)
        self._bad = dict.fromkeys(columns, 0)
        self._first_bad: dict[str, tuple[str, int]] = {}

    def add(self, file: str, batch: Batch) -> None:
        """The next rows, of which the file's name is told as the table names it."""
        self._count(file, batch)
        many = len(batch.lines)
        lines = pa.array(batch.lines, pa.int64())
        prefix = key_prefix(file)
        keys = pa.array([f"{prefix}{line:0{LINE_DIGITS}}" for line in batch.lines], pa.string())
        cells = pa.StructArray.from_arrays(
            [batch.columns[name].values for name in self._columns], fields=list(self._cells)
        )
        numbers = pa.array(range(self.rows + 1, self.rows + many + 1), pa.int64())
        rows = pa.table([numbers, pa.repeat(pa.scalar(file), many), lines, keys, cells], schema=self._schema)
        self.rows += many
        self._held.append(rows)
        self._held_rows += many
        self._held_bytes += rows.nbytes
        if self._held_rows >= GROUP_ROWS or self._held_bytes >= GROUP_BYTES:
            self._write()

    def _count(self, file: str, batch: Batch) -> None:
        for name in self._columns:
            fitted = batch.columns[name]
            self._filled[name] += len(fitted.values) - fitted.values.null_count + len(fitted.bad)
            self._bad[name] += len(fitted.bad)
            if fitted.bad:
                self._first_bad.setdefault(name, (file, batch.lines[fitted.bad[0]]))

    def _write(self) -> None:
        table = pa.concat_tables(self._held).combine_chunks()
        self._writer.write_table(table, row_group_size=table.num_rows)
        self._held, self._held_rows, self._held_bytes = [], 0, 0

    def close(self) -> None:
        """End the file."""
        if self._held:
            self._write()
        self._writer.close()

    def bad_cells(self, bad_cells_max: float) -> dict[str, int]:
        """How many cells did not fit, by column. Raises TableRefused for the first column with too many."""
        for name, bad in self._bad.items():
            if bad > bad_cells_max * self._filled[name]:
                file, line = self._first_bad[name]
                where = f"the first in {file}, line {line}" if file else f"the first in row {line}"
                raise TableRefused(
                    f"table {quoted(self._table)}: {bad:,} of {self._filled[name]:,} cells of column {quoted(name)} "
                    f"are no {self._columns[name]}, {where}"
                )
        return {name: bad for name, bad in self._bad.items() if bad}
