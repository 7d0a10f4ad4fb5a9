"""DuckDB for one task: what it may use of the machine, and how names and files are written in its SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from parcours.campaigns.sets.whole_file import whole_file
from parcours.errors import StoreBroken

COPY_OPTIONS: Final = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 102400, USE_TMP_FILE false"
"""Rows in an order are the same bytes with these, whatever the number of threads. A name of its own is given before."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """What one task may use. `spill` is a folder for what does not fit into `memory_bytes`."""

    spill: Path
    memory_bytes: int
    threads: int


@contextmanager
def opened_database(workspace: Workspace) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory, gone after the block. It reads no variable of Python's and loads nothing from elsewhere.

    Raises StoreBroken when memory or disk does not suffice.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "memory_limit": f"{workspace.memory_bytes}B",
        "python_enable_replacements": False,
        "temp_directory": str(workspace.spill),
        "threads": workspace.threads,
    }
    try:
        with duckdb.connect(config=settings) as database:
            database.execute("SET TimeZone = 'UTC'")
            database.execute("SET enable_progress_bar = false")  # it writes to standard output, where results go
            yield database
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise StoreBroken(f"sets of people cannot be computed: {error}") from error


def copy_rows(database: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    """Write what a query gives to the file `path`, whole or not at all; returns how many rows. Raises OSError."""
    with whole_file(path) as unfinished:
        (rows,) = one_row(database, f"COPY ({query}) TO {literal(str(unfinished))} ({COPY_OPTIONS})")
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


def one_row(database: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """The one row that a query gives, with nothing left to fetch."""
    (row,) = database.execute(query).fetchall()
    return row
