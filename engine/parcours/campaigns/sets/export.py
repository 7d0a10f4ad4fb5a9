"""A set for others to read: its columns, in its order, as CSV, NDJSON or Parquet.

CSV is RFC 4180: a header, lines that end with CR LF, quotes around a cell that needs them. A cell is what it is: a text
that a spreadsheet would take for a formula, as `=1+1`, is not altered, for whoever reads the file with a program would
have to undo that; who opens it in a spreadsheet is to import its columns as text. What is missing and an empty text are
both an empty cell, and a list or an object is its JSON.

A column may also have values of any kind (values.py): in Parquet these are texts, JSON unless they are texts already.

NDJSON keeps lists and objects. Decimals are texts there, since numbers of JSON are doubles to most who read them.
Times are ISO 8601 in UTC in both, and numbers that are whole have no point.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from parcours.campaigns.sets.row_groups import opened_row_groups
from parcours.campaigns.sets.valued import plain_of
from parcours.campaigns.sets.values import VALUE
from parcours.campaigns.sets.whole_file import whole_file
from parcours.journey.model.tables import TableFormat

BATCH_ROWS: Final = 5_000
"""Rows in memory at once, each of which may have lists of some kilobytes."""

WHOLE_MAX: Final = 2.0**53
"""Doubles beyond it are whole by themselves, and their digits would pretend to be exact."""


def exported_set(source: Path, path: Path, form: TableFormat, columns: Sequence[tuple[str, str]]) -> int:
    """Write columns of a set to the file `path`, whole or not at all; returns the number of rows.

    source   Parquet, in the order of the set
    columns  the header of each, and the column of `source`; no header twice
    Raises OSError.
    """
    assert len({header for header, _ in columns}) == len(columns), "a file has each column once"
    with pq.ParquetFile(source) as parquet, whole_file(path) as unfinished:
        headers = [header for header, _ in columns]
        tables = _tables(parquet, headers, [column for _, column in columns])
        if form == "parquet":
            fields = [parquet.schema_arrow.field(column).with_name(header) for header, column in columns]
            texts = [field.with_type(pa.string()) if field.type == VALUE else field for field in fields]
            with opened_row_groups(unfinished, pa.schema(texts)) as groups:
                for table in tables:
                    groups.add(pa.table([*map(_without_kinds, table.columns)], schema=pa.schema(texts)))
        else:
            with unfinished.open("w", encoding="utf-8", newline="") as file:
                if form == "csv":
                    _write_csv(file, headers, tables)
                else:
                    _write_ndjson(file, tables)
        rows: int = parquet.metadata.num_rows
    return rows


def _tables(parquet: Any, headers: list[str], columns: list[str]) -> Iterator[Any]:
    for batch in parquet.iter_batches(batch_size=BATCH_ROWS, columns=list(dict.fromkeys(columns))):
        yield pa.table([batch.column(column) for column in columns], names=headers)


def _write_csv(file: IO[str], headers: list[str], tables: Iterable[Any]) -> None:
    writer = csv.writer(file)
    writer.writerow(headers)
    for table in tables:
        columns = [[_cell(value) for value in _values(column)] for column in table.columns]
        writer.writerows(zip(*columns, strict=True))


def _write_ndjson(file: IO[str], tables: Iterable[Any]) -> None:
    for table in tables:
        rows = zip(*map(_values, table.columns), strict=True)
        file.writelines(f"{_json(dict(zip(table.column_names, row, strict=True)))}\n" for row in rows)


def _values(column: Any) -> list[object]:
    values: list[Any] = column.to_pylist()
    return [plain_of(value) for value in values] if column.type == VALUE else values


def _without_kinds(column: Any) -> Any:
    """The column, with values of any kind as texts."""
    if column.type != VALUE:
        return column
    return pa.array([None if value is None else _cell(value) for value in _values(column)], pa.string())


def _cell(value: object) -> str:
    plain = _plain(value)
    if plain is None:
        return ""
    return plain if isinstance(plain, str) else _json(plain)


def _json(value: object) -> str:
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _plain(value: object) -> object:
    """A value as JSON can hold it."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return _number(value)
        case Decimal():
            return f"{value:f}"
        case datetime():
            return _time(value)
        case date():
            return value.isoformat()
        case timedelta():
            return f"{value.total_seconds():g}s"
        case list():
            return [_plain(each) for each in value]
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case _:
            raise TypeError(f"a set has no values of type {type(value).__name__}")


def _number(value: float) -> int | float | None:
    """A double; one that is not finite has no digits."""
    if not isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) <= WHOLE_MAX else value


def _time(value: datetime) -> str:
    moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    precision = "microseconds" if moment.microsecond % 1_000 else "milliseconds"
    return moment.isoformat(timespec=precision).removesuffix("+00:00") + "Z"
