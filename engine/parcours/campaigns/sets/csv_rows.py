"""The rows of a CSV file: RFC 4180, with a header, in UTF-8.

Quotes may hold commas, quotes in pairs and line breaks; a mark at the beginning and lines with nothing in them are
passed over. Columns that are not declared are not looked at, and may have any name, twice too. A row that has more or
fewer cells than the header has none that fits: there is no telling which of them is where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Final

import pyarrow as pa

from parcours.campaigns.sets.batches import BATCH_CHARACTERS, BATCH_ROWS, Batch
from parcours.campaigns.sets.fitting import Fitted, fitted_texts
from parcours.campaigns.sets.text_file import opened_text
from parcours.journey.read.table_rows import NO_HEADER, Lines, Unreadable, csv_rows
from parcours.wording import nearest, quoted

_OTHER_MARKS: Final = ";\t|"
"""By which programs separate cells where a comma stands in numbers."""


def csv_batches(path: Path, columns: Mapping[str, str]) -> Iterator[Batch]:
    """The rows in order. Raises OSError and Unreadable."""
    with opened_text(path) as lines:
        rows = csv_rows(lines)
        header = next(rows, (1, []))[1]
        if not header:
            raise Unreadable(NO_HEADER)
        places = [_place(header, column) for column in columns]
        yield from _batches(rows, lines, len(header), places, columns)


def _place(header: list[str], column: str) -> int:
    match header.count(column):
        case 0 if len(header) == 1 and any(mark in header[0] for mark in _OTHER_MARKS):
            raise Unreadable(f"it has no column {quoted(column)}: its cells have to be separated by commas")
        case 0:
            raise Unreadable(f"it has no column {quoted(column)}{nearest(column, header)}")
        case 1:
            return header.index(column)
        case _:
            raise Unreadable(f"it has two columns {quoted(column)}")


def _batches(
    rows: Iterator[tuple[int, list[str]]], lines: Lines, width: int, places: list[int], columns: Mapping[str, str]
) -> Iterator[Batch]:
    declared = itemgetter(*places, places[0])  # one more than needed, so that it is a tuple of one column as well
    nothing = ("",) * (len(places) + 1)
    while True:
        cells: list[tuple[str, ...]] = []
        begins: list[int] = []
        torn: list[int] = []
        full = lines.characters + BATCH_CHARACTERS
        for line, row in rows:
            if len(row) == width:
                cells.append(declared(row))
            elif not row:
                continue
            else:
                torn.append(len(cells))
                cells.append(nothing)
            begins.append(line)
            if len(cells) == BATCH_ROWS or lines.characters > full:
                break
        if not cells:
            return
        yield Batch(begins, _fitted(cells, torn, columns), torn)


def _fitted(cells: Sequence[tuple[str, ...]], torn: Sequence[int], columns: Mapping[str, str]) -> dict[str, Fitted]:
    fitted: dict[str, Fitted] = {}
    for (column, kind), texts in zip(columns.items(), zip(*cells, strict=True), strict=False):
        found = fitted_texts(kind, pa.array(texts, pa.string()))
        fitted[column] = Fitted(found.values, tuple(sorted((*found.bad, *torn)))) if torn else found
    return fitted
