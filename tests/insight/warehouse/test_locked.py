"""Is a query able to do nothing but read the views?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.insight.warehouse.rows import Journal, asked

from parcours.config import MIB, Settings
from parcours.errors import CallerError
from parcours.insight.warehouse.viewed import Viewed
from parcours.insight.warehouse.warehouse import Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    journal = Journal()
    journal.event(0, "sarah", "Seen", page="home")
    with journal.warehouse(tmp_path, Viewed({"a/b.c": {}})) as opened:
        yield opened


@pytest.mark.parametrize(
    "query",
    [
        "select count(*) from events",
        "from events",
        "with few as (select person from events) select * from few",
        "values (1), (2)",
        "show tables",
        "describe moves",
        "summarize events",
        "select * from main.events, range(3), (select unnest([1, 2]))",
        'select * from "events_a/b.c"',
        "select table_name from information_schema.tables",
        "select person from events union all select person from moves order by person",
        "select key, value from events, json_each(properties)",
    ],
)
def test_whatever_reads_the_views_is_answered(warehouse: Warehouse, query: str) -> None:
    assert asked(warehouse, query) is not None


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from 'other.parquet'",
        "from read_text('/etc/passwd')",
        "select (select content from read_text('/etc/passwd'))",
        "with a as (from glob('/etc/*')) from a",
        "select * from query('select 1')",
        "select * from hidden.events",
        "select * from memory.hidden.erased",
        "select * from pg_catalog.pg_views",
        "describe hidden.erased",
        "select * from duckdb_settings()",
        "attach '/tmp/other.db'",
        "attach ':memory:' as other",
        "copy events to '/tmp/stolen.csv'",
        "copy (select 1) to '/tmp/stolen.csv'",
        "install httpfs",
        "load httpfs",
        "set threads = 9",
        "set enable_external_access = true",
        "reset lock_configuration",
        "set variable visit_pause_ms = 1",
        "pragma database_list",
        "create table mine as select 1",
        "drop view events",
        "export database '/tmp/stolen'",
        "insert into hidden.erased values ('sarah', 0, 9, 9, '')",
        "call pragma_version()",
        "select 1; select 2",
        "explain analyze select 1",
        "",
        "   -- nothing",
        "selec 1",
        "select nobody from events",
        "select * from nowhere",
    ],
)
def test_everything_else_is_refused(warehouse: Warehouse, query: str) -> None:
    with pytest.raises(CallerError):
        warehouse.sql(query)

    assert asked(warehouse, "select person from events") == [("sarah",)]


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_parquet('{other}')",
        "select * from '{other}'",
        "copy (select 1) to '{other}'",
        "attach '{other}' as other",
        "install httpfs",
        "load httpfs",
        "set threads = 9",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
    ],
)
def test_duckdb_itself_opens_no_file_and_takes_no_setting_even_where_a_query_slips_through(
    warehouse: Warehouse, query: str, tmp_path: Path
) -> None:
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"secret": [1]}), other)
    before = other.read_bytes()

    with pytest.raises(duckdb.Error):
        warehouse.asking(lambda database: database.connection.execute(query.format(other=other)).fetchall())

    assert other.read_bytes() == before


def test_a_mistake_that_shows_in_the_rows_only_is_told_as_the_callers(warehouse: Warehouse) -> None:
    with pytest.raises(CallerError, match="Could not convert"):
        asked(warehouse, "select person::integer from events")


def test_what_does_not_fit_into_the_memory_lies_on_disk_until_the_warehouse_is_closed(tmp_path: Path) -> None:
    sorted_rows = "select r.range, repeat('x', 100) || r.range from range(1500000) r order by 2"  # about 170 MB

    with Warehouse(tmp_path / "facts", Viewed(), Settings(warehouse_memory_bytes=64 * MIB), Journal().tail()) as opened:
        answer = opened.sql(sorted_rows)
        spill = Path(opened._spill.name)
        assert any(spill.iterdir())
        assert sum(map(len, answer.rows)) == 1_500_000

    assert not spill.exists()
