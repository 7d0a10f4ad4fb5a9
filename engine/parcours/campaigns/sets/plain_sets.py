"""Sets for which no operator is needed: everybody, nobody, and those whom a read makes known; and what is in a set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from parcours.campaigns.sets.database import Workspace, copy_rows, identifier, opened_database, rows_in
from parcours.campaigns.sets.engine import Values
from parcours.campaigns.sets.evaluated import plain_rows
from parcours.campaigns.sets.row_groups import opened_row_groups
from parcours.campaigns.sets.values import KINDS
from parcours.campaigns.sets.whole_file import whole_file

NOBODY: Final = pa.schema([("person", pa.string()), ("row_key", pa.string())])

_TEXT: Final = KINDS.index("string")

BATCH_ROWS: Final = 5_000
"""Rows that lie in memory at once, each of which may have lists of some kilobytes."""

FOUND_ROWS: Final = 100_000
"""Rows of a set of found people that are written at once."""


def write_everybody(people: Path, path: Path, workspace: Workspace) -> None:
    """Write the set of all whom shards told of."""
    with opened_database(workspace) as database:
        copy_rows(database, f"SELECT person, '' AS row_key FROM {rows_in(people)} ORDER BY person", path, lasting=False)


def write_nobody(path: Path) -> None:
    """Write a set without rows, which nobody needs once a step is made. Raises OSError."""
    with whole_file(path, durable=False) as unfinished:
        pq.write_table(NOBODY.empty_table(), unfinished)


def write_found(people: Iterable[str], path: Path, *, durable: bool) -> None:
    """Write the set of these people, each once, in the order of their names as bytes. Raises OSError."""
    names = pa.array(sorted({*people}, key=str.encode), pa.string())
    with whole_file(path, durable=durable) as unfinished, opened_row_groups(unfinished, NOBODY) as groups:
        for start in range(0, len(names), FOUND_ROWS):
            some = names.slice(start, FOUND_ROWS)
            groups.add(pa.table([some, pa.repeat(pa.scalar(""), len(some))], schema=NOBODY))


def write_created(taken: Path, people: Path, path: Path, workspace: Workspace) -> int:
    """Write the names in a set of whom no shard told, each once; returns how many they are."""
    unknown = f"{rows_in(taken)} AS taken ANTI JOIN {rows_in(people)} AS people USING (person)"
    query = f"SELECT DISTINCT person FROM {unknown} ORDER BY person"
    with opened_database(workspace) as database:
        return copy_rows(database, query, path)


def filled(values: Values, path: Path, workspace: Workspace) -> Values:
    """Whether there is a value that is no empty text, as a condition in the file `path`."""
    column = identifier(values.column)
    keys = "person, row_key" if values.by_row else "person"
    is_filled = f"{column} IS NOT NULL AND NOT ({column}.k = {_TEXT} AND {column}.t = '')"
    with opened_database(workspace) as database:
        copy_rows(database, f"SELECT {keys}, {is_filled} AS filled FROM {rows_in(values.file)}", path, lasting=False)
    return Values(path, "filled", values.by_row)


def found_in(path: Path, person: str, column: str) -> str | None:
    """What a column of texts has in somebody's first row, None where she has none; only her part is read."""
    rows = pq.read_table(path, columns=[column], filters=[("person", "=", person)])
    return None if rows.num_rows == 0 else str(rows.column(column)[0].as_py())


def size_of(path: Path) -> int:
    """How many rows a file has."""
    with pq.ParquetFile(path) as parquet:
        rows: int = parquet.metadata.num_rows
    return rows


def names_of(path: Path) -> Iterator[str]:
    """The names in a file, one for each row, in its order."""
    with pq.ParquetFile(path) as parquet:
        for batch in parquet.iter_batches(columns=["person"]):
            yield from batch.column("person").to_pylist()


def rows_of(path: Path, columns: Iterable[str]) -> Iterator[tuple[str, dict[str, object]]]:
    """The rows of a set, in its order: whose each is, and those of these columns that it has, as plain data."""
    with pq.ParquetFile(path) as parquet:
        known = [name for name in columns if name in parquet.schema_arrow.names]
        for batch in parquet.iter_batches(batch_size=BATCH_ROWS, columns=["person", *known]):
            people = batch.column("person").to_pylist()
            rows = plain_rows(batch.select(known).to_struct_array()) if known else [{}] * len(people)
            yield from zip(people, rows, strict=True)
