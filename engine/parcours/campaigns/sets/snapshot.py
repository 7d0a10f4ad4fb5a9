"""A snapshot: the rows of a table as a run of a campaign has copied them, in one Parquet file.

    row_number  BIGINT    from 1, in the order of files and lines
    file        VARCHAR   where the row was written; '' if a query made it
    line        BIGINT    where it begins there, from 1
    row_key     VARCHAR   file, a blank, and line with zeros before it: it tells rows apart where nothing else does, and
                          is in the order of rows
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
import pyarrow.compute as pc

from parcours.campaigns.sets.batches import Batch
from parcours.campaigns.sets.fitting import arrow_type
from parcours.campaigns.sets.row_groups import opened_row_groups
from parcours.campaigns.sets.whole_file import hash_of, whole_file
from parcours.errors import TableRefused
from parcours.wording import quoted

LINE_DIGITS: Final = 12
"""Digits of a line in a row key: no file has more lines."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A table as it was when it was copied.

    hash     of the file, BLAKE2b in hexadecimal digits
    columns  the declared kinds, by name
    bad      how many cells did not fit, by column; only of columns that have such
    has_key  whether its rows are told apart by a key of the author's, and in the order of that (keyed.py)
    """

    table: str
    file: Path
    hash: str
    rows: int
    columns: Mapping[str, str]
    bad: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    has_key: bool = False


def write_snapshot(
    table: str,
    columns: Mapping[str, str],
    path: Path,
    batches: Iterable[tuple[str, Batch]],
    bad_cells_max: float,
    *,
    durable: bool,
    lasting: bool = True,
) -> Snapshot:
    """Write the rows of a table, whole or not at all; with each batch comes the name of its file.

    durable  whether the file outlives a crash of the machine
    lasting  whether it is read again and again
    Raises TableRefused for a column with too many cells that do not fit, and OSError.
    """
    with whole_file(path, durable=durable) as unfinished:
        rows = _Rows(columns)
        with opened_row_groups(unfinished, rows.schema, lasting=lasting) as groups:
            for file, batch in batches:
                groups.add(rows.stored(file, batch))
        bad = rows.bad_cells(table, bad_cells_max)
        hashed = hash_of(unfinished)
    return Snapshot(table, path, hashed, rows.count, dict(columns), bad)


class _Rows:
    """The rows of a table as they are stored, and how many cells did not fit."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns = columns
        self._cells = pa.struct([pa.field(name, arrow_type(kind)) for name, kind in columns.items()])
        self.schema = pa.schema(
            [
                pa.field("row_number", pa.int64()),
                pa.field("file", pa.string()),
                pa.field("line", pa.int64()),
                pa.field("row_key", pa.string()),
                pa.field("cells", self._cells),
            ]
        )
        self.count = 0
        self._filled = dict.fromkeys(columns, 0)
        self._bad = dict.fromkeys(columns, 0)
        self._first_bad: dict[str, str] = {}

    def stored(self, file: str, batch: Batch) -> Any:
        """The next rows, of which the file's name is told as the table names it."""
        self._count(file, batch)
        many = len(batch.lines)
        numbers = pa.array(range(self.count + 1, self.count + many + 1), pa.int64())
        self.count += many
        lines = pa.array(batch.lines, pa.int64())
        prefix = f"{file} " if file else ""
        digits = pc.utf8_lpad(lines.cast(pa.string()), LINE_DIGITS, "0")
        keys = pc.binary_join_element_wise(pa.scalar(prefix), digits, "")
        cells = pa.StructArray.from_arrays(
            [batch.columns[name].values for name in self._columns], fields=list(self._cells)
        )
        return pa.table([numbers, pa.repeat(pa.scalar(file), many), lines, keys, cells], schema=self.schema)

    def _count(self, file: str, batch: Batch) -> None:
        for name in self._columns:
            fitted = batch.columns[name]
            self._filled[name] += len(fitted.values) - fitted.values.null_count + len(fitted.bad)
            self._bad[name] += len(fitted.bad)
            if fitted.bad:
                self._first_bad.setdefault(name, _described(file, batch, fitted.bad[0]))

    def bad_cells(self, table: str, bad_cells_max: float) -> dict[str, int]:
        """How many cells did not fit, by column. Raises TableRefused for the first column with too many."""
        for name, bad in self._bad.items():
            if bad > bad_cells_max * self._filled[name]:
                raise TableRefused(
                    f"table {quoted(table)}: {bad:,} of {self._filled[name]:,} cells of column {quoted(name)} do not "
                    f"fit {self._columns[name]}, the first in {self._first_bad[name]}"
                )
        return {name: bad for name, bad in self._bad.items() if bad}


def _described(file: str, batch: Batch, place: int) -> str:
    line = batch.lines[place]
    where = f"{file}, line {line}" if file else f"row {line}"
    return f"{where}, which has another number of cells than the header" if place in batch.torn else where
