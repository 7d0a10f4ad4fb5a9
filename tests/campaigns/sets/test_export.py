"""What do others read of a set?"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from parcours.campaigns.sets.export import BATCH_ROWS, exported_set
from parcours.campaigns.sets.tables import copied_table
from parcours.journey.model.tables import TableFormat

WISHES = [{"what": 'a "b"', "price": Decimal("1.50")}, {"what": "é", "price": None}]


def written_set(folder: Path, columns: dict[str, Any]) -> Path:
    path = folder / "set.parquet"
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture
def people(tmp_path: Path) -> Path:
    wishes = pa.list_(pa.struct([("what", pa.string()), ("price", pa.decimal128(38, 2))]))
    columns = {
        "person": ["ann", "ben"],
        "row_key": ["", ""],
        "wishes": pa.array([WISHES, []], wishes),
        "spent": pa.array([Decimal("19.90"), None], pa.decimal128(38, 2)),
        "score": [3.0, 0.1],
        "visits": [2**60, None],
        "member": [True, False],
        "since": pa.array(
            [datetime(2026, 3, 1, 8, tzinfo=UTC), datetime(2026, 3, 1, 8, 0, 0, 7, tzinfo=UTC)],
            pa.timestamp("us", "UTC"),
        ),
        "born": [date(1990, 12, 31), None],
        "first": pa.array([{"city": "Köln"}, None], pa.struct([("city", pa.string())])),
    }
    return written_set(tmp_path, columns)


ALL = [
    (name, name)
    for name in ("person", "wishes", "spent", "score", "visits", "member", "since", "born", "first")
]  # fmt: skip


def exported(source: Path, form: TableFormat, columns: Sequence[tuple[str, str]]) -> bytes:
    path = source.parent / "exports" / f"out.{form}"
    rows = exported_set(source, path, form, columns)
    assert rows == pq.read_metadata(source).num_rows
    assert {each.suffix for each in path.parent.iterdir()} <= {".csv", ".ndjson", ".parquet"}
    return path.read_bytes()


def test_ndjson_keeps_lists_and_objects_and_writes_decimals_as_texts(people: Path) -> None:
    lines = exported(people, "ndjson", ALL).decode().splitlines()

    assert [list(json.loads(line).items()) for line in lines] == [
        [
            ("person", "ann"),
            ("wishes", [{"what": 'a "b"', "price": "1.50"}, {"what": "é", "price": None}]),
            ("spent", "19.90"),
            ("score", 3),
            ("visits", 2**60),
            ("member", True),
            ("since", "2026-03-01T08:00:00.000Z"),
            ("born", "1990-12-31"),
            ("first", {"city": "Köln"}),
        ],
        [
            ("person", "ben"),
            ("wishes", []),
            ("spent", None),
            ("score", 0.1),
            ("visits", None),
            ("member", False),
            ("since", "2026-03-01T08:00:00.000007Z"),
            ("born", None),
            ("first", None),
        ],
    ]


def test_csv_writes_lists_and_objects_as_json(people: Path) -> None:
    text = exported(people, "csv", ALL).decode()

    assert text.startswith("person,wishes,spent,score,visits,member,since,born,first\r\nann,")
    ann, ben = list(csv.DictReader(text.splitlines(keepends=True)))
    assert json.loads(ann.pop("wishes")) == [{"what": 'a "b"', "price": "1.50"}, {"what": "é", "price": None}]
    assert ann == {
        "person": "ann",
        "spent": "19.90",
        "score": "3",
        "visits": str(2**60),
        "member": "true",
        "since": "2026-03-01T08:00:00.000Z",
        "born": "1990-12-31",
        "first": '{"city":"Köln"}',
    }
    assert (ben["wishes"], ben["spent"], ben["member"], ben["first"]) == ("[]", "", "false", "")


def test_columns_come_as_they_are_named_and_one_may_come_twice(people: Path) -> None:
    columns = [("who", "person"), ("Spent, in €", "spent"), ("again", "person")]

    assert exported(people, "csv", columns).decode() == 'who,"Spent, in €",again\r\nann,19.90,ann\r\nben,,ben\r\n'
    assert exported(people, "ndjson", columns[:2]).decode().splitlines()[1] == '{"who":"ben","Spent, in €":null}'


def test_csv_quotes_what_needs_it_and_alters_nothing(tmp_path: Path) -> None:
    texts = ["a,b", 'say "x"', "two\nlines", "two\r\nlines", " blank ", "=1+1", "@x", "-1", "", None]
    source = written_set(tmp_path, {"t": texts})

    assert exported(source, "csv", [("t", "t")]).decode() == (
        't\r\n"a,b"\r\n"say ""x"""\r\n"two\nlines"\r\n"two\r\nlines"\r\n blank \r\n=1+1\r\n@x\r\n-1\r\n""\r\n""\r\n'
    )


def test_parquet_has_the_set_s_own_types(people: Path) -> None:
    exported(people, "parquet", [("who", "person"), ("wishes", "wishes"), ("spent", "spent"), ("since", "since")])

    table = pq.read_table(people.parent / "exports" / "out.parquet")

    assert table.column_names == ["who", "wishes", "spent", "since"]
    assert table["wishes"].to_pylist() == [WISHES, []]
    assert table.schema.field("spent").type == pa.decimal128(38, 2)
    assert table.schema.field("since").type == pa.timestamp("us", "UTC")


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_what_was_exported_is_a_table_again(tmp_path: Path, form: TableFormat) -> None:
    many = 2 * BATCH_ROWS + 7
    texts = [f'"{number}",\r\né' if number % 3 else None for number in range(many)]
    prices = [Decimal(number) / 100 if number % 5 else None for number in range(many)]
    columns = {"t": pa.array(texts, pa.string()), "p": pa.array(prices, pa.decimal128(38, 2))}
    exported(written_set(tmp_path, columns), form, [("t", "t"), ("p", "p")])

    snapshot = copied_table(
        "out", tmp_path / "exports", f"out.{form}", {"t": "string", "p": "decimal(2)"}, tmp_path / "copy.parquet"
    )

    cells = [row["cells"] for row in pq.read_table(snapshot.file).to_pylist()]
    assert cells == [{"t": text, "p": price} for text, price in zip(texts, prices, strict=True)]
    assert snapshot.bad == {}


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_an_empty_set_is_a_file_without_rows(tmp_path: Path, form: TableFormat) -> None:
    source = written_set(tmp_path, {"person": pa.array([], pa.string())})

    data = exported(source, form, [("person", "person")])

    if form == "parquet":
        assert pq.read_metadata(tmp_path / "exports" / "out.parquet").num_rows == 0
    else:
        assert data == {"csv": b"person\r\n", "ndjson": b""}[form]


def test_an_export_that_fails_leaves_the_one_before(tmp_path: Path) -> None:
    source = written_set(tmp_path, {"person": ["ann"], "data": [b"\xff"]})
    before = exported(source, "ndjson", [("person", "person")])

    with pytest.raises(TypeError, match="a set has no values of type bytes"):
        exported_set(source, tmp_path / "exports" / "out.ndjson", "ndjson", [("data", "data")])

    assert [each.read_bytes() for each in (tmp_path / "exports").iterdir()] == [before]


def test_a_number_without_digits_is_missing(tmp_path: Path) -> None:
    source = written_set(tmp_path, {"n": [float("inf"), 1e300, -0.5]})

    assert exported(source, "ndjson", [("n", "n")]).decode().splitlines() == [
        '{"n":null}',
        '{"n":1e+300}',
        '{"n":-0.5}',
    ]
