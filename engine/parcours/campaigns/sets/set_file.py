"""A set's file in DuckDB: its rows have numbers, since they are in an order, and its columns have names of our own.

The rows of a file are numbered from 0; a row's number is all that an operator keeps of it until the sets are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from parcours.campaigns.sets.database import COPY_OPTIONS, Database, identifier, literal, one_row, rows_in
from parcours.campaigns.sets.engine import OF_EVERY_SET
from parcours.campaigns.sets.whole_file import whole_file

NUMBER: Final = "file_row_number"
"""What DuckDB calls the number of a row, unless the file has a column of that name: hence the names of our own."""


class SetFile:
    """The file, of which no row is in memory.

    rows     how many there are
    columns  the names of its own columns, in order
    types    of these, as DuckDB has them
    """

    def __init__(self, database: Database, path: Path) -> None:
        self._path = path
        relation = database.sql(f"SELECT * FROM {rows_in(path)}")
        self._names = tuple(relation.columns)
        self.columns = tuple(name for name in self._names if name not in OF_EVERY_SET)
        self._types = dict(zip(self._names, relation.types, strict=True))
        self.rows, disordered = one_row(
            database,
            "SELECT count(*), count(*) FILTER (person < before OR person = before AND row_key <= key_before) FROM"
            " (SELECT person, row_key, lag(person) OVER () AS before, lag(row_key) OVER () AS key_before"
            f" FROM {rows_in(path)})",
        )
        assert disordered == 0, "a set is in the order of person and row key, and has each row once"

    def rows_as(self, alias: str) -> str:
        """The rows, for FROM. `number_of`, `column_of` and `all_of` name what they have."""
        names = ", ".join(f"p{place}" for place in range(len(self._names)))
        return f"{rows_in(self._path)} AS {alias}({names})"

    def column_of(self, alias: str, name: str) -> str:
        """A column, `person` and `row_key` too."""
        return f"{alias}.p{self._names.index(name)}"

    def type_of(self, name: str) -> Any:
        """The type of a column in DuckDB."""
        return self._types[name]

    def all_of(self, alias: str) -> list[str]:
        """All columns under their names, for SELECT."""
        return [f"{alias}.p{place} AS {identifier(name)}" for place, name in enumerate(self._names)]


def number_of(alias: str) -> str:
    """The number of a row."""
    return f"{alias}.{NUMBER}"


def written(database: Database, folder: Path, output: str, columns: Sequence[str], rows: str) -> int:
    """Write the file of an output, whole or not at all, and return how many rows it has.

    columns  for SELECT
    rows     for what stands behind it, with an order that leaves nothing open
    """
    with whole_file(folder / f"{output}.parquet", durable=database.durable) as unfinished:
        query = f"SELECT {', '.join(columns)} FROM {rows}"
        (count,) = one_row(database, f"COPY ({query}) TO {literal(str(unfinished))} ({COPY_OPTIONS})")
    return int(count)
