"""One set in DuckDB with the values that an operator asks of it, and the way back to files.

`pool` has a number for each row, in the order of the set, and a column for each value that was asked for. Operators
write the numbers of the rows that they choose; a set is written by joining these with its file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from parcours.campaigns.sets.database import (
    COPY_OPTIONS,
    Workspace,
    identifier,
    literal,
    one_row,
    opened_database,
    rows_in,
)
from parcours.campaigns.sets.engine import AskedOfRows, AtRandom, ByValue, Filled, OrderKey, Preferred, Values
from parcours.campaigns.sets.lots import lots_of
from parcours.campaigns.sets.values import KINDS, value_key
from parcours.campaigns.sets.whole_file import whole_file


class Pool:
    """Of one operator on one set. Names of columns are made here, so no author's text is in the SQL."""

    def __init__(self, database: duckdb.DuckDBPyConnection, source: Path) -> None:
        self.database = database
        self.noted: dict[str, int] = {}
        self._source = source
        self._columns = 0
        database.execute(
            "CREATE TABLE pool AS SELECT row_number() OVER (ORDER BY person, row_key) AS number, person, row_key"
            f" FROM {rows_in(source)}"
        )
        (self.rows,) = one_row(database, "SELECT count(*) FROM pool")

    def condition(self, values: Values) -> str:
        """A column that says of each row whether a condition holds; it never does where it is missing."""
        return self._join(values, "coalesce(given.{column}, false)", "BOOLEAN")

    def value(self, values: Values | AskedOfRows) -> str:
        """A column of values, all of the kind that most of them have; others are missing, and noted."""
        assert isinstance(values, Values), "rows of a set are compared by what was asked of a set"
        column = self._join(values, "given.{column}", "STRUCT(k TINYINT, n DOUBLE, r BIGINT, t VARCHAR)")
        kinds = self.database.execute(
            f"SELECT {column}.k, count(*) FROM pool WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
        if len(kinds) > 1:
            self.database.execute(f"UPDATE pool SET {column} = NULL WHERE {column}.k <> ?", [kinds[0][0]])
            self.noted[values.column] = sum(count for _, count in kinds[1:])
        return column

    def order(self, keys: Sequence[OrderKey]) -> str:
        """What stands behind ORDER BY; rows that are equal in all of it are in the order of the set."""
        return ", ".join([*(self._order(key) for key in keys), "number"])

    def _order(self, key: OrderKey) -> str:
        match key:
            case ByValue():
                return f"{self.value(key.values)} {'DESC' if key.highest else 'ASC'} NULLS LAST"
            case Filled():
                return f"{is_filled(self.value(key.values))} DESC"
            case Preferred():
                return self._preference(key)
            case AtRandom():
                return self._lot(key.seed)

    def _preference(self, key: Preferred) -> str:
        """A column with the place of each row's value among the choices."""
        column = self._join(key.values, "given.{column}", "STRUCT(k TINYINT, n DOUBLE, r BIGINT, t VARCHAR)")
        place = self._new("INTEGER")
        self.database.execute(f"UPDATE pool SET {place} = {len(key.choices)}")
        for number, choice in reversed([*enumerate(key.choices)]):
            wanted = value_key(choice)
            if wanted is not None:
                self.database.execute(
                    f"UPDATE pool SET {place} = ? WHERE {column}.k = ? AND {column}.n = ? AND {column}.r = ?"
                    f" AND {column}.t = ?",
                    [number, *wanted],
                )
        return f"{place} ASC"

    def _lot(self, seed: bytes) -> str:
        column = self._new("UBIGINT")
        self.database.register("lots", lots_of(self._source, seed))
        self.database.execute(
            f"UPDATE pool SET {column} = drawn.lot FROM (SELECT DISTINCT person, lot FROM lots) AS drawn"
            " WHERE drawn.person = pool.person"
        )
        self.database.unregister("lots")
        return f"{column} ASC"

    def _join(self, values: Values | AskedOfRows, expression: str, kind: str) -> str:
        assert isinstance(values, Values), "rows of a set are compared by what was asked of a set"
        column = self._new(kind)
        taken = expression.format(column=identifier(values.column))
        same_row = " AND given.row_key = pool.row_key" if values.by_row else ""
        self.database.execute(
            f"UPDATE pool SET {column} = {taken} FROM {rows_in(values.file)} AS given"
            f" WHERE given.person = pool.person{same_row}"
        )
        return column

    def _new(self, kind: str) -> str:
        self._columns += 1
        column = f"c{self._columns}"
        self.database.execute(f"ALTER TABLE pool ADD COLUMN {column} {kind}")
        return column

    def write(self, folder: Path, output: str, chosen: str) -> int:
        """Write the rows whose numbers a query gives, and return how many they are."""
        with whole_file(folder / f"{output}.parquet") as unfinished:
            query = (
                f"SELECT kept.* FROM {rows_in(self._source)} AS kept JOIN pool USING (person, row_key)"
                f" WHERE number IN ({chosen}) ORDER BY person, row_key"
            )
            self.database.execute(f"COPY ({query}) TO {literal(str(unfinished))} ({COPY_OPTIONS})")
            (rows,) = one_row(self.database, f"SELECT count(*) FROM {rows_in(unfinished)}")
        return int(rows)


def is_filled(column: str) -> str:
    """Whether there is a value that is no empty text."""
    return f"({column} IS NOT NULL AND NOT ({column}.k = {KINDS.index('string')} AND {column}.t = ''))"


@contextmanager
def opened_pool(source: Path, workspace: Workspace) -> Iterator[Pool]:
    """The set, until the block ends."""
    with opened_database(workspace) as database:
        yield Pool(database, source)
