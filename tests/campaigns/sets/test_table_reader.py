"""What is told of tables before a campaign runs: columns of packed files, and queries that would be refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from parcours.campaigns.sets.database import Workspace
from parcours.campaigns.sets.sql import queried_table
from parcours.campaigns.sets.table_reader import LibraryTables
from parcours.campaigns.sets.tables import copied_table
from parcours.errors import TableRefused
from parcours.journey.read.table_rows import Unreadable

SOURCES = {"orders": {"customer": "string", "total": "decimal(2)", "at": "timestamp"}}
RESULT = {"customer": "string", "n": "integer"}


def packed(path: Path, content: bytes) -> Path:
    with pa.output_stream(str(path), compression="detect") as file:
        file.write(content)
    return path


@pytest.mark.parametrize("suffix", ["zst", "gz"])
def test_packed_texts_have_columns_without_types(tmp_path: Path, suffix: str) -> None:
    rows = packed(tmp_path / f"a.csv.{suffix}", b"\xef\xbb\xbftown,phone\nTours,+33\n")
    objects = packed(tmp_path / f"a.ndjson.{suffix}", b'{"town": "Tours"}\n\n{"phone": "+33"}\n')

    assert LibraryTables().columns_of(rows) == {"town": None, "phone": None}
    assert LibraryTables().columns_of(objects) == {"town": None, "phone": None}


@pytest.mark.parametrize("name", ["a.parquet", "a.parquet.zst"])
def test_columns_of_parquet_have_their_types_in_the_words_of_tables_yaml(tmp_path: Path, name: str) -> None:
    whole = pa.array([Decimal(1)], pa.decimal128(10, 0))
    columns = {
        "town": pa.array(["a"]).dictionary_encode(),
        "n": pa.array([1]),
        "whole": whole,
        "price": pa.array([Decimal("1.5000")]),
        "score": pa.array([1.5]),
        "list": pa.array([[1]]),
    }
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)

    found = LibraryTables().columns_of(packed(tmp_path / name, sink.getvalue().to_pybytes()))

    assert {key: found[key] for key in ("town", "n", "whole", "price", "score")} == {
        "town": "string",
        "n": "integer",
        "whole": "integer",
        "price": "decimal(4)",
        "score": "number",
    }
    assert "list" in str(found["list"])


@pytest.mark.parametrize("name", ["a.parquet", "a.csv.zst"])
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"nothing of the kind")

    with pytest.raises((OSError, Unreadable), match="."):
        LibraryTables().columns_of(tmp_path / name)


FAULTS = [
    ("select customer, count(*) as n from orders group by 1", None),
    ("with few as (select customer, 1 as n from ORDERS) select * from few", None),
    # whose columns only its rows would tell
    ("pivot orders on customer using count(*)", "a query is one SELECT"),
    ("select customer, 1 as n from oders", "Table with name oders does not exist! Did you mean"),
    ("select customer, 1 as n from orders join stores using (customer)", "Table with name stores does not exist!"),
    ("select custmer as customer, 1 as n from orders", 'column "custmer" not found'),
    ("select customer from orders", "its query gives no column 'n'"),
    ("select customer, 1 as n from read_csv('orders.csv')", "Cannot access file"),
    ("select customer, random() as n from orders", "random in a query would give other rows another time"),
    ("select customer, 1 as n from orders; drop table orders", "a query is one SELECT"),
    ("select customer from from orders", "syntax error"),
]


@pytest.mark.parametrize("sql, fault", FAULTS)
def test_a_query_that_would_be_refused_is_told_before_it_runs(sql: str, fault: str | None) -> None:
    found = LibraryTables().fault_of(sql, SOURCES, RESULT)

    assert found is None if fault is None else found is not None and fault in found


@pytest.mark.parametrize("sql", [sql for sql, fault in FAULTS if fault is not None])
def test_what_is_told_of_is_refused_when_it_runs(tmp_path: Path, sql: str) -> None:
    (tmp_path / "orders.csv").write_text("customer,total,at\nann,1.00,2026-03-01T08:00:00Z\n")
    orders = copied_table("orders", tmp_path, "orders.csv", SOURCES["orders"], tmp_path / "run/orders.parquet")
    workspace = Workspace(tmp_path / "spill", 200_000_000, 1)

    with pytest.raises(TableRefused):
        queried_table("regulars", sql, [orders], RESULT, tmp_path / "run/regulars.parquet", workspace)
