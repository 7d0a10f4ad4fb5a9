"""What is not the same on Daft, and is refused: each case as Daft has it, and as our engine says it; and its faults.

Where Daft comes to do one of them right, its first assertion fails here, and the refusal has become needless.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.campaigns.sets.engines import set_engine
from tests.campaigns.sets.plain_sets import PlainSet, PlainTable

from parcours.campaigns.sets.engine import Aggregated, Criterion, Enrichment, TableColumn, Values
from parcours.errors import SetsRefused, StoreBroken, TableRefused

ANNA, BEA = ("anna", ""), ("bea", "")

MONEY = pa.decimal128(38, 2)


def written(folder: Path, **columns: Any) -> Path:
    path = folder / "some.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def test_a_path_is_a_pattern(tmp_path: Path) -> None:
    from daft import read_parquet

    asked = written(tmp_path / "shop?", a=[1])
    written(tmp_path / "shops", a=[2])

    assert sorted(read_parquet(str(asked)).to_pydict()["a"]) == [1, 2]


def test_a_field_may_be_called_what_daft_takes_for_all_fields(tmp_path: Path) -> None:
    from daft import col, read_parquet

    path = written(tmp_path, cells=[{"*": 1, "price": 2}])

    assert read_parquet(str(path)).select(col("cells")["*"].alias("a")).to_pydict()["a"] != [1]


def test_a_sum_of_decimals_begins_again_at_the_other_end(tmp_path: Path) -> None:
    from daft import col, read_parquet

    prices = [Decimal(9 * 10**35), Decimal(9 * 10**35)]
    path = written(tmp_path, whose=["anna"] * 2, price=pa.array(prices, MONEY))
    (total,) = read_parquet(str(path)).groupby("whose").agg(col("price").sum()).to_pydict()["price"]
    assert total < 0

    table, links = PlainTable(
        [{"price": Decimal(6 * 10**34)}, {"price": Decimal(6 * 10**34)}], {"price": MONEY}, [("anna", 1), ("anna", 2)]
    ).write(tmp_path)
    anna = PlainSet({ANNA: {}}).write(tmp_path / "anna.parquet")
    spent = [Enrichment("spent", table, links, Aggregated("sum", TableColumn("price")))]

    set_engine("duckdb", tmp_path).enrich(anna, spent, tmp_path / "duckdb")
    with pytest.raises(TableRefused, match=r"'spent' .* beyond 37 digits a sum of Daft's is wrong without a word"):
        set_engine("daft", tmp_path).enrich(anna, spent, tmp_path / "daft")

    assert pq.read_table(tmp_path / "duckdb" / "main.parquet").column("spent").to_pylist() == [Decimal(12 * 10**34)]
    assert not (tmp_path / "daft").exists()


def test_within_lists_values_that_do_not_fit_are_lost(tmp_path: Path) -> None:
    from daft import DataType, col, read_parquet

    path = written(tmp_path, prices=pa.array([[10**18]], pa.list_(pa.int64())))
    as_decimals = col("prices").cast(DataType.list(DataType.decimal128(38, 30)))
    assert read_parquet(str(path)).select(as_decimals).to_pydict()["prices"] == [[None]]

    whole, money = pa.list_(pa.struct([("price", pa.int64())])), pa.list_(pa.struct([("price", MONEY)]))
    sets = [
        PlainSet({ANNA: {"wishes": [{"price": 3}]}}, {"wishes": whole}).write(tmp_path / "a.parquet"),
        PlainSet({BEA: {"wishes": [{"price": Decimal("0.10")}]}}, {"wishes": money}).write(tmp_path / "b.parquet"),
    ]
    by: list[list[Criterion]] = [["person"], ["person"]]

    set_engine("duckdb", tmp_path).union(sets, by, tmp_path / "duckdb")
    with pytest.raises(SetsRefused, match=r"the lists of the column 'wishes' have values of several kinds"):
        set_engine("daft", tmp_path).union(sets, by, tmp_path / "daft")

    assert pq.read_table(tmp_path / "duckdb" / "main.parquet").num_rows == 2
    assert not [*(tmp_path / "daft").glob("*")]


def test_what_cannot_be_read_is_a_trouble_of_the_store(tmp_path: Path) -> None:
    anna = PlainSet({ANNA: {}}).write(tmp_path / "anna.parquet")
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1, and nothing that follows from it")
    sets = set_engine("daft", tmp_path)

    for file in (tmp_path / "nowhere.parquet", broken):
        with pytest.raises(StoreBroken, match="sets of people cannot be computed: .*"):
            sets.filter(anna, Values(file, "holds", by_row=False), tmp_path / "out")

    assert not [*(tmp_path / "out").glob("*")]
