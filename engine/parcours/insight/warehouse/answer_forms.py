"""Answers of queries as text: a table to look at, one object of JSON, or CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Final, TextIO

import msgspec

from parcours.core.time_text import time_text
from parcours.instants import ceil_ms

if TYPE_CHECKING:
    from rich.console import Console

    from parcours.insight.warehouse.answer import Answer

TABLE_ROWS_MAX: Final = 1_000
"""Rows that anybody looks at; the other forms have all."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


def print_answer(console: Console, answer: Answer) -> None:
    """Show the first rows as a table, and say whether there are more, or none, and as of when it is."""
    from rich.table import Table
    from rich.text import Text

    rows = _rows(answer)
    table = Table()
    for name in answer.columns:
        table.add_column(Text(name))
    for row in islice(rows, TABLE_ROWS_MAX):
        table.add_row(*(Text(_cell(value)) for value in row))
    console.print(table)
    if not table.rows:
        console.print("No rows.")
    if next(rows, None) is not None:
        console.print(f"There are more than these {TABLE_ROWS_MAX:,} rows: --format json and csv have all.")
    console.print(as_of_text(answer.as_of_ms))


def write_json(file: TextIO, answer: Answer) -> None:
    """Write one object: `as_of`, `columns`, and `rows` as lists of values in the order of the columns."""
    as_of = None if answer.as_of_ms is None else time_text(answer.as_of_ms)
    file.write(f'{{"as_of":{_json(as_of)},"columns":{_json([*answer.columns])},"rows":[')
    for number, row in enumerate(_rows(answer)):
        file.write(",\n" if number else "\n")
        file.write(_json([plain(value) for value in row]))
    file.write("\n]}\n")


def write_csv(file: TextIO, answer: Answer) -> None:
    """Write a line of names and one for each row; what is null is empty, lists and objects are JSON."""
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(answer.columns)
    lines.writerows([_cell(value) for value in row] for row in _rows(answer))


def as_of_text(as_of_ms: int | None) -> str:
    """Up to when everything is known."""
    return "Nothing is known yet." if as_of_ms is None else f"As of {time_text(as_of_ms)}."


def _rows(answer: Answer) -> Iterator[Sequence[object]]:
    return (row for some in answer.rows for row in some)


def _json(value: object) -> str:
    return _encode(value).decode()


def _cell(value: object) -> str:
    shown = plain(value)
    if shown is None:
        return ""
    return shown if isinstance(shown, str) else _json(shown)


def plain(value: object) -> object:
    """A value as JSON has it: times as text in UTC, bytes in hexadecimal digits, of other kinds the text."""
    match value:
        case datetime():
            return time_text(ceil_ms(value)) if value.tzinfo is not None else value.isoformat()
        case float() if value != value or value in (float("inf"), float("-inf")):
            return None
        case None | bool() | int() | float() | str() | Decimal():
            return value
        case bytes():
            return value.hex()
        case dict():
            return {str(plain(key)): plain(each) for key, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case _:
            return str(value)
