"""What a check says of a table's files is what a run would say of them, as far as it looks."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

import pytest

from parcours.campaigns.sets.table_reader import LibraryTables
from parcours.campaigns.sets.tables import copied_table
from parcours.errors import TableRefused
from parcours.journey.model.tables import TableDocument
from parcours.journey.read.finding import Finding, Margin
from parcours.journey.read.table_files import check_tables
from parcours.journey.read.table_rows import ROW_CHARACTERS_MAX

COLUMNS = {"mail": "string", "price": "decimal(2)"}

WHOLE = b'{"mail": "a", "price": 1}\n'


def checked(folder: Path, pattern: str) -> list[Finding]:
    """What the check finds in the files of a table."""
    findings: list[Finding] = []
    table = TableDocument.model_validate({"file": pattern, "columns": COLUMNS})
    check_tables(folder, {"wishes": table}, {}, LibraryTables(), Margin("tables.yaml", findings))
    return findings


def refused(folder: Path, pattern: str, run: Path) -> str | None:
    """Why a run refuses them."""
    try:
        copied_table("wishes", folder, pattern, COLUMNS, run / "wishes.parquet")
    except TableRefused as error:
        return str(error).removeprefix("table 'wishes': ")
    return None


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize(
    "name, data, said",
    [
        ("w.ndjson", WHOLE * 2 + b'\n{"mail": "b", price: 2}\n', "w.ndjson, line 4: this is no JSON: "),
        ("w.ndjson", WHOLE + b'{"mail": "' + b"b" * 200 + b'"\n', "w.ndjson, line 2: this is no JSON: Expecting ','"),
        ("w.ndjson", WHOLE + b'{"mail": "a", "price": NaN}\n', "w.ndjson, line 2: this is no JSON: NaN is no number"),
        ("w.ndjson", WHOLE + b"[1]\n", "w.ndjson, line 2: this is no JSON object"),
        ("w.ndjson", WHOLE + b'{"mail": "j\xf6rg"}\n', "w.ndjson, line 2: it is not UTF-8"),
        ("w.ndjson", b'\n{"x": "' + b"y" * ROW_CHARACTERS_MAX + b'"}', "w.ndjson, line 2: a row has more than"),
        ("w.ndjson.gz", gzip.compress(WHOLE + b"{\n", mtime=0), "w.ndjson.gz, line 2: this is no JSON: "),
        ("w.csv", b"mail,price\na,1\nj\xf6rg,2\n", "w.csv, line 3: it is not UTF-8"),
        ("w.csv", b'mail,"price\n', "w.csv, line 1: unexpected end of data: perhaps a quote is not closed"),
        ("w.csv.zst", b"mail,price\n", "w.csv.zst: it cannot be read: "),
        ("w.csv", b"\nmail,price\n", "w.csv: it has no header"),
        ("w.parquet", b"mail,price\n", "w.parquet: it is no Parquet file that can be read: "),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_a_file_that_cannot_be_read_is_told_in_the_words_of_a_run(
    tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    folder = written(tmp_path / "project", {name: data})

    (finding,) = checked(folder, name)

    assert finding.severity == "draft"
    assert finding.message == refused(folder, name, tmp_path / "run")
    assert finding.message.startswith(said)


def test_where_json_breaks_off_is_told_by_the_character(tmp_path: Path) -> None:
    folder = written(tmp_path / "project", {"w.ndjson": WHOLE + b'{"mail": "b" "price": 2}\n'})

    assert [each.message for each in checked(folder, "w.ndjson")] == [
        "w.ndjson, line 2: this is no JSON: Expecting ',' delimiter: character 14"
    ]


def test_a_packed_file_that_is_broken_is_a_finding(tmp_path: Path) -> None:
    packed = gzip.compress(b"mail,price\n" + b"a,1\n" * 1_000, mtime=0)
    folder = written(tmp_path / "project", {"w.csv.gz": packed[:12] + b"\xff" * 8 + packed[20:]})

    (finding,) = checked(folder, "w.csv.gz")

    assert finding.message.startswith("w.csv.gz: it cannot be read: ")
    assert refused(folder, "w.csv.gz", tmp_path / "run") is not None


@pytest.mark.parametrize(
    "files, pattern, said",
    [
        # a column is where any row of any file has it
        ({"a.ndjson": b"", "b.ndjson": WHOLE}, "*.ndjson", []),
        ({"a.ndjson": b"\n \n", "b.ndjson": WHOLE}, "*.ndjson", []),
        ({"a.ndjson": b'{"mail": "a"}\n', "b.ndjson": b'{"price": 1}\n'}, "*.ndjson", []),
        ({"a.ndjson.gz": gzip.compress(b"", mtime=0), "b.ndjson.gz": gzip.compress(WHOLE)}, "*.ndjson.gz", []),
        ({"a.ndjson.gz": b"", "b.ndjson.gz": gzip.compress(WHOLE)}, "*.ndjson.gz", []),
        ({"a.ndjson": b"", "b.ndjson": b'{"mail": "a"}\n'}, "*.ndjson", ["*.ndjson has no column 'price'"]),
        # nobody was exported: nothing is wrong, and nothing is sure
        ({"a.ndjson": b""}, "*.ndjson", ["warning: a.ndjson has no row, and nothing else"]),
        ({"a.ndjson": b"", "b.ndjson": b""}, "*.ndjson", ["warning: *.ndjson has no row, and nothing else"]),
        ({"a.ndjson": b"{}\n"}, "*.ndjson", ["a.ndjson has no column 'mail'", "a.ndjson has no column 'price'"]),
        # each CSV file names its columns, without rows too
        ({"a.csv": b"mail,price\n", "b.csv": b"mail,price\na,1\n"}, "*.csv", []),
        ({"a.csv": b"", "b.csv": b"mail,price\na,1\n"}, "*.csv", ["a.csv: it has no header"]),
        # what cannot be read may have the other columns
        ({"a.ndjson": b"{", "b.ndjson": b'{"mail": "a"}\n'}, "*.ndjson", ["a.ndjson, line 1: this is no JSON"]),
    ],
)
def test_a_check_refuses_the_files_that_a_run_refuses(
    tmp_path: Path, files: Mapping[str, bytes], pattern: str, said: list[str]
) -> None:
    folder = written(tmp_path / "project", files)

    findings = checked(folder, pattern)

    refusing = [each for each in findings if each.severity != "warning"]
    assert (refused(folder, pattern, tmp_path / "run") is not None) is bool(refusing)
    told = [f"warning: {each.message}" if each.severity == "warning" else each.message for each in findings]
    assert len(told) == len(said)
    assert all(one.startswith(begin) for one, begin in zip(told, said, strict=True)), told
