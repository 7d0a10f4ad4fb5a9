"""The rows of a table from the files of the done list, for as long as the list may change under a reader."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from parcours.errors import StoreBroken
from parcours.insight.exporter.listing import Listing, read_listing
from parcours.insight.exporter.schemas import SCHEMAS
from parcours.journey.model.insight import KeptTable

T = TypeVar("T")

ATTEMPTS: Final = 3
"""How often the list is read where a file has gone since: twice is enough, unless the machine slept in between."""


def reading(facts: Path, read: Callable[[Listing], T], shard: int | None = None) -> T:
    """What `read` makes of the list, or of what it has of one shard.

    It is called again, with a new list, where a file has gone meanwhile. Raises StoreBroken.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return read(read_listing(facts, shard))
        except FileNotFoundError as error:
            if attempt == ATTEMPTS:
                raise StoreBroken(f"{error.filename or facts}: a file of the done list is missing: {error}") from error
    raise AssertionError("the last attempt returns or raises")


def rows_of(facts: Path, listing: Listing, table: KeptTable, people: Collection[str] | None = None) -> pa.Table:
    """The rows of a table, in no order; those of these people if any are named. Columns that a file lacks are null.

    Raises FileNotFoundError, StoreBroken.
    """
    names = [file.name for _, file in listing.files() if file.table == table]
    return read_files(facts, table, names, None if people is None else ds.field("person").isin([*people]))


def schema_of(facts: Path, table: KeptTable, names: Sequence[str]) -> Any:
    """The columns of some files of a table: of people those that they have. Raises FileNotFoundError, StoreBroken."""
    if table != "people" or not names:
        return SCHEMAS[table]
    try:
        return pa.unify_schemas([pq.read_schema(facts / name) for name in names])
    except pa.ArrowException as error:
        raise StoreBroken(f"the table {table} in {facts} cannot be read: {error}") from error


def read_files(facts: Path, table: KeptTable, names: Sequence[str], condition: Any = None) -> pa.Table:
    """The rows of these files that meet a condition. Raises FileNotFoundError, StoreBroken."""
    schema = schema_of(facts, table, names)
    if not names:
        return schema.empty_table()
    try:
        files = ds.dataset([str(facts / name) for name in names], schema=schema, format="parquet")
        return files.to_table(filter=condition, use_threads=True)  # in no order
    except pa.ArrowException as error:
        raise StoreBroken(f"the table {table} in {facts} cannot be read: {error}") from error
