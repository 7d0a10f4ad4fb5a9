"""What expressions gave, beside the rows that they were asked of: one table in DuckDB, with a column for each.

All that an operator asks for is joined at once, and what lies in one file is joined together. An expression may have
been asked of the rows of a set, or of pairs of a person and a row of a table that is linked to her. Lots lie in a table
that has been made of them (drawn_lots.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import assert_never

from parcours.campaigns.sets.compared import Compared, compared_column
from parcours.campaigns.sets.database import Database, identifier, one_row, rows_in
from parcours.campaigns.sets.drawn_lots import lots_table
from parcours.campaigns.sets.engine import Asked, AtRandom, RowValues, TableColumn, Values


class Given:
    """The table `name`, with a row for each of those that were asked about.

    noted  values that are missing for being of another kind than most of their column, by column
    """

    def __init__(self, database: Database, name: str, asked: Sequence[Asked]) -> None:
        self.name = name
        self.noted: dict[str, int] = {}
        self._database = database
        self._columns = {each: f"c{place}" for place, each in enumerate(dict.fromkeys(asked))}
        self._compared: dict[Asked, Compared] = {}

    def fill(
        self, kept: str, rows: str, keys: Mapping[str, str], table: Path | None = None, only: Asked | None = None
    ) -> int:
        """Make the table, and return how many rows it has.

        kept   columns of the rows that go along, for SELECT
        rows   for FROM; each is in the table once
        keys   what tells rows apart, as SQL: `person` with `row_key` or `row_number`, and `number` where lots are drawn
        table  the snapshot in which a `TableColumn` is
        only   a condition among what is asked, without which a row is left out
        """
        columns, joins = beside([*self._columns], keys, table)
        named = "".join(f", {column} AS {name}" for column, name in zip(columns, self._columns.values(), strict=True))
        where = "" if only is None else f" WHERE {columns[[*self._columns].index(only)]} IS TRUE"
        self._database.execute(f"CREATE TABLE {self.name} AS SELECT {kept}{named} FROM {rows}{joins}{where}")
        (count,) = one_row(self._database, f"SELECT count(*) FROM {self.name}")
        return int(count)

    def holds(self, asked: Asked) -> str:
        """A condition: it does not hold where it is missing."""
        return f"{self._columns[asked]} IS TRUE"

    def plain(self, asked: Asked) -> str:
        """The column as it is."""
        return self._columns[asked]

    def compared(self, asked: Asked) -> Compared:
        """The values by which rows are compared."""
        if asked not in self._compared:
            is_value = isinstance(asked, Values | RowValues)
            found = compared_column(self._database, self.name, self._columns[asked], is_value=is_value)
            self._compared[asked] = found
            if found.others and isinstance(asked, Values | RowValues):
                self.noted[asked.column] = self.noted.get(asked.column, 0) + found.others
        return self._compared[asked]


def beside(asked: Sequence[Asked], keys: Mapping[str, str], table: Path | None = None) -> tuple[list[str], str]:
    """The column of each, and the joins that have them, as SQL behind the rows that have these keys."""
    joined: dict[tuple[str, tuple[str, ...]], str] = {}
    columns = []
    for each in asked:
        source, by, column = _place(each, table)
        alias = joined.setdefault((source, by), f"g{len(joined)}")
        columns.append(f"{alias}.{column}")
    joins = "".join(
        f" LEFT JOIN {source} AS {alias} ON {' AND '.join(f'{alias}.{key} = {keys[key]}' for key in by)}"
        for (source, by), alias in joined.items()
    )
    return columns, joins


def _place(asked: Asked, table: Path | None) -> tuple[str, tuple[str, ...], str]:
    """Where a column lies, by which keys, and its name there, as SQL."""
    match asked:
        case Values():
            by = ("person", "row_key") if asked.by_row else ("person",)
            return rows_in(asked.file), by, identifier(asked.column)
        case RowValues():
            by = ("person", "row_number") if asked.by_person else ("row_number",)
            return rows_in(asked.file), by, identifier(asked.column)
        case TableColumn():
            assert table is not None, "a column of a table is asked of its rows"
            return rows_in(table), ("row_number",), f"cells.{identifier(asked.name)}"
        case AtRandom():
            return lots_table(asked.seed), ("number",), "lot"
    assert_never(asked)
