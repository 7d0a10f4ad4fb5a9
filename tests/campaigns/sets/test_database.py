"""What a database for one task keeps to itself, and what it leaves to the next one."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from parcours.campaigns.sets.database import Workspace, copy_rows, one_row, opened_database, rows_in
from parcours.errors import StoreBroken

ALL_TABLES = "SELECT count(*) FROM duckdb_tables()"


def workspace_in(folder: Path) -> Workspace:
    return Workspace(folder / "spill", 200_000_000, 1)


def test_a_query_that_takes_long_writes_nothing_where_results_go(tmp_path: Path) -> None:
    with opened_database(workspace_in(tmp_path)) as database:
        assert one_row(database, "SELECT current_setting('enable_progress_bar')") == (False,)


def test_a_task_leaves_neither_tables_nor_memory_to_the_next_one(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path)

    with opened_database(workspace) as first:
        first.execute("CREATE TABLE pool AS SELECT range AS number FROM range(1000000)")

    with opened_database(workspace) as second:
        assert one_row(second, ALL_TABLES) == (0,)
        (held,) = one_row(second, "SELECT sum(memory_usage_bytes) FROM duckdb_memory()")
        assert held < 1_000_000, "a table of eight megabytes is gone"


def test_a_task_within_another_has_tables_of_the_same_names(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path)
    with opened_database(workspace) as outer:
        outer.execute("CREATE TABLE pool AS SELECT 1 AS number")

        with opened_database(workspace) as inner:
            inner.execute("CREATE TABLE pool AS SELECT 2 AS number")

        assert one_row(outer, "SELECT number FROM pool") == (1,)


def test_a_task_that_fails_leaves_nothing_either(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path)
    with pytest.raises(duckdb.ConversionException), opened_database(workspace) as failing:
        failing.execute("CREATE TABLE pool AS SELECT 1 AS number; SELECT 'many'::INTEGER")

    with opened_database(workspace) as next_one:
        assert one_row(next_one, ALL_TABLES) == (0,)


def test_a_task_without_enough_memory_fails_and_a_smaller_one_goes_on(tmp_path: Path) -> None:
    blocked = tmp_path / "a file, so that nothing can be spilled"
    blocked.write_bytes(b"")
    workspace = Workspace(blocked, 20_000_000, 1)
    too_much = "CREATE TABLE pool AS SELECT hash(range)::VARCHAR AS text FROM range(5000000)"
    with pytest.raises(StoreBroken), opened_database(workspace) as too_large:
        too_large.execute(too_much)

    with opened_database(workspace) as small:
        assert one_row(small, "SELECT sum(range) FROM range(1000)") == (499_500,)


def test_once_closed_a_workspace_serves_the_next_task_as_before(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path)
    with opened_database(workspace) as before:
        copy_rows(before, "SELECT 'Zoë' AS person", tmp_path / "people.parquet")

    workspace.close()

    with opened_database(workspace) as after:
        assert one_row(after, f"SELECT person FROM {rows_in(tmp_path / 'people.parquet')}") == ("Zoë",)


def test_times_are_utc_in_every_task(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path)
    for _ in range(2):
        with opened_database(workspace) as database:
            assert one_row(database, "SELECT current_setting('TimeZone')") == ("UTC",)
