"""The rows of a Parquet file. Its columns have types, which have to be those that are declared; a row's line is its
number in the file.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from parcours.campaigns.sets.batches import BATCH_ROWS, Batch
from parcours.campaigns.sets.fitting import Fitted, fits_type, fitted_array, type_words
from parcours.campaigns.sets.text_file import opened_bytes
from parcours.journey.read.table_rows import Unreadable
from parcours.wording import nearest, quoted


def parquet_batches(path: Path, columns: Mapping[str, str], scratch: Path) -> Iterator[Batch]:
    """The rows in order; a file that is compressed as a whole is unpacked in the folder `scratch` meanwhile.

    Raises OSError and Unreadable.
    """
    with _opened(path, scratch) as file:
        try:
            yield from _batches(pq.ParquetFile(file), columns)
        except pa.ArrowException as error:
            raise Unreadable(f"it is no Parquet file that can be read: {error}") from error


def parquet_columns(path: Path, scratch: Path) -> dict[str, str | None]:
    """The columns of a file with their types in the words of tables.yaml; `scratch` as above.

    Raises OSError and Unreadable.
    """
    with _opened(path, scratch) as file:
        try:
            return {field.name: _words(field.type) for field in pq.ParquetFile(file).schema_arrow}
        except pa.ArrowException as error:
            raise Unreadable(f"it is no Parquet file that can be read: {error}") from error


def _words(given: Any) -> str:
    if pa.types.is_dictionary(given):
        given = given.value_type
    return "integer" if fits_type("integer", given) else type_words(given)  # money without decimals is whole, too


def _batches(parquet: Any, columns: Mapping[str, str]) -> Iterator[Batch]:
    for column, kind in columns.items():
        _check(parquet.schema_arrow, column, kind)
    first = 1
    for batch in parquet.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)):
        lines = range(first, first + batch.num_rows)
        fitted: dict[str, Fitted] = {}
        for column, kind in columns.items():
            try:
                fitted[column] = fitted_array(kind, batch.column(column))
            except ValueError as error:
                raise Unreadable(f"column {quoted(column)}: {error}") from error
        if batch.num_rows:
            yield Batch(lines, fitted)
        first += batch.num_rows


def _check(schema: Any, column: str, kind: str) -> None:
    places = schema.get_all_field_indices(column)
    if not places:
        raise Unreadable(f"it has no column {quoted(column)}{nearest(column, schema.names)}")
    if len(places) > 1:
        raise Unreadable(f"it has two columns {quoted(column)}")
    given = schema.field(places[0]).type
    if not fits_type(kind, given):
        raise Unreadable(f"column {quoted(column)} is {type_words(given)}, and not {kind}")


@contextmanager
def _opened(path: Path, scratch: Path) -> Iterator[BinaryIO]:
    """The file, which Parquet reads from its end."""
    if path.suffix == ".parquet":
        with path.open("rb") as file:
            yield file
        return
    with opened_bytes(path) as packed, TemporaryFile(dir=scratch) as unpacked:
        shutil.copyfileobj(packed, unpacked)
        yield unpacked
