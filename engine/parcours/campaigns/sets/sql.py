"""What rows gives a query of tables.yaml? It is one SELECT over copies of other tables, and need not be trusted.

The database can open the copies of the tables that the query names, and no other file, no network and no extension, and
its settings are locked before it sees the query. The same copies give the same bytes: one thread computes the query, so
that sums of doubles and lists come in the order of rows, what asks a clock or chance is refused, and the rows are in
the order of all declared columns, missing ones first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb
import pyarrow as pa

from parcours.campaigns.sets.batches import BATCH_ROWS, Batch
from parcours.campaigns.sets.database import Database, Workspace, identifier, literal, one_row, opened_database, rows_in
from parcours.campaigns.sets.fitting import arrow_type, fits_type, fitted_array, type_words
from parcours.campaigns.sets.snapshot import Snapshot, write_snapshot
from parcours.config import TABLE_BAD_CELLS_MAX
from parcours.errors import TableRefused
from parcours.wording import bounded, nearest, quoted

REASON_CHARACTERS_MAX: Final = 500
"""Of what DuckDB has against a query: it shows the place."""

FAULT_MEMORY_BYTES: Final = 256_000_000
"""For looking at a query, which computes nothing."""

_RESULT: Final = identifier("the rows")
"""No table is called so, since its name would have no blank."""

_CLOCKS: Final = frozenset(
    {
        "age", "current_date", "current_localtime", "current_localtimestamp", "current_time", "current_timestamp",
        "get_current_time", "get_current_timestamp", "localtime", "localtimestamp", "now", "today",
        "transaction_timestamp", "txid_current",
    }
)  # fmt: skip
_UNSEEN: Final = frozenset({"query", "query_table"})
"""Functions that run SQL made of texts, in which nobody sees what is asked."""


def queried_table(
    table: str,
    sql: str,
    sources: Sequence[Snapshot],
    columns: Mapping[str, str],
    path: Path,
    workspace: Workspace,
    bad_cells_max: float = TABLE_BAD_CELLS_MAX,
    *,
    lasting: bool = True,
) -> Snapshot:
    """Run a query and write its rows to the file `path`, whole or not at all.

    sources  the tables that it may read, by their names and with their declared columns; money is DECIMAL(38, N)
    columns  the declared kinds of its result, by name; a column that is not declared is left out
    lasting  whether the file is read again and again
    Raises TableRefused with the table and what is wrong, StoreBroken when memory does not suffice, and OSError.
    """
    with _alone(workspace) as database:
        try:
            query = _one_select(database, sql)
            _open_to(database, sources)
            _run(database, query, columns)
        except (duckdb.IOException, duckdb.OutOfMemoryException):
            raise
        except duckdb.Error as error:
            raise TableRefused(f"table {quoted(table)}: {bounded(str(error), REASON_CHARACTERS_MAX)}") from error
        except ValueError as error:
            raise TableRefused(f"table {quoted(table)}: {error}") from error
        batches = (("", batch) for batch in _batches(database, table, columns))
        durable = workspace.durable and lasting
        return write_snapshot(table, columns, path, batches, bad_cells_max, durable=durable, lasting=lasting)


def query_fault(sql: str, sources: Mapping[str, Mapping[str, str]], columns: Mapping[str, str]) -> str | None:
    """Why `queried_table` would refuse a query whatever rows its sources have; None for one that may run.

    sources  the declared kinds of the columns of each table that it may read, by their names
    columns  the declared kinds of its result
    """
    with (
        TemporaryDirectory() as spill,
        _alone(Workspace(Path(spill), FAULT_MEMORY_BYTES, threads=1)) as database,
    ):
        try:
            query = _one_select(database, sql)
            database.execute("SET enable_external_access = false")
            for name, kinds in sources.items():
                fields = [(column, arrow_type(kind)) for column, kind in kinds.items()]
                database.register(name, pa.schema(fields).empty_table())
            database.execute("SET lock_configuration = true")
            _bind(database, query, columns)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            return bounded(" ".join(str(error).split()), REASON_CHARACTERS_MAX)
        except ValueError as error:
            return str(error)
    return None


@contextmanager
def _alone(workspace: Workspace) -> Iterator[Database]:
    """A database of one thread in a DuckDB of its own, whose settings can be locked."""
    own = replace(workspace, threads=1)
    try:
        with opened_database(own) as database:
            yield database
    finally:
        own.close()


def _one_select(database: Database, sql: str) -> str:
    """The query without a semicolon at its end. Raises ValueError for what is no query that may run."""
    statements = database.connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ValueError("a query is one SELECT")
    parsed = json.loads(one_row(database, f"SELECT json_serialize_sql({literal(sql)})")[0])
    if parsed["error"]:
        raise ValueError(f"a query is one SELECT: {parsed['error_message']}")
    volatile = database.execute("SELECT function_name FROM duckdb_functions() WHERE stability = 'VOLATILE'").fetchall()
    refused = {*_CLOCKS, *_UNSEEN, *(name for (name,) in volatile)}
    for name in _asked(parsed):
        if name in refused:
            raise ValueError(f"{name} in a query would give other rows another time")
    text = sql.encode()
    ends = [at for at, kind in duckdb.tokenize(sql) if kind == duckdb.token_type.operator and text[at : at + 1] == b";"]
    return text[: ends[0]].decode() if ends else sql


def _asked(parsed: object) -> Iterator[str]:
    """The functions of a query as DuckDB has parsed it, and names that may be of a clock; samples are by chance."""
    if isinstance(parsed, dict):
        for key, value in parsed.items():
            if key == "function_name":
                yield str(value).lower()
            elif key == "column_names" and len(value) == 1 and str(value[0]).lower().startswith(("current_", "local")):
                yield str(value[0]).lower()
            elif key == "sample" and value is not None:
                yield "random"
            yield from _asked(value)
    elif isinstance(parsed, list):
        for each in parsed:
            yield from _asked(each)


def _open_to(database: Database, sources: Sequence[Snapshot]) -> None:
    """Let the database see these tables, and nothing else from now on."""
    files = ", ".join(literal(str(source.file)) for source in sources)
    database.execute(f"SET allowed_paths = [{files}]")
    database.execute("SET enable_external_access = false")
    for source in sources:
        names = ", ".join(f"cells.{identifier(name)} AS {identifier(name)}" for name in source.columns)
        database.execute(f"CREATE VIEW {identifier(source.table)} AS SELECT {names} FROM {rows_in(source.file)}")
    database.execute("SET lock_configuration = true")


def _run(database: Database, query: str, columns: Mapping[str, str]) -> None:
    """Keep the declared columns of the result. Raises ValueError for one that it has not."""
    _bind(database, query, columns)
    names = ", ".join(f"{identifier(name)} AS {identifier(name)}" for name in columns)
    database.execute(f"CREATE TABLE {_RESULT} AS SELECT {names} FROM (\n{query}\n)")


def _bind(database: Database, query: str, columns: Mapping[str, str]) -> None:
    """Look up whatever the query names. Raises ValueError for a declared column that its result has not."""
    found = database.sql(query).columns
    known = {name.lower() for name in found}
    for column in columns:
        if column.lower() not in known:
            raise ValueError(f"its query gives no column {quoted(column)}{nearest(column, found)}")


def _batches(database: Database, table: str, columns: Mapping[str, str]) -> Iterator[Batch]:
    order = ", ".join(f"{identifier(name)} ASC NULLS FIRST" for name in columns)
    reader: Any = database.sql(f"SELECT * FROM {_RESULT} ORDER BY {order}").to_arrow_reader(BATCH_ROWS)
    for field, (column, kind) in zip(reader.schema, columns.items(), strict=True):
        if not fits_type(kind, field.type):
            reason = f"column {quoted(column)} of its query is {type_words(field.type)}, and not {kind}"
            raise TableRefused(f"table {quoted(table)}: {reason}")
    first = 1
    for batch in reader:
        fitted = {name: fitted_array(kind, batch.column(at)) for at, (name, kind) in enumerate(columns.items())}
        yield Batch(range(first, first + batch.num_rows), fitted)
        first += batch.num_rows
