"""Which rows has a table, what is wrong with its files, and does the copy say so?"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.campaigns.sets.snapshots import cells_of, rows_of

from parcours.campaigns.sets.batches import BATCH_CHARACTERS, BATCH_ROWS
from parcours.campaigns.sets.snapshot import Snapshot
from parcours.campaigns.sets.tables import copied_table
from parcours.campaigns.sets.whole_file import hash_of
from parcours.config import TABLE_BAD_CELLS_MAX
from parcours.errors import TableRefused
from parcours.journey.read.table_rows import ROW_CHARACTERS_MAX

WISHES = {"mail": "string", "price": "decimal(2)"}


TEXTS = st.text(alphabet='a ,"\r\n;é\u2028😀', max_size=6)


def copied(
    folder: Path,
    files: Mapping[str, bytes],
    columns: Mapping[str, str] = WISHES,
    pattern: str = "",
    bad_cells_max: float = TABLE_BAD_CELLS_MAX,
) -> Snapshot:
    """The snapshot of a project's files, by default of the one that there is."""
    for name, data in files.items():
        path = folder / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    target = folder / "run" / "wishes.parquet"
    return copied_table("wishes", folder / "project", pattern or next(iter(files)), columns, target, bad_cells_max)


def reason(folder: Path, files: Mapping[str, bytes], columns: Mapping[str, str] = WISHES, pattern: str = "") -> str:
    """Why the files are refused; nothing is left then."""
    with pytest.raises(TableRefused) as refused:
        copied(folder, files, columns, pattern)
    assert not (folder / "run").exists() or not list((folder / "run").iterdir())
    return str(refused.value)


def test_each_row_knows_its_number_its_line_and_its_cells(tmp_path: Path) -> None:
    text = b'mail,ignored,price\r\na@x.example,1,19.90\r\n\r\n"b, ""the"" second",2,\r\n'

    snapshot = copied(tmp_path, {"data/wishes.csv": text})

    assert rows_of(snapshot) == [
        {
            "row_number": 1,
            "file": "data/wishes.csv",
            "line": 2,
            "row_key": "data/wishes.csv 000000000002",
            "cells": {"mail": "a@x.example", "price": Decimal("19.90")},
        },
        {
            "row_number": 2,
            "file": "data/wishes.csv",
            "line": 4,
            "row_key": "data/wishes.csv 000000000004",
            "cells": {"mail": 'b, "the" second', "price": None},
        },
    ]
    assert (snapshot.rows, snapshot.bad, snapshot.hash) == (2, {}, hash_of(snapshot.file))


def test_a_line_break_within_quotes_is_text_and_counts_as_a_line(tmp_path: Path) -> None:
    snapshot = copied(tmp_path, {"w.csv": b'price,mail\n1,"two\r\nlines"\n2,"one"\n'})

    assert cells_of(snapshot) == [("two\r\nlines", Decimal(1)), ("one", Decimal(2))]
    assert [row["line"] for row in rows_of(snapshot)] == [2, 4]


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_any_texts_are_read_from_the_lines_in_which_they_begin(
    rows: list[tuple[str, str]], end: str, ends: bool
) -> None:
    written: list[str] = []
    lines: list[int] = []
    for row in rows:
        lines.append(1 + len(re.findall("\r\n|\r|\n", end.join(["mail,other", *written, ""]))))
        written.append(",".join('"' + text.replace('"', '""') + '"' for text in row))
    data = end.join(["mail,other", *written]) + (end if ends else "")

    with TemporaryDirectory() as folder:
        found = rows_of(copied(Path(folder), {"w.csv": data.encode()}, {"other": "string", "mail": "string"}))

    assert [tuple(row["cells"].values()) for row in found] == [(other or None, mail or None) for mail, other in rows]
    assert [row["line"] for row in found] == lines


def test_a_mark_at_the_beginning_is_no_part_of_the_first_column_s_name(tmp_path: Path) -> None:
    snapshot = copied(tmp_path, {"w.csv": b"\xef\xbb\xbfmail,price\nj\xc3\xb6rg,1\n"})

    assert cells_of(snapshot) == [("jörg", Decimal(1))]


def test_files_are_one_table_in_the_order_of_their_names_as_bytes(tmp_path: Path) -> None:
    files = {name: f"mail,price\n{name},1\n".encode() for name in ("d/é.csv", "d/b.csv", "d/Z.csv", "d/a/y.csv")}

    snapshot = copied(tmp_path, files, pattern="d/**/*.csv")

    assert [row["cells"]["mail"] for row in rows_of(snapshot)] == ["d/Z.csv", "d/a/y.csv", "d/b.csv", "d/é.csv"]
    assert [row["row_number"] for row in rows_of(snapshot)] == [1, 2, 3, 4]
    assert [row["line"] for row in rows_of(snapshot)] == [2, 2, 2, 2]


@pytest.mark.parametrize("codec, suffix", [("gzip", ".gz"), ("zstd", ".zst")])
@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_a_compressed_file_has_the_rows_that_it_has_unpacked(
    tmp_path: Path, codec: str, suffix: str, form: str
) -> None:
    plain = {"csv": b"mail,price\na,1.5\n", "ndjson": b'{"mail":"a","price":1.5}\n', "parquet": b""}[form]
    if form == "parquet":
        pq.write_table(pa.table({"mail": ["a"], "price": [Decimal("1.5")]}), tmp_path / "plain")
        plain = (tmp_path / "plain").read_bytes()

    snapshot = copied(tmp_path, {f"w.{form}{suffix}": pa.compress(plain, codec=codec, asbytes=True)})

    assert cells_of(snapshot) == [("a", Decimal("1.50"))]


def test_a_file_of_several_compressed_parts_is_read_to_its_end(tmp_path: Path) -> None:
    parts = gzip.compress(b"mail,price\na,1\n") + gzip.compress(b"b,2\n")

    assert cells_of(copied(tmp_path, {"w.csv.gz": parts})) == [("a", Decimal(1)), ("b", Decimal(2))]


def test_json_numbers_are_as_exact_as_they_are_written(tmp_path: Path) -> None:
    lines = b'{"mail":"a","price":0.1}\n\n{"price":"12345678901234567890.12","x":[1]}\n{"mail":null,"price":1e1}\n'

    snapshot = copied(tmp_path, {"w.ndjson": lines})

    assert cells_of(snapshot) == [
        ("a", Decimal("0.10")),
        (None, Decimal("12345678901234567890.12")),
        (None, Decimal("10.00")),
    ]
    assert [row["line"] for row in rows_of(snapshot)] == [1, 3, 4]


def test_half_a_character_in_json_is_mended(tmp_path: Path) -> None:
    lines = rb'{"mail":"\ud83d\ude00 \ud800","price":1}'

    assert cells_of(copied(tmp_path, {"w.ndjson": lines})) == [("😀 \ufffd", Decimal(1))]


def test_a_line_of_parquet_is_the_number_of_the_row(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    many = BATCH_ROWS + 1
    table = pa.table({"price": pa.array(range(many)), "mail": pa.array(["x"] * many).dictionary_encode()})
    pq.write_table(table, tmp_path / "project" / "w.parquet")

    rows = rows_of(copied(tmp_path, {}, pattern="w.parquet"))

    assert [(row["line"], row["row_number"], int(row["cells"]["price"])) for row in rows] == [
        (number, number, number - 1) for number in range(1, many + 1)
    ]


def test_a_column_may_be_called_like_one_of_the_copy_s_own(tmp_path: Path) -> None:
    snapshot = copied(tmp_path, {"w.csv": b"line,file\n7,x\n"}, {"line": "integer", "file": "string"})

    assert (rows_of(snapshot)[0]["line"], cells_of(snapshot)) == (2, [(7, "x")])


def test_duckdb_reads_the_declared_kinds(tmp_path: Path) -> None:
    columns = {
        "string": "string",
        'in"te.ger': "integer",
        "number": "number",
        "decimal": "decimal(3)",
        "boolean": "boolean",
        "timestamp": "timestamp",
        "date": "date",
    }
    header = ",".join(name.replace('"', '""').join('""') for name in columns)
    snapshot = copied(tmp_path, {"w.csv": f"{header}\nx,1,0.5,1.5,true,2026-03-01,2026-03-01\n".encode()}, columns)

    with duckdb.connect() as database:
        found = database.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(snapshot.file)]).fetchall()

    cells = (
        'STRUCT(string VARCHAR, "in""te.ger" BIGINT, number DOUBLE, "decimal" DECIMAL(38,3), "boolean" BOOLEAN, '
        '"timestamp" TIMESTAMP WITH TIME ZONE, date DATE)'
    )
    assert {name: kind for name, kind, *_ in found} == {
        "row_number": "BIGINT",
        "file": "VARCHAR",
        "line": "BIGINT",
        "row_key": "VARCHAR",
        "cells": cells,
    }


def test_rows_beyond_one_batch_are_all_there_in_order(tmp_path: Path) -> None:
    many = 2 * BATCH_ROWS + 1
    text = "mail,price\n" + "".join(f"u{number},{number}\n" for number in range(many))

    rows = rows_of(copied(tmp_path, {"w.csv": text.encode()}))

    assert [(row["row_number"], row["line"], row["cells"]["mail"]) for row in rows] == [
        (number + 1, number + 2, f"u{number}") for number in range(many)
    ]


def test_long_rows_are_all_there_though_they_are_read_in_smaller_batches(tmp_path: Path) -> None:
    texts = [f"{number}" + "x" * 100_000 for number in range(2 * BATCH_CHARACTERS // 100_000)]
    for name, lines in {"w.csv": ["mail", *texts], "w.ndjson": [f'{{"mail":"{text}"}}' for text in texts]}.items():
        snapshot = copied(tmp_path, {name: "\n".join(lines).encode()}, {"mail": "string"})

        assert cells_of(snapshot) == [(text,) for text in texts]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    files = {"w.csv": b"mail,price\na,1\nb,x\n"}

    first, second = (copied(tmp_path / name, files, bad_cells_max=1.0) for name in ("first", "second"))

    assert first.file.read_bytes() == second.file.read_bytes()
    assert first.hash == second.hash
    assert copied(tmp_path / "third", {"w.csv": b"mail,price\na,2\nb,x\n"}, bad_cells_max=1.0).hash != first.hash


def test_a_cell_that_does_not_fit_is_missing_and_counted_and_an_empty_one_is_not(tmp_path: Path) -> None:
    text = b"mail,price\n" + b"a,1\n" * 99 + b"b,free\n" + b"c,\n" * 50

    snapshot = copied(tmp_path, {"w.csv": text})

    assert snapshot.bad == {"price": 1}
    assert cells_of(snapshot)[99] == ("b", None)


def test_too_many_cells_that_do_not_fit_refuse_the_table(tmp_path: Path) -> None:
    text = b"mail,price\n" + b"a,1\n" * 98 + b'"b\n",free\n' + b"c,\n" * 50

    assert reason(tmp_path, {"a.csv": b"mail,price\n", "w.csv": text}, pattern="*.csv") == (
        "table 'wishes': 1 of 99 cells of column 'price' do not fit decimal(2), the first in w.csv, line 100"
    )


def test_of_a_row_with_another_number_of_cells_none_fits(tmp_path: Path) -> None:
    text = b"mail,price\n" + b"a,1\n" * 400 + b"b,1,2\nc\n"

    snapshot = copied(tmp_path, {"w.csv": text})

    assert snapshot.bad == {"mail": 2, "price": 2}
    assert cells_of(snapshot)[400:] == [(None, None), (None, None)]
    assert reason(tmp_path / "few", {"w.csv": b"mail,price\na,1\nb,1,2\n"}) == (
        "table 'wishes': 1 of 2 cells of column 'mail' do not fit string, "
        "the first in w.csv, line 3, which has another number of cells than the header"
    )


@pytest.mark.parametrize(
    "name, data, told",
    [
        ("w.csv", b"", "w.csv: it has no header"),
        ("w.csv", b"\nmail,price\n", "w.csv: it has no header"),
        ("w.csv", b"mial,price\n", "w.csv: it has no column 'mail', did you mean 'mial'?"),
        ("w.csv", b"mail;price\n", "w.csv: it has no column 'mail': its cells have to be separated by commas"),
        ("w.csv", b"mail,price,mail\n", "w.csv: it has two columns 'mail'"),
        ("w.csv", b'mail,price\na,1\n"b,2\nc,3\n', "w.csv, line 3: unexpected end of data: perhaps a quote"),
        ("w.csv", b'mail,price\na,1\n"b"b,2\n', "w.csv, line 3: ',' expected after '\"': perhaps a quote"),
        ("w.csv", b"mail,price\na,1\n" + b"x" * 200_000, "w.csv, line 3: field larger than field limit"),
        ("w.csv", b'mail,price\na,1\n"' + b'","' * ROW_CHARACTERS_MAX, "w.csv, line 3: a row has more than 1,000,000"),
        ("w.csv", b"mail,price\na,1\n\nj\xf6rg,2\n", "w.csv, line 4: it is not UTF-8"),
        ("w.csv", b"mail,price\na,1\nj\xc3", "w.csv, line 3: it is not UTF-8"),
        ("w.csv", "mail,price\na,1\n".encode("utf-16"), "w.csv, line 1: it is not UTF-8"),
        ("w.csv.gz", gzip.compress(b"mail,price\na,1\n", mtime=0)[:-4], "w.csv.gz: it cannot be read: "),
        ("w.csv.zst", b"mail,price\na,1\n", "w.csv.zst: it cannot be read: "),
        ("w.ndjson", b'{"mail":"a","price":1}\n{"mail"\n', "w.ndjson, line 2: this is no JSON: Expecting"),
        ("w.ndjson", b'{"mail":"a","price":NaN}\n', "w.ndjson, line 1: this is no JSON: NaN is no number"),
        ("w.ndjson", b"[" * 100_000, "w.ndjson, line 1: this is no JSON: "),
        ("w.ndjson", b'{"price":' + b"1" * 10_000 + b"}", "w.ndjson, line 1: this is no JSON: "),
        ("w.ndjson", b'{"mail":"a","price":1}\n[1]\n', "w.ndjson, line 2: this is no JSON object"),
        ("w.ndjson", b'{"mail":"a"}\n{"mail":"b"}\n', "w.ndjson: no row has a column 'price'"),
        ("w.ndjson", b'\n{"x":"' + b"y" * ROW_CHARACTERS_MAX + b'"}', "w.ndjson, line 2: a row has more than"),
        ("w.ndjson", b'{"mail":"\xff"}', "w.ndjson, line 1: it is not UTF-8"),
        ("w.parquet", b"mail,price\n", "w.parquet: it is no Parquet file that can be read: "),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_what_is_wrong_with_a_file_is_told_with_its_line(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    assert reason(tmp_path, {name: data}).startswith(f"table 'wishes': {told}")


@pytest.mark.parametrize(
    "table, told",
    [
        (pa.table({"mail": ["a"]}), "it has no column 'price'"),
        (pa.table({"mail": ["a"], "price": [1.5]}), "column 'price' is number, and not decimal(2)"),
        (pa.table({"mail": [["a"]], "price": [1]}), "column 'mail' is 'list<element: string>', and not string"),
        (pa.table([["a"], ["b"], [1]], names=["mail", "mail", "price"]), "it has two columns 'mail'"),
        (
            pa.table(
                [pa.array([b"\xff"]).view(pa.string()), pa.array([1])],
                names=["mail", "price"],
            ),
            "column 'mail': a text is not UTF-8",
        ),
    ],
)
def test_what_is_wrong_with_columns_of_parquet_is_told(tmp_path: Path, table: pa.Table, told: str) -> None:
    (tmp_path / "project").mkdir()
    pq.write_table(table, tmp_path / "project" / "w.parquet")

    assert reason(tmp_path, {}, pattern="w.parquet") == f"table 'wishes': w.parquet: {told}"


def test_a_table_without_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()

    assert reason(tmp_path, {}, pattern="w*.csv") == "table 'wishes': there is no file 'w*.csv' in the project's folder"


def test_a_link_out_of_the_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "outside.csv").write_text("mail,price\n")
    (tmp_path / "project" / "w.csv").symlink_to(tmp_path / "outside.csv")

    assert reason(tmp_path, {}, pattern="w.csv") == "table 'wishes': w.csv leads out of the project's folder"


def test_a_table_without_rows_is_a_table(tmp_path: Path) -> None:
    assert rows_of(copied(tmp_path / "csv", {"w.csv": b"mail,price\n"})) == []
    assert copied(tmp_path / "ndjson", {"w.ndjson": b"\n"}).rows == 0


def test_a_copy_that_fails_leaves_the_one_before(tmp_path: Path) -> None:
    snapshot = copied(tmp_path, {"w.csv": b"mail,price\na,1\n"})

    with pytest.raises(TableRefused):
        copied(tmp_path, {"w.csv": b"mail\n"})

    assert [each.name for each in snapshot.file.parent.iterdir()] == ["wishes.parquet"]
    assert hash_of(snapshot.file) == snapshot.hash
