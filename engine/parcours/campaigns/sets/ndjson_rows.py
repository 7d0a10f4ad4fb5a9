"""The rows of an NDJSON file: an object a line, in UTF-8. A key that is not there is a cell with nothing in it.

Numbers are read as they are written, so that 0.1 is a tenth in a column of decimals. A text stands for what it would be
in a CSV file; a column of strings takes texts only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType

import pyarrow as pa

from parcours.campaigns.sets.batches import BATCH_CHARACTERS, BATCH_ROWS, Batch
from parcours.campaigns.sets.fitting import Fitted, fitted_texts, fitted_values
from parcours.campaigns.sets.text_file import opened_text
from parcours.journey.read.table_rows import ndjson_rows


def ndjson_batches(path: Path, columns: Mapping[str, str], unseen: set[str]) -> Iterator[Batch]:
    """The rows in order; the columns that one of them has are taken out of `unseen`. Raises OSError and Unreadable."""
    with opened_text(path) as lines:
        rows = ndjson_rows(lines)
        while True:
            begins: list[int] = []
            cells: dict[str, list[object]] = {column: [] for column in columns}
            full = lines.characters + BATCH_CHARACTERS
            for line, row in rows:
                begins.append(line)
                for column, found in cells.items():
                    found.append(row.get(column))
                if unseen:
                    unseen.difference_update(row)
                if len(begins) == BATCH_ROWS or lines.characters > full:
                    break
            if not begins:
                return
            yield Batch(begins, _fitted(cells, columns))


def _fitted(cells: Mapping[str, list[object]], columns: Mapping[str, str]) -> dict[str, Fitted]:
    return {column: _fitted_column(kind, cells[column]) for column, kind in columns.items()}


def _fitted_column(kind: str, cells: list[object]) -> Fitted:
    """Texts alone go the faster way of CSV, in which they mean the same."""
    if {str, NoneType}.issuperset(map(type, cells)):
        return fitted_texts(kind, pa.array(cells, pa.string()))
    return fitted_values(kind, cells)
