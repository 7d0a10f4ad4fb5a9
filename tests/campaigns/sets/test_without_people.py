"""Files without the rows of some people: the others stay as they are, and a file without such rows is not touched."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from parcours.campaigns.sets.without_people import (
    names_that,
    places_of,
    rows_of_nobody_else,
    without_exported,
    without_people,
    without_rows,
    without_words,
    words_about,
)

NAMES = ["ada", "bert", "bert", "çelik", "dora"]


def parquet(path: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def rows(path: Path, column: str = "person") -> list[object]:
    found: list[object] = pq.read_table(path).column(column).to_pylist()
    return found


def second(place: int, _: Iterable[object]) -> bool:
    return place == 1


def test_rows_of_people_go_and_so_does_who_gave_way_to_them(tmp_path: Path) -> None:
    lists = [[1], [2, 3], [], None, [4]]
    path = parquet(tmp_path / "a.parquet", person=NAMES, row_key=["", "1", "2", "", ""], wishes=lists)
    gave_way = parquet(tmp_path / "b.parquet", person=["ada", "dora"], winner=["bert", "çelik"])

    assert names_that({"bert", "eve"}.__contains__, path) == {"bert"}
    assert names_that({"bert"}.__contains__, gave_way) == {"bert"}
    assert places_of(path, {"bert"}) == {1, 2}
    assert (without_people(path, {"bert"}), without_people(gave_way, {"bert"})) == (2, 1)

    assert (rows(path), rows(path, "wishes")) == (["ada", "çelik", "dora"], [[1], None, [4]])
    assert rows(gave_way) == ["dora"]


def test_a_file_without_such_rows_is_not_written_anew(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", person=NAMES)
    before = path.stat().st_ino

    assert without_people(path, {"eve"}) == 0
    assert path.stat().st_ino == before


def test_rows_of_a_table_go_that_are_linked_to_nobody_else(tmp_path: Path) -> None:
    links = [
        parquet(tmp_path / "0-t.parquet", person=["ada", "bert", "bert"], row_number=[1, 1, 2]),
        parquet(tmp_path / "1-t.parquet", person=["bert", "çelik"], row_number=[3, 4]),
    ]
    cells = [{"mail": "a", "n": 1}, {"mail": "b", "n": 2}, {"mail": "b", "n": 3}, {"mail": "c", "n": 4}]
    table = parquet(tmp_path / "t.parquet", row_number=[1, 2, 3, 4], cells=cells)

    numbers = rows_of_nobody_else(links, {"bert"})

    assert numbers == {2, 3}
    assert without_rows(table, numbers) == 2 and rows(table, "row_number") == [1, 4]
    assert without_words(table, {"c", "4"}) == 1 and rows(table, "row_number") == [1]


def test_people_are_known_by_what_their_rows_are_matched_by(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "0.parquet",
        person=["ada", "bert"],
        m0=["ada@x", "bert@x"],
        m1=[None, "+33"],
        names=[["@anonymous/1"], ["@anonymous/2", "@anonymous/3"]],
        more=["no", "no"],
    )

    assert words_about({"bert"}, path) == {"bert@x", "+33", "@anonymous/2", "@anonymous/3"}


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (
            "a.csv",
            'mail,text\r\na,"x\r\ny"\r\nb,"q""\r\n"\r\nc,\r\n',
            'mail,text\r\na,"x\r\ny"\r\nc,\r\n',
        ),
        ("a.ndjson", '{"a":1}\n{"a":[2]}\n{"a":"é"}\n', '{"a":1}\n{"a":"é"}\n'),
    ],
)
def test_lines_of_an_exported_file_stay_as_they_are(tmp_path: Path, name: str, before: str, after: str) -> None:
    path = tmp_path / name
    path.write_bytes(before.encode())

    assert without_exported(path, second) == 1
    assert path.read_bytes() == after.encode()


def test_cells_of_exported_rows_are_told(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", mail=["a", "b"], n=[1, 2])
    (tmp_path / "b.csv").write_bytes(b"mail,n\r\na,1\r\nb,2\r\n")

    for each in (path, tmp_path / "b.csv"):
        assert without_exported(each, lambda _, cells: "a" in cells) == 1

    assert rows(path, "mail") == ["b"]
    assert (tmp_path / "b.csv").read_bytes() == b"mail,n\r\nb,2\r\n"
