"""Reads: the sets with which a campaign begins, of people and of the rows of tables.

Where only `new` ones are wanted, those are left out whom an earlier run took at the step; each run keeps whom it took
in a file of its own, under its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from parcours.campaigns.sets.database import (
    Database,
    Workspace,
    copy_rows,
    identifier,
    literal,
    one_row,
    opened_database,
    rows_in,
)
from parcours.campaigns.sets.engine import MAIN, Counts, Values


@dataclass(frozen=True, slots=True)
class Before:
    """Whom runs of a campaign took at a step: `earlier` are files with `person` and `row_key`, `own` is this run's."""

    earlier: Sequence[Path]
    own: Path


def read_people(condition: Values, folder: Path, before: Before | None, workspace: Workspace) -> Counts:
    """Those for whom a condition holds, which is given for everybody.

    Output: `main`, of grain person. Raises StoreBroken, and OSError.
    """
    query = (
        f"SELECT person, '' AS row_key FROM {rows_in(condition.file)} AS given"
        f" WHERE coalesce(given.{identifier(condition.column)}, false)"
    )
    with opened_database(workspace) as database:
        taken = _write(database, query, folder, before)
    return Counts(taken, {MAIN: taken})


def read_rows(
    table: Path, pairs: Path, columns: Sequence[str], folder: Path, before: Before | None, workspace: Workspace
) -> Counts:
    """The rows of a table for which a condition holds, each with whose it is.

    table    the file of its snapshot
    pairs    Parquet: `person`, `row_number` and `holds`; without a person the row is nobody's, and is dropped
    columns  of the table, that the set has
    Output: `main`, of grain row. Raises StoreBroken, and OSError.
    """
    with opened_database(workspace) as database:
        cells = "".join(f", copied.cells.{identifier(name)} AS {identifier(name)}" for name in columns)
        query = (
            f"SELECT read.person AS person, copied.row_key AS row_key{cells} FROM {rows_in(pairs)} AS read"
            f" JOIN {rows_in(table)} AS copied USING (row_number) WHERE read.holds AND read.person IS NOT NULL"
        )
        (unknown,) = one_row(database, f"SELECT count(*) FROM {rows_in(pairs)} WHERE holds AND person IS NULL")
        taken = _write(database, query, folder, before)
    return Counts(taken + unknown, {MAIN: taken}, {"unknown_person": unknown} if unknown else {})


def _write(database: Database, query: str, folder: Path, before: Before | None) -> int:
    """Write the set of a query's rows, and whom it has; returns how many they are."""
    path = folder / f"{MAIN}.parquet"
    if before is not None and before.earlier:
        files = ", ".join(literal(str(each)) for each in before.earlier)
        query = f"SELECT * FROM ({query}) AS read ANTI JOIN read_parquet([{files}]) AS before USING (person, row_key)"
    taken = copy_rows(database, f"{query} ORDER BY person, row_key", path)
    if before is not None:
        copy_rows(database, f"SELECT person, row_key FROM {rows_in(path)}", before.own)
    return taken
