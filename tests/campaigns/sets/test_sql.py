"""What rows gives a query, and what can it not do?"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.campaigns.sets.snapshots import cells_of, rows_of

from parcours.campaigns.sets.database import Workspace
from parcours.campaigns.sets.snapshot import Snapshot
from parcours.campaigns.sets.sql import queried_table
from parcours.campaigns.sets.tables import copied_table
from parcours.config import TABLE_BAD_CELLS_MAX
from parcours.errors import StoreBroken, TableRefused

MEMORY_BYTES = 200 * 1024 * 1024

ORDERS = b"customer,total,at\nben,1.50,2026-03-01T08:00:00Z\nann,2.25,2026-03-02T08:00:00Z\nben,3.00,\n,4.00,\n"


@pytest.fixture
def orders(tmp_path: Path) -> Snapshot:
    (tmp_path / "orders.csv").write_bytes(ORDERS)
    columns = {"customer": "string", "total": "decimal(2)", "at": "timestamp"}
    return copied_table("all-orders", tmp_path, "orders.csv", columns, tmp_path / "tables" / "it's orders.parquet")


def queried(
    orders: Snapshot,
    sql: str,
    columns: Mapping[str, str],
    memory_bytes: int = MEMORY_BYTES,
    bad_cells_max: float = TABLE_BAD_CELLS_MAX,
) -> Snapshot:
    folder = orders.file.parent.parent
    workspace = Workspace(folder / "spill", memory_bytes, 2)
    path = folder / "run" / "regulars.parquet"
    return queried_table("regulars", sql, [orders], columns, path, workspace, bad_cells_max)


def reason(orders: Snapshot, sql: str, columns: Mapping[str, str]) -> str:
    with pytest.raises(TableRefused) as refused:
        queried(orders, sql, columns)
    assert not list(orders.file.parent.parent.glob("run/*"))
    return str(refused.value)


def test_a_query_reads_other_tables_and_gives_rows_in_the_order_of_all_columns(orders: Snapshot) -> None:
    sql = 'select sum(total) as spent, count(*) as n, customer from "all-orders" group by customer order by n desc'

    snapshot = queried(orders, sql, {"customer": "string", "n": "integer", "spent": "decimal(2)"})

    assert rows_of(snapshot)[1] == {
        "row_number": 2,
        "file": "",
        "line": 2,
        "row_key": "000000000002",
        "cells": {"customer": "ann", "n": 1, "spent": Decimal("2.25")},
    }
    assert cells_of(snapshot) == [
        (None, 1, Decimal("4.00")),
        ("ann", 1, Decimal("2.25")),
        ("ben", 2, Decimal("4.50")),
    ]
    assert (snapshot.table, snapshot.rows, snapshot.bad) == ("regulars", 3, {})


@pytest.mark.parametrize(
    "sql",
    [
        "select 'a;b' as x -- one; two",
        "select 'a;b' as x; -- one; two",
        "with it as (select 'a;b' as x) select * from it;",
        "/* ä; */ select 'a;b' as X  ;  ",
    ],
)
def test_a_query_may_end_and_be_explained_as_in_any_file_of_sql(orders: Snapshot, sql: str) -> None:
    assert cells_of(queried(orders, sql, {"x": "string"})) == [("a;b",)]


def test_columns_may_have_any_name(orders: Snapshot) -> None:
    folder = orders.file.parent.parent
    (folder / "odd.csv").write_text('"a.b","say ""x""",order\n1,2,3\n')
    columns = {"a.b": "integer", 'say "x"': "integer", "order": "integer"}
    odd = copied_table("odd", folder, "odd.csv", columns, folder / "tables" / "odd.parquet")

    assert cells_of(queried(odd, 'select *, "a.b" + "say ""x""" as sum from odd', columns | {"sum": "integer"})) == [
        (1, 2, 3, 3)
    ]


def test_sums_of_integers_are_integers(orders: Snapshot) -> None:
    sql = 'select sum(1) as s, sum(9223372036854775807) as t, avg(total) as mean from "all-orders"'

    snapshot = queried(orders, sql, {"s": "integer", "t": "integer", "mean": "number"}, bad_cells_max=1)

    assert cells_of(snapshot) == [(4, None, 2.6875)]
    assert snapshot.bad == {"t": 1}


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 as x; select 2 as x",
        "create table it as select 1 as x",
        "copy (select 1 as x) to 'out.csv'",
        "insert into \"all-orders\" values ('a', 1)",
        "attach 'other.db'",
        "set threads = 2",
        "install httpfs",
        "pragma version",
        "explain select 1 as x",
        "",
        ";",
    ],
)
def test_what_is_not_one_select_is_refused(orders: Snapshot, sql: str) -> None:
    assert reason(orders, sql, {"x": "string"}) == "table 'regulars': a query is one SELECT"


@pytest.mark.parametrize(
    "source",
    [
        "read_text('{secret}')",
        "read_csv('{secret}')",
        "read_blob('{secret}')",
        "glob('{folder}/*')",
        "'{secret}'",
        "'{folder}/spare.parquet'",
        "read_parquet('{folder}/spare.parquet')",
        "parquet_metadata('{folder}/spare.parquet')",
        "read_csv('https://tables.example/x.csv')",
        "read_parquet('s3://tables/x.parquet')",
        "sqlite_scan('{secret}', 'x')",
        "columns",  # a variable where the query is run
    ],
)
def test_a_query_reads_no_file_network_or_variable(orders: Snapshot, source: str) -> None:
    folder = orders.file.parent.parent
    (folder / "secret.csv").write_text("x\nhidden\n")
    (folder / "spare.parquet").write_bytes(orders.file.read_bytes())

    told = reason(
        orders, f"select 'x' as x from {source.format(secret=folder / 'secret.csv', folder=folder)}", {"x": "string"}
    )

    assert "Cannot access file" in told or "Catalog Error" in told
    assert "hidden" not in told


def test_a_query_is_run_under_settings_that_nothing_changes_any_more(orders: Snapshot) -> None:
    sql = "select current_setting('lock_configuration') as locked, current_setting('enable_external_access') as open"

    assert cells_of(queried(orders, sql, {"locked": "boolean", "open": "boolean"})) == [(True, False)]


@pytest.mark.parametrize(
    "value, name",
    [
        ("now()", "now"),
        ("CURRENT_DATE", "current_date"),
        ("current_timestamp", "current_timestamp"),
        ("localtime", "localtime"),
        ("Random()", "random"),
        ("(select max(uuid()) from range(3))", "uuid"),
        ("(select count(*) from query('select now()'))", "query"),
        ('(select count(*) from "all-orders" tablesample 50%)', "random"),
        ("(select count(*) from (select 1 using sample 1))", "random"),
    ],
)
def test_a_query_asks_neither_clock_nor_chance(orders: Snapshot, value: str, name: str) -> None:
    told = reason(orders, f"select {value}::varchar as x", {"x": "string"})

    assert told == f"table 'regulars': {name} in a query would give other rows another time"


@pytest.mark.parametrize(
    "sql, columns, told",
    [
        ("select 1 as m", {"n": "integer"}, "its query gives no column 'n', did you mean"),
        ("select 1 as numbr", {"number": "integer"}, "its query gives no column 'number', did you mean 'numbr'?"),
        ("select 1.5 as n", {"n": "integer"}, "column 'n' of its query is decimal(1), and not integer"),
        ("select 1 as n", {"n": "string"}, "column 'n' of its query is integer, and not string"),
        ("select [1] as n", {"n": "string"}, "column 'n' of its query is 'list<l: int32>', and not string"),
        ("select from", {"n": "integer"}, "Parser Error: "),
        ("select nobody as n", {"n": "integer"}, "Binder Error: "),
        ("select total as n from orders", {"n": "integer"}, "Catalog Error: Table with name orders does not exist!"),
        ('select customer::int as n from "all-orders"', {"n": "integer"}, "Conversion Error: "),
    ],
)
def test_what_is_wrong_with_a_query_is_told(orders: Snapshot, sql: str, columns: Mapping[str, str], told: str) -> None:
    assert reason(orders, sql, columns).startswith(f"table 'regulars': {told.partition(', did you mean')[0]}")


def test_values_that_do_not_fit_are_counted_and_refused(orders: Snapshot) -> None:
    sql = "select case when i < 2 then 'NaN'::double when i = 2 then 'inf'::double else i end as n from range(40) t(i)"

    assert reason(orders, sql, {"n": "number"}) == (
        "table 'regulars': 1 of 38 cells of column 'n' do not fit number, the first in row 38"
    )
    assert queried(orders, sql, {"n": "number"}, bad_cells_max=0.1).bad == {"n": 1}


def test_sums_of_doubles_and_lists_are_the_same_bytes_each_time(orders: Snapshot) -> None:
    sql = (
        "select i % 7 as k, sum(1.0::double / (i + 1)) as s, string_agg(i::varchar, ' ') as l"
        " from range(200000) t(i) group by k"
    )

    hashes = {queried(orders, sql, {"k": "integer", "s": "number", "l": "string"}).hash for _ in range(3)}

    assert len(hashes) == 1


def test_what_does_not_fit_into_memory_is_spilled(orders: Snapshot) -> None:
    sql = "select i::integer as i, md5(i::varchar) as t from range(400000) t(i) order by t"
    columns = {"t": "string", "i": "integer"}

    small = queried(orders, sql, columns, memory_bytes=32 * 1024 * 1024)

    texts = pq.read_table(small.file)["cells"].combine_chunks().field("t").to_pylist()
    assert len(texts) == 400_000
    assert texts == sorted(texts)


def test_a_query_that_needs_more_memory_than_there_is_is_no_fault_of_a_table(orders: Snapshot) -> None:
    with pytest.raises(StoreBroken, match="sets of people cannot be computed: Out of Memory"):
        queried(orders, "select string_agg(repeat('x', 1000), '') as t from range(100000)", {"t": "string"}, 20_000_000)


def test_a_query_of_no_rows_is_a_table(orders: Snapshot) -> None:
    assert rows_of(queried(orders, 'select customer from "all-orders" where false', {"customer": "string"})) == []
