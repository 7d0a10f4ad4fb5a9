"""Are rows of Parquet read as objects of their columns, from any row on, and told where they cannot be?"""

from __future__ import annotations

import asyncio
import errno
import io
import json
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError
from tests.sources.conftest import reading, state_of, until_taken
from tests.sources.of_files import OfFiles

from parcours.journey.project import Project
from parcours.source import Line, PositionOutOfRange, Read, Source, SourceUnreachable
from parcours.sources import file_kinds
from parcours.sources.files import FilesSettings, FilesSource
from parcours.sources.parquet_rows import BATCH_ROWS_MAX, ROW_BYTES_MAX, ParquetRows


class OneColumn(FilesSource):
    """Of each row its one column, since the contract writes lines of any kind, and a row is always an object."""

    async def read(self, partition: str, position: int | None, most: int) -> Read:
        read = await super().read(partition, position, most)
        lines = [
            msgspec.structs.replace(each, value=json.loads(each.value or b"")["line"].encode()) for each in read.lines
        ]
        return msgspec.structs.replace(read, lines=lines)


class TestParquet(OfFiles):
    source: ClassVar[type[Source]] = OneColumn
    entry_point = None
    ending = ".parquet"

    def write_file(self, path: Path, values: Sequence[bytes]) -> None:
        pq.write_table(pa.table({"line": [value.decode() for value in values]}), path, row_group_size=4)


def lines_of(path: Path, position: int = 0, at_once: int = 1_000) -> list[Line]:
    with closing(ParquetRows(path)) as rows:
        assert rows.go_to(position)
        lines: list[Line] = []
        while not rows.is_over:
            lines += rows.read(at_once)
        return lines


def written(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


VALUES = {
    # what a column holds, and what it is in the object
    "whole number": (pa.array([2**53 + 1]), 2**53 + 1),
    "decimal": (pa.array([Decimal("80.10")], pa.decimal128(10, 2)), 80.1),
    "truth": (pa.array([False]), False),
    "text": (pa.array(["Zoë"]), "Zoë"),
    "dictionary": (pa.array(["x"]).dictionary_encode(), "x"),
    "instant, with digits that nothing has room for": (
        pa.array([1_700_000_000_123_456_789], pa.timestamp("ns")),
        "2023-11-14T22:13:20.123456Z",
    ),
    "instant of a zone": (pa.array([0], pa.timestamp("ms", "Asia/Tokyo")), "1970-01-01T00:00:00Z"),
    "instant without a zone": (
        pa.array([datetime.fromisoformat("2026-11-02T09:00")], pa.timestamp("ms")),
        "2026-11-02T09:00:00Z",
    ),
    "date": (pa.array([date(2026, 11, 2)]), "2026-11-02"),
    "time of day": (pa.array([3_600_000_000_001], pa.time64("ns")), "01:00:00"),
    "duration": (pa.array([90_000], pa.duration("ms")), "PT90S"),
    "bytes": (pa.array([b"\xff\x00"]), "/wA="),
    "list of structures": (
        pa.array([[{"sku": "a", "at": datetime(2026, 1, 1, tzinfo=UTC), "note": None}]]),
        [{"sku": "a", "at": "2026-01-01T00:00:00Z"}],
    ),
    "map": (pa.array([[("red", 1), ("blue", 2)]], pa.map_(pa.string(), pa.int64())), {"red": 1, "blue": 2}),
    "list with a gap": (pa.array([[1, None]]), [1, None]),
}


@pytest.mark.parametrize("kind", VALUES)
def test_each_kind_of_value_has_its_form(kind: str, tmp_path: Path) -> None:
    column, told = VALUES[kind]

    (line,) = lines_of(written(tmp_path / "a.parquet", {"it": column}))

    assert line.unusable is None
    assert json.loads(line.value or b"") == {"it": told}


def test_a_decimal_keeps_its_digits(tmp_path: Path) -> None:
    column = pa.array([Decimal("12345678901234567.89")], pa.decimal128(19, 2))

    (line,) = lines_of(written(tmp_path / "a.parquet", {"it": column}))

    assert line.value == b'{"it":12345678901234567.89}'


def test_what_is_null_is_left_out_and_a_dot_leads_into_an_object(tmp_path: Path) -> None:
    columns = {
        "userId": ["u1", "u2"],
        "traits.city": ["Bern", None],
        "traits": [{"name": "Anna"}, {"name": None}],
        "score": [1.5, float("nan")],
        "nothing": pa.nulls(2),
    }

    first, second = lines_of(written(tmp_path / "a.parquet", {"traits": columns.pop("traits"), **columns}))

    assert json.loads(first.value or b"") == {"userId": "u1", "traits": {"name": "Anna", "city": "Bern"}, "score": 1.5}
    assert json.loads(second.value or b"") == {"userId": "u2", "traits": {}}


def test_a_row_that_has_no_form_is_told_and_those_around_it_are_read(tmp_path: Path) -> None:
    long = "x" * (ROW_BYTES_MAX + 1)
    columns = {
        "n": [1, 2, 3, 4],
        "at": pa.array([0, 2**62, 0, 0], pa.timestamp("us")),
        "m": pa.array([[], [], [("a", 1), ("a", 2)], []], pa.map_(pa.string(), pa.int64())),
        "text": ["", "", "", long],
    }

    lines = lines_of(written(tmp_path / "a.parquet", columns))

    assert json.loads(lines[0].value or b"")["n"] == 1
    assert [each.unusable is None for each in lines] == [True, False, False, False]
    assert str(lines[1].unusable).startswith("the row cannot be read: ")
    assert "duplicate key" in str(lines[2].unusable)
    assert lines[3].unusable == f"a row of more than {ROW_BYTES_MAX} bytes"
    assert len(lines[3].value or b"") == ROW_BYTES_MAX


def test_columns_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    (line,) = lines_of(written(tmp_path / "a.parquet", {"traits": ["all"], "traits.name": ["Anna"]}))

    assert line.unusable == "the row cannot be read: the column traits.name and another one contradict each other"


@pytest.mark.parametrize("group", [1, 7, BATCH_ROWS_MAX, 2_000])
def test_reading_goes_on_at_any_row_whatever_groups_they_are_in(group: int, tmp_path: Path) -> None:
    rows = 3 * BATCH_ROWS_MAX + 5
    path = written(tmp_path / "a.parquet", {"n": range(rows)}, row_group_size=group)

    lines = lines_of(path, at_once=100)

    assert [json.loads(line.value or b"")["n"] for line in lines] == list(range(rows))
    assert [line.offset for line in lines] == list(range(rows))
    for position in (1, 6, 7, 8, BATCH_ROWS_MAX, BATCH_ROWS_MAX + 1, rows - 1, rows):
        assert lines_of(path, position) == lines[position:]
    with closing(ParquetRows(path)) as opened:
        assert not opened.go_to(rows + 1)


def test_a_file_without_rows_is_over_at_once(tmp_path: Path) -> None:
    assert lines_of(written(tmp_path / "a.parquet", {"n": pa.array([], pa.int64())})) == []


def test_memory_does_not_grow_with_the_group(tmp_path: Path) -> None:
    wide = [f"{number:04}" * 1_000 for number in range(4_000)]  # 16 MB in one group, plain
    path = written(tmp_path / "a.parquet", {"text": wide}, compression="none", use_dictionary=False)
    before = pa.total_allocated_bytes()
    rows = ParquetRows(path)

    most = 0
    while not rows.is_over:
        rows.read(100)
        most = max(most, pa.total_allocated_bytes() - before)

    rows.close()
    assert most < 6_000_000, "it holds a batch and a page, and not the group"


def damaged(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at : at + 8] = b"\xff" * 8
    path.write_bytes(data)


def test_a_group_that_is_damaged_is_told_once_and_the_next_one_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", {"n": range(300)}, row_group_size=100, compression="zstd")
    place = pq.ParquetFile(path).metadata.row_group(1).column(0)
    damaged(path, place.dictionary_page_offset)

    lines = lines_of(path)

    assert [line.offset for line in lines] == [*range(101), *range(200, 300)]
    assert str(lines[100].unusable).startswith("the rows 100 to 199 of a.parquet cannot be read: ")
    assert all(line.unusable is None for number, line in enumerate(lines) if number != 100)
    for number, line in enumerate(lines):
        assert lines_of(path, line.offset) == lines[number:]
        assert lines_of(path, line.offset + 1) == lines[number + 1 :]


def test_no_damage_ends_the_reading_with_an_error(tmp_path: Path) -> None:
    columns = {"userId": [f"u{number}" for number in range(900)], "items": [[1, 2]] * 900}
    good = written(tmp_path / "good.parquet", columns, row_group_size=400).read_bytes()
    for seed in range(60):
        chance = random.Random(seed)
        data = bytearray(good)
        for _ in range(chance.choice((1, 5, 20))):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path = tmp_path / "a.parquet"
        path.write_bytes(data[: chance.choice((len(data), chance.randrange(len(data))))])

        offsets = [line.offset for line in lines_of(path)]

        assert offsets == sorted(set(offsets)), f"seed {seed}"


def test_a_file_that_is_no_parquet_is_set_aside_and_others_are_read(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.parquet").write_bytes(b"userId,event\n")
    good = {"type": ["track"] * 3, "event": ["Bought"] * 3, "userId": ["anna"] * 3, "properties.cart": ["a", "b", "c"]}
    written(folder / "b.parquet", good)

    async def backend() -> None:
        source = FilesSource(FilesSettings(files=f"{folder}/*.parquet"))
        async with reading(project, "memory:", source) as service:
            await until_taken(service, 4)
            assert Counter((await state_of(service)).outcomes) == Counter(accepted=3, set_aside=1)
            (letter,) = await service.dead_letters()
            assert "a.parquet is no file of Parquet" in letter.reason
            assert {each.state for each in (await state_of(service)).partitions} <= {"reading", "over"}

    asyncio.run(backend())


class Failing(io.FileIO):
    """A file of which the disk gives nothing any more once it is told to fail."""

    fails = False

    def read(self, size: int | None = -1, /) -> bytes:
        if self.fails:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(size)


def test_what_the_disk_says_is_no_damage_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.parquet", {"n": range(3_000)}, row_group_size=1_000, compression="none")
    files: list[Failing] = []

    def opened(path: Path, mode: Literal["rb"]) -> Failing:
        files.append(Failing(path, mode))
        return files[-1]

    monkeypatch.setattr(Path, "open", opened)
    with closing(ParquetRows(path)) as rows:
        rows.read(1)
        files[0].fails = True
        with pytest.raises(OSError, match="Input/output error"):
            rows.read(3_000)
    monkeypatch.setattr(Failing, "fails", True)
    with pytest.raises(OSError, match="Input/output error"):
        ParquetRows(path)
    assert all(file.closed for file in files)


def test_a_position_that_the_file_does_not_have_is_out_of_range(tmp_path: Path) -> None:
    written(tmp_path / "a.parquet", {"n": [1]})

    async def look() -> None:
        source = FilesSource(FilesSettings(files=f"{tmp_path}/*.parquet"))
        await source.partitions()
        (partition,) = await source.partitions()
        assert (await source.read(partition, 1, 10)).is_over
        with pytest.raises(PositionOutOfRange):
            await source.read(partition, 2, 10)

    asyncio.run(look())


@pytest.mark.parametrize(
    "name, library", [("a.parquet", "pyarrow"), ("a.gz.parquet", "pyarrow"), ("a.csv.zst", "zstandard")]
)
def test_a_library_that_is_missing_is_told_when_the_project_is_checked_or_when_a_file_comes(
    name: str, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(b"")
    monkeypatch.setattr(file_kinds, "find_spec", lambda name: None)

    with pytest.raises(ValidationError, match=f"needs the library {library}: `pip install 'parcours"):
        FilesSettings.model_validate(f"in/*{''.join(Path(name).suffixes)}")

    async def look() -> None:
        source = FilesSource(FilesSettings(files=f"{tmp_path}/*"))
        await source.partitions()
        (partition,) = await source.partitions()
        with pytest.raises(SourceUnreachable, match=f"needs the library {library}"):
            await source.read(partition, None, 10)

    asyncio.run(look())
