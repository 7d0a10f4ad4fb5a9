"""The rows of a file of Parquet as JSON objects, from any row on. The offset of a row is its number, from 0.

A group of rows is always decoded from its beginning and in the same batches, so that the rows of a batch that is
damaged are the same ones whoever reads it, and wherever reading begins: they are told as one line, at the offset of the
first of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from parcours.source import Line
from parcours.sources.columns import row_object

BATCH_BYTES: Final = 1 << 20
BATCH_ROWS_MAX: Final = 256
"""So much is decoded at once: memory is bounded, however many rows a group has."""

READ_AT_ONCE: Final = 1 << 16
"""So many bytes of a column are read from the file at once."""

ROW_BYTES_MAX: Final = 1 << 20
"""Of a longer row only the beginning is kept, and it is of no use."""

UNREADABLE = (pa.ArrowException, ValueError, KeyError, OverflowError, RecursionError)
"""What is raised by a value that Python or JSON has no room for."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


class ParquetRows:
    """
    position  the number of the next row
    is_over   nothing is behind it
    """

    def __init__(self, path: Path) -> None:
        self.position = 0
        self.is_over = False
        self._name = path.name
        self._file = path.open("rb")
        try:
            self._broken, self._end = self._opened()
        except BaseException:
            self._file.close()
            raise
        self._rest = self._lines()

    def _opened(self) -> tuple[str, int]:
        """Why nothing can be read of the file, and how many lines there are. Raises what the disk says."""
        try:
            self._parquet = pq.ParquetFile(
                self._file, buffer_size=READ_AT_ONCE, pre_buffer=False, coerce_int96_timestamp_unit="us"
            )
        except (pa.ArrowException, OSError) as error:
            return f"{self._name} is no file of Parquet: {_why(error)}", 1
        return "", self._parquet.metadata.num_rows

    def go_to(self, position: int) -> bool:
        """Begin at a row; whether the file has it. Called before anything is read."""
        self.position = position
        return bool(position <= self._end)

    def read(self, most: int) -> Sequence[Line]:
        """At most so many rows."""
        lines = list(islice(self._rest, most))
        if lines:
            self.position = lines[-1].offset + 1
        self.is_over = len(lines) < most
        return lines

    def close(self) -> None:
        self._file.close()

    def _lines(self) -> Iterator[Line]:
        if self._broken:
            yield from [Line(0, b"", unusable=self._broken)][self.position :]
            return
        begin = 0
        for group in range(self._parquet.num_row_groups):
            end = begin + self._parquet.metadata.row_group(group).num_rows
            if end > self.position:
                yield from self._lines_of(group, begin, end)
            begin = end

    def _lines_of(self, group: int, begin: int, end: int) -> Iterator[Line]:
        """The rows of a group at the position and behind it; it has those from `begin` up to `end`."""
        first, start = begin, self.position
        size_bytes = self._parquet.metadata.row_group(group).total_byte_size
        rows = min(max(BATCH_BYTES * (end - begin) // max(size_bytes, 1), 1), BATCH_ROWS_MAX)
        try:
            for batch in self._parquet.iter_batches(rows, [group], use_threads=False):
                if first + batch.num_rows > start:
                    yield from _rows_of(batch, first, start)
                first += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            if first >= start:
                yield Line(
                    first, b"", unusable=f"the rows {first} to {end - 1} of {self._name} cannot be read: {_why(error)}"
                )


def _rows_of(batch: Any, first: int, start: int) -> Iterator[Line]:
    """The rows of a batch, the first of which has the number `first`, without those before `start`."""
    try:
        rows = _told(batch)
    except UNREADABLE:
        rows = None
    for number in range(max(start - first, 0), batch.num_rows):
        text, unusable = b"", None
        try:
            (row,) = _told(batch.slice(number, 1)) if rows is None else (rows[number],)
            text = _encode(row_object(row.items()))
        except UNREADABLE as error:
            unusable = f"the row cannot be read: {error}"
        if len(text) > ROW_BYTES_MAX:
            text, unusable = text[:ROW_BYTES_MAX], f"a row of more than {ROW_BYTES_MAX} bytes"
        yield Line(first + number, text, unusable=unusable)


def _told(batch: Any) -> list[dict[str, object]]:
    """The rows of a batch, without what is null. Raises UNREADABLE."""
    names = batch.schema.names
    if len(set(names)) < len(names):
        raise ValueError("two columns have the same name")
    columns = [_told_column(column) for column in batch.columns]
    return [
        {name: cell for name, cell in zip(names, row, strict=True) if cell is not None}
        for row in zip(*columns, strict=True)
    ]


def _told_column(column: Any) -> list[object]:
    kind = _plain(column.type)
    if kind != column.type:
        column = pc.cast(column, options=pc.CastOptions(kind, allow_time_truncate=True))
    cells: list[object] = column.to_pylist(maps_as_pydicts="strict")
    if pa.types.is_nested(kind) or pa.types.is_floating(kind):
        return [_without_nulls(cell) for cell in cells]
    return cells


def _plain(kind: Any) -> Any:
    """The type with all its times in microseconds, which is what Python has, and its instants in UTC."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz="UTC")
    if pa.types.is_time(kind):
        return pa.time64("us")
    if pa.types.is_duration(kind):
        return pa.duration("us")
    if pa.types.is_struct(kind):
        return pa.struct([each.with_type(_plain(each.type)) for each in kind])
    if pa.types.is_map(kind):
        return pa.map_(_plain(kind.key_type), kind.item_field.with_type(_plain(kind.item_type)))
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)))
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(_plain(kind.value_type)))
    return kind


def _without_nulls(cell: object) -> object:
    """What is inside, without the fields that have no value; JSON has no number that is none."""
    if isinstance(cell, Mapping):
        inside = {name: _without_nulls(each) for name, each in cell.items()}
        return {name: each for name, each in inside.items() if each is not None}
    if isinstance(cell, list):
        return [_without_nulls(each) for each in cell]
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _why(error: Exception) -> str:
    """What Arrow says of a file. Raises what the disk says, which is another matter."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error
    return " ".join(str(error).split()) or type(error).__name__
