"""DuckDB for the tasks of one run: what it may use of the machine, and how names and files are written in its SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb

from parcours.campaigns.sets.whole_file import whole_file
from parcours.errors import StoreBroken

COPY_OPTIONS: Final = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 102400, USE_TMP_FILE false"
"""Rows in an order are the same bytes with these, whatever the number of threads. A name of its own is given before."""


SCRATCH_OPTIONS: Final = COPY_OPTIONS.replace("zstd", "snappy")


@dataclass(slots=True)
class Workspace:
    """What tasks may use, which are done one within the other or one after the other: they share DuckDB's memory.

    spill    a folder for what does not fit into `memory_bytes`
    durable  whether files that are written outlive a crash of the machine
    """

    spill: Path
    memory_bytes: int
    threads: int
    durable: bool = True
    _instance: duckdb.DuckDBPyConnection | None = field(default=None, init=False, repr=False, compare=False)
    _opened: int = field(default=0, init=False, repr=False, compare=False)

    def instance(self) -> duckdb.DuckDBPyConnection:
        """DuckDB with these bounds, which is started at its first use: that takes longer than most small tasks."""
        if self._instance is None:
            self._instance = duckdb.connect(config=self._settings())
            self._instance.execute("SET GLOBAL TimeZone = 'UTC'")
        return self._instance

    def _settings(self) -> dict[str, str | bool | int | float | list[str]]:
        """It reads no variable of Python's and loads nothing from elsewhere."""
        return {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "memory_limit": f"{self.memory_bytes}B",
            "python_enable_replacements": False,
            "temp_directory": str(self.spill),
            "threads": self.threads,
        }

    def new_name(self) -> str:
        """What no database has been called yet."""
        self._opened += 1
        return f"task{self._opened}"

    def close(self) -> None:
        """Give back what DuckDB holds; the next task starts it again."""
        if self._instance is not None:
            self._instance.close()
            self._instance = None


class Database:
    """A database in memory for one task."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, durable: bool) -> None:
        self.connection = connection
        self.durable = durable

    def execute(self, query: str, values: Sequence[object] | None = None) -> duckdb.DuckDBPyConnection:
        return self.connection.execute(query, values)

    def sql(self, query: str) -> duckdb.DuckDBPyRelation:
        return self.connection.sql(query)

    def register(self, name: str, rows: object) -> None:
        """Let Arrow's rows be a table of this name."""
        self.connection.register(name, rows)

    def unregister(self, name: str) -> None:
        self.connection.unregister(name)


@contextmanager
def opened_database(workspace: Workspace) -> Iterator[Database]:
    """A database in memory, gone after the block. Within it others may be opened, which do not see it.

    Raises StoreBroken when memory or disk does not suffice.
    """
    try:
        instance, name = workspace.instance(), workspace.new_name()
        try:
            with instance.cursor() as connection:
                connection.execute(f"ATTACH ':memory:' AS {name}")
                connection.execute(f"USE {name}")
                connection.execute("SET enable_progress_bar = false")  # it writes to standard output
                yield Database(connection, durable=workspace.durable)
        finally:
            instance.execute(f"DETACH DATABASE IF EXISTS {name}")
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise StoreBroken(f"sets of people cannot be computed: {error}") from error


def copy_rows(database: Database, query: str, path: Path, *, lasting: bool = True) -> int:
    """Write what a query gives to the file `path`, whole or not at all; returns how many rows.

    lasting  whether anybody needs the file once the step is made; else it is neither made durable nor compressed well
    Raises OSError.
    """
    with whole_file(path, durable=database.durable and lasting) as unfinished:
        options = COPY_OPTIONS if lasting else SCRATCH_OPTIONS
        (rows,) = one_row(database, f"COPY ({query}) TO {literal(str(unfinished))} ({options})")
    return int(rows)


def identifier(name: str) -> str:
    """A name in SQL, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def rows_in(path: Path) -> str:
    """The rows of a Parquet file, as a table in SQL."""
    return f"read_parquet({literal(str(path))})"


def literal(text: str) -> str:
    """A text in SQL, whatever it holds."""
    return "'" + text.replace("'", "''") + "'"


def one_row(database: Database, query: str) -> tuple[Any, ...]:
    """The one row that a query gives, with nothing left to fetch."""
    (row,) = database.execute(query).fetchall()
    return row
