"""Whatever a file of events is made of, its lines come in one by one, and short."""

from __future__ import annotations

import gzip
import io
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.cli.lines import LINE_BYTES_MAX, Rejections, read_lines, split_lines
from parcours.errors import CallerError
from parcours.journey.read.source import FILE_BYTES_MAX


@pytest.mark.parametrize(
    "content, lines",
    [
        (b"", []),
        (b"a\nb\n", [b"a", b"b"]),
        (b"a\r\nb", [b"a", b"b"]),  # the last line needs no end
        (b"\xef\xbb\xbfa\nb\n", [b"a", b"b"]),  # a byte order mark belongs to no line
        (b"a\n\nb\n", [b"a", b"", b"b"]),  # an empty line keeps its number
    ],
)
def test_lines_come_without_their_ends(content: bytes, lines: list[bytes], tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(content)

    assert list(read_lines(str(file))) == lines


def test_a_packed_file_is_recognised_whatever_its_name(tmp_path: Path) -> None:
    file = tmp_path / "events"
    file.write_bytes(gzip.compress(b"a\nb\n"))

    assert list(read_lines(str(file))) == [b"a", b"b"]


def test_a_damaged_packed_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    file = tmp_path / "events.gz"
    file.write_bytes(gzip.compress(b"a\n" * 10_000)[:-9])

    with pytest.raises(CallerError, match=r"events\.gz: the compressed data is damaged"):
        list(read_lines(str(file)))


def test_a_line_with_the_documents_of_a_large_project_is_read_whole() -> None:
    line = b64encode(bytes(2 * FILE_BYTES_MAX))

    assert list(split_lines(io.BytesIO(line + b"\n{}\n"))) == [line, b"{}"]


@pytest.mark.parametrize("excess", [-1, 0, 1, LINE_BYTES_MAX, 2 * LINE_BYTES_MAX + 3])
def test_a_line_that_is_too_long_is_cut_and_those_after_it_keep_their_numbers(excess: int) -> None:
    long = b"x" * (LINE_BYTES_MAX + excess)

    lines = list(split_lines(io.BytesIO(b"first\n" + long + b"\nlast\n")))

    assert [lines[0], lines[2:]] == [b"first", [b"last"]]
    assert lines[1] == long[: LINE_BYTES_MAX + 1]


@given(st.lists(st.binary(max_size=20).filter(lambda line: not {10, 13, 0xEF} & set(line)), max_size=20))
def test_lines_that_were_written_are_read(lines: list[bytes]) -> None:
    file = io.BytesIO(b"".join(line + b"\n" for line in lines))

    assert list(split_lines(file)) == lines


def test_the_first_rejections_are_reported_and_the_others_counted() -> None:
    said: list[str] = []
    rejections = Rejections(said.append, reports_max=2)

    for number in (3, 1_000, 1_001, 1_002):
        rejections(number, "not a JSON object")
    rejections.close()

    assert said == [
        "line 3 is left out: not a JSON object",
        "line 1,000 is left out: not a JSON object",
        "and 2 more lines are left out",
    ]
    assert rejections.count == 4


def test_every_rejection_is_kept_where_there_is_a_place_for_it() -> None:
    said: list[str] = []
    kept: list[tuple[int, str]] = []
    rejections = Rejections(said.append, reports_max=1, keep=lambda number, reason: kept.append((number, reason)))

    rejections(3, "too long")
    rejections(4, "empty")
    rejections.close(Path("out/rejected.ndjson"))

    assert kept == [(3, "too long"), (4, "empty")]
    assert said[-1] == "and 1 more line is left out; all of them are in out/rejected.ndjson"


def test_nothing_is_added_where_every_rejection_was_reported() -> None:
    said: list[str] = []
    rejections = Rejections(said.append, reports_max=2)

    rejections(1, "too long")
    rejections.close()

    assert said == ["line 1 is left out: too long"]
