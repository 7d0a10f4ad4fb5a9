"""The tables as views over files and tail: all columns, null where a file does not have them, and nobody erased."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import duckdb

from parcours.insight.exporter.erased import ErasedRows
from parcours.insight.exporter.schemas import table_of
from parcours.insight.exporter.tables import COLUMNS, LOOKED_AT, PERSON_HAS, TABLES, Kind, Row
from parcours.insight.warehouse.names import free_name, identifier, instant, literal
from parcours.insight.warehouse.snapshot import Snapshot
from parcours.journey.model.insight import FactTable
from parcours.shard.erasures import AUDIT, person_hash

TYPES: Final[Mapping[Kind, str]] = {
    "string": "VARCHAR",
    "bytes": "BLOB",
    "time": "TIMESTAMP WITH TIME ZONE",
    "bool": "BOOLEAN",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "strings": "VARCHAR[]",
    "counts": "MAP(VARCHAR, BIGINT)",
}

PERSON_THEN: Final = "person_then"
"""The column with the name that the person had in the files: `person` has the name of today."""

HIDDEN: Final = "hidden"
"""The schema of what views are made of, which nobody's SQL may name: the erased are in it by their names."""


def create_tables(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, until_ms: int | None) -> None:
    """Make the views of all tables in the schema `hidden`, as the files and the tail have them.

    until_ms  no rows are of a later instant; None: all of them are there
    Raises duckdb.IOException where a file has gone.
    """
    connection.execute(f"create schema {HIDDEN}")
    queries = {table: _until(until_ms, table, _rows(connection, snapshot, table)) for table in TABLES}
    connection.execute(
        f"create table {HIDDEN}.erased (person varchar, shard smallint, record bigint, at_ms bigint, hash varchar)"
    )
    erased = [*_erased(connection, snapshot.erased, queries)]
    if erased:
        connection.executemany(f"insert into {HIDDEN}.erased values (?, ?, ?, ?, ?)", erased)
    for table, query in queries.items():
        connection.execute(f"create view {HIDDEN}.{table} as {_without(table, query) if erased else query}")


def create_views(connection: duckdb.DuckDBPyConnection, *, follow: bool) -> None:
    """Make the views of all tables in which `person` has the name of today.

    follow  whether `hidden.names` has anything to be followed
    """
    for table in TABLES:
        names = [row[0] for row in connection.execute(f"describe {HIDDEN}.{table}").fetchall()]
        then = identifier(free_name(PERSON_THEN, {each.lower() for each in names}))
        if not follow:
            query = f"select *, person as {then} from {HIDDEN}.{table}"
        else:
            time = f"told.{names[0]}"
            query = (
                f"select told.* replace (coalesce(today.person, told.person) as person), told.person as {then}"
                f" from {HIDDEN}.{table} told left join {HIDDEN}.names today"
                f" on today.name = told.person and {time} > today.since and {time} <= today.until"
            )
        connection.execute(f"create view main.{table} as {query}")


def _rows(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, table: FactTable) -> str:
    """The query for all rows of a table."""
    files, tail = snapshot.files.get(table, ()), snapshot.tail.get(table, ())
    there = _columns_in(connection, files)
    columns = {each.name: TYPES[each.kind] for each in COLUMNS[table]}
    if table == "people":
        columns = _people_columns(columns, there)
    parts = []
    if files:
        chosen = ", ".join(
            f"{identifier(name) if name in there else 'null'}::{kind} as {identifier(name)}"
            for name, kind in columns.items()
        )
        parts.append(f"select {chosen} from {_reading(files)}")
    if tail:
        assert table != "people", "no journal has these rows"
        _keep(connection, table, tail)
        parts.append(f"select * from {HIDDEN}.tail_{table}")
    if not parts:
        nothing = ", ".join(f"null::{kind} as {identifier(name)}" for name, kind in columns.items())
        parts.append(f"select {nothing} where false")
    return " union all ".join(parts)


def _until(until_ms: int | None, table: FactTable, query: str) -> str:
    """The rows up to an instant, that instant included."""
    if until_ms is None:
        return query
    return f"select * from ({query}) where {COLUMNS[table][0].name} <= {instant(until_ms)}"


def _keep(connection: duckdb.DuckDBPyConnection, table: FactTable, rows: Sequence[Row]) -> None:
    connection.register("arriving", table_of(table, rows))
    connection.execute(f"create table {HIDDEN}.tail_{table} as select * from arriving")
    connection.unregister("arriving")


def _reading(files: Sequence[Path]) -> str:
    names = ", ".join(literal(str(path)) for path in files)
    return f"read_parquet([{names}], union_by_name = true, hive_partitioning = false)"


def _columns_in(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> dict[str, str]:
    """The columns that any of the files has, with their types."""
    if not files:
        return {}
    return {row[0]: row[1] for row in connection.execute(f"describe select * from {_reading(files)}").fetchall()}


def _people_columns(columns: Mapping[str, str], there: Mapping[str, str]) -> dict[str, str]:
    """With a column for each trait, behind the person."""
    last = {each.name for each in PERSON_HAS} | {"shard", "record", "n"}
    first = {name: kind for name, kind in columns.items() if name not in last}
    traits = {name: kind for name, kind in there.items() if name not in columns}
    return first | traits | {name: kind for name, kind in columns.items() if name in last}


def _erased(
    connection: duckdb.DuckDBPyConnection, erased: Sequence[ErasedRows], queries: Mapping[FactTable, str]
) -> Iterator[tuple[str, int, int, int, str]]:
    """Those of the erased of whom there are rows, by name: only hashes are known, so all names are tried."""
    if not erased:
        return
    told = " union ".join(f"select person from ({query})" for query in queries.values())
    people = [row[0] for row in connection.execute(f"{told} order by person").fetchall() if row[0]]
    for salt in sorted({each.salt for each in erased}):
        names = {person_hash(bytes.fromhex(salt), each).hex(): each for each in people}
        for each in erased:
            if each.salt == salt and each.person in names:
                yield names[each.person], each.shard, each.record, each.at, f"{AUDIT}{each.person}"


def _without(table: FactTable, query: str) -> str:
    """The rows that stay; those of looks with a hash for the name, as the files will have them."""
    time = COLUMNS[table][0].name
    is_hers = (
        "erased.person = told.person and case when told.shard = erased.shard then told.record <= erased.record"
        f" else epoch_ms(told.{time}) <= erased.at_ms end"
    )
    if table != LOOKED_AT:
        return f"select * from ({query}) told where not exists (from {HIDDEN}.erased where {is_hers})"
    hashed = f"(select min(hash) from {HIDDEN}.erased where {is_hers})"
    return f"select told.* replace (coalesce({hashed}, told.person) as person) from ({query}) told"
