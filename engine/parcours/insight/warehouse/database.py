"""DuckDB in memory with all views over a folder of facts, locked: it opens their files, and nothing else ever again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from parcours.config import Settings
from parcours.core.known_words import LEFT_OUT, known_code, known_part
from parcours.insight.warehouse.event_views import event_views
from parcours.insight.warehouse.names import KNOWN_CODE, KNOWN_PART, identifier, literal
from parcours.insight.warehouse.offer_views import LOOKED_OFFERS, create_kept
from parcours.insight.warehouse.snapshot import Snapshot
from parcours.insight.warehouse.table_views import HIDDEN, create_tables, create_views
from parcours.insight.warehouse.viewed import Viewed
from parcours.insight.warehouse.visits import visits_view

QUERIES: Final = Path(__file__).parent.parent / "queries"
"""The queries of views, a file each."""

VIEWS: Final = (
    "decisions", "propositions", "proposition_states", "touches", "runs", "steps", "delivery_states",
)  # fmt: skip
"""The views that have one, beside those of tables, events, visits and looked offers."""


@dataclass(frozen=True, slots=True)
class Database:
    """
    views  the names of all views, in lower case
    """

    connection: duckdb.DuckDBPyConnection
    views: frozenset[str]


def open_database(snapshot: Snapshot, viewed: Viewed, settings: Settings, spill: Path) -> Database:
    """The views over what the snapshot has. `spill`: a folder for what does not fit into memory, only for this.

    Raises duckdb.IOException where a file has gone.
    """
    connection = duckdb.connect(config=_settings(settings, spill))
    try:
        _fill(connection, snapshot, viewed, settings)
        found = connection.execute("select view_name from duckdb_views() where schema_name = 'main' and not internal")
        views = frozenset(name.lower() for (name,) in found.fetchall())
        _lock(connection, [path for paths in snapshot.files.values() for path in paths])
    except BaseException:
        connection.close()
        raise
    return Database(connection, views)


def _settings(settings: Settings, spill: Path) -> dict[str, Any]:
    """It reads no variable of Python's and loads nothing from elsewhere."""
    return {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "memory_limit": f"{settings.warehouse_memory_bytes}B",
        "python_enable_replacements": False,
        "temp_directory": str(spill),
        "threads": settings.warehouse_threads,
    }


def _fill(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, viewed: Viewed, settings: Settings) -> None:
    connection.create_function(KNOWN_PART, known_part, ["VARCHAR"], "VARCHAR")
    connection.create_function(KNOWN_CODE, lambda code: known_code(code) or LEFT_OUT, ["VARCHAR"], "VARCHAR")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # it writes to standard output; cursors have it from here
    create_tables(connection, snapshot, viewed.until_ms)
    connection.execute(f"create table {HIDDEN}.viewed as select {literal(viewed.follow)} as follow")
    connection.execute(
        f"create table {HIDDEN}.names (name varchar, since timestamptz, until timestamptz, person varchar)"
    )
    if viewed.follow != "none":
        connection.execute(f"insert into {HIDDEN}.names {_query('names')}")
    ((merges,),) = connection.execute(f"select count(*) from {HIDDEN}.names").fetchall()
    create_views(connection, follow=merges > 0)
    connection.execute(f"create view {HIDDEN}.run_moves as {_query('run_moves')}")
    connection.execute(f"create view main.visits as {visits_view(viewed)}")
    known = [each for each in (snapshot.as_of_ms, viewed.until_ms) if each is not None]
    create_kept(connection, min(known, default=None), settings)
    for name in VIEWS:
        connection.execute(f"create view main.{name} as {_query(name)}")
    connection.execute(f"create view main.looked_offers as {LOOKED_OFFERS}")
    for name, query in event_views(viewed.events):
        connection.execute(f"create view main.{identifier(name)} as {query}")


def _query(name: str) -> str:
    return (QUERIES / f"{name}.sql").read_text(encoding="utf-8")


def _lock(connection: duckdb.DuckDBPyConnection, files: Iterable[Path]) -> None:
    names = ", ".join(literal(str(path)) for path in files)
    connection.execute(f"SET GLOBAL allowed_paths = [{names}]")
    connection.execute("SET GLOBAL enable_external_access = false")
    connection.execute("SET GLOBAL lock_configuration = true")
