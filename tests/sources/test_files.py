"""Are files read once each, whatever they are called, from any line on, and packed ones too?"""

from __future__ import annotations

import asyncio
import gzip
import json
from contextlib import closing
from pathlib import Path

import pytest
from tests.sources.conftest import bought, reading, state_of, until, until_taken
from tests.sources.of_files import PACKING, OfFiles

from parcours.journey.project import Project
from parcours.service.service import Service
from parcours.source import Line, PartitionGone, Read, SourceUnreachable
from parcours.sources import partition_reader
from parcours.sources.file_lines import LINE_BYTES_MAX, FileLines
from parcours.sources.files import FilesSettings, FilesSource


class TestFiles(OfFiles):
    pass


class TestGzippedFiles(OfFiles):
    ending = ".ndjson.gz"


class TestZstandardFiles(OfFiles):
    ending = ".ndjson.zst"


def lines_of(path: Path, position: int = 0) -> list[Line]:
    lines = FileLines(path)
    assert lines.go_to(position)
    try:
        return list(lines.read(1_000))
    finally:
        lines.close()


def test_rows_of_csv_are_objects_of_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(
        b"\xef\xbb\xbftype,userId,traits.name,traits.city\r\n"
        b'identify,u1,"Anna ""A"" Abel","first line\nsecond, line"\r\n'
        b"\r\n"
        b"identify,u2,,Bern\r\n"
        b"identify,u3,1,2,3\r\n"
        b'identify,u4,"open\r\n'
    )

    lines = lines_of(path)

    assert [json.loads(line.value or b"") for line in lines[:2]] == [
        {"type": "identify", "userId": "u1", "traits": {"name": 'Anna "A" Abel', "city": "first line\nsecond, line"}},
        {"type": "identify", "userId": "u2", "traits": {"city": "Bern"}},
    ]
    assert [line.unusable for line in lines[2:]] == [
        "a row of 5 cells, where the first one has 4",
        "a quote is not closed",
    ]
    for number, line in enumerate(lines):
        assert lines_of(path, line.offset) == lines[number:], "it goes on at any row"


def test_a_line_without_an_end_is_bounded_and_the_next_one_is_read(tmp_path: Path) -> None:
    path = tmp_path / "long.ndjson"
    path.write_bytes(b"x" * (3 * LINE_BYTES_MAX + 7) + b"\n{}\n\n{}")

    lines = lines_of(path)

    assert lines[0].unusable == f"a line of more than {LINE_BYTES_MAX} bytes"
    assert len(lines[0].value or b"") == LINE_BYTES_MAX
    assert [(line.value, line.unusable) for line in lines[1:]] == [(b"{}", None)] * 2


def test_columns_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"userId,traits,traits.name\nu1,,Anna\nu2,all,Bert\n")

    first, second = lines_of(path)

    assert json.loads(first.value or b"") == {"userId": "u1", "traits": {"name": "Anna"}}
    assert second.unusable == "the column traits.name and another one contradict each other"


def test_the_pattern_alone_is_settings_enough() -> None:
    assert FilesSettings.model_validate("in/*.ndjson") == FilesSettings(files="in/*.ndjson")


def test_a_file_is_read_once_whatever_it_is_called_and_however_often_it_comes(project: Project, tmp_path: Path) -> None:
    folder, store = tmp_path / "in", f"sqlite:///{tmp_path}/store"
    folder.mkdir()
    first = b"".join(bought("anna", f"c{number}") + b"\n" for number in range(30))
    source = FilesSettings(files=f"{folder}/*.ndjson")

    async def backend() -> None:
        (folder / "a.ndjson").write_bytes(first)
        async with reading(project, store, FilesSource(source)) as service:
            await until_taken(service, 30)
            (folder / "a.ndjson").rename(folder / "b.ndjson")
            (folder / "again.ndjson").write_bytes(first)
            (folder / "new.ndjson").write_bytes(bought("anna", "new"))
            await until_taken(service, 31)
        (folder / "later.ndjson").write_bytes(bought("anna", "later"))
        async with reading(project, store, FilesSource(source)) as service:
            await until_taken(service, 1)

            async def all_are_over() -> bool:
                return {each.state for each in (await state_of(service)).partitions} == {"over"}

            await until(all_are_over, "all files are read")
            anna = await service.profile("anna")
            assert anna is not None
            assert anna.counts["carts"] == 32
            assert (await state_of(service)).outcomes["accepted"] == 1
            assert await service.troubles() == []

    asyncio.run(backend())


def test_a_file_is_shown_by_its_name_below_the_folder_of_the_pattern(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "may").mkdir(parents=True)
    (folder / "may" / "a.ndjson").write_bytes(bought("anna", "c1"))
    (folder / "june.ndjson.gz").write_bytes(b"no gzip")

    async def backend() -> None:
        source = FilesSource(FilesSettings(files=f"{folder}/**/*"))
        async with reading(project, "memory:", source) as service:

            async def are_told() -> bool:
                return len((await state_of(service)).partitions) == 2 and bool(await service.troubles())

            await until(are_told, "both are found")
            told = (await state_of(service)).partitions
            assert [each.name for each in told] == ["june.ndjson.gz", "may/a.ndjson"]
            (trouble,) = await service.troubles()
            assert trouble.startswith("source stream/june.ndjson.gz is not read: ")
            await until_taken(service, 1)
            rewind = await service.rewind_source("stream", 0, partition="may/a.ndjson", dry=True)
            assert [(each.partition, each.name) for each in rewind.partitions] == [(told[1].partition, "may/a.ndjson")]
            await service.move_source("stream", "may/a.ndjson", 0)

    asyncio.run(backend())


def test_a_file_that_is_still_written_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"

    async def looks() -> None:
        source = FilesSource(FilesSettings(files=f"{tmp_path}/*.ndjson"))
        for number in range(3):
            path.write_bytes(b"{}\n" * (number + 1))
            assert await source.partitions() == []
        assert len(await source.partitions()) == 1

    asyncio.run(looks())


def test_a_file_that_is_no_packed_one_is_a_trouble(project: Project, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson.gz").write_bytes(b"this is no gzip")

    async def backend() -> None:
        async with reading(project, "memory:", FilesSource(FilesSettings(files=f"{tmp_path}/*.gz"))) as service:

            async def told() -> bool:
                return any("a.ndjson.gz cannot be read" in trouble for trouble in await service.troubles())

            await until(told, "the trouble is told")

    asyncio.run(backend())


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_a_packed_file_that_is_damaged_inside_cannot_be_read(packing: str, tmp_path: Path) -> None:
    lines = b"".join(b'{"n":%d}\n' % (number * 7919) for number in range(20_000))
    data = bytearray(PACKING[packing](lines))
    middle = len(data) // 2
    data[middle : middle + 64] = b"\xff" * 64
    (tmp_path / f"a.ndjson{packing}").write_bytes(data)

    async def look() -> None:
        source = FilesSource(FilesSettings(files=f"{tmp_path}/*"))
        (partition,) = source.files()
        read = await source.read(partition, None, 20_000)
        assert 0 < len(read.lines) < 20_000 and not read.is_over, "what lies before the damage is read"
        with pytest.raises(SourceUnreachable, match=rf"a\.ndjson\{packing} cannot be read: "):
            await source.read(partition, read.position, 20_000)

    asyncio.run(look())


def test_of_a_file_that_is_cut_off_all_that_can_be_read_is_read_and_then_pauses_grow(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_reader, "PAUSES_S", (0.01, 60.0))
    (tmp_path / "in").mkdir()
    lines = [bought("sarah", f"c{number}") for number in range(3_000)]
    packed = gzip.compress(b"\n".join(lines))
    (tmp_path / "in" / "cut.ndjson.gz").write_bytes(packed[: len(packed) // 2])

    class Counting(FilesSource):
        failures = 0

        async def read(self, partition: str, position: int | None, most: int) -> Read:
            try:
                return await super().read(partition, position, most)
            except SourceUnreachable:
                self.failures += 1
                raise

    async def scenario() -> None:
        source = Counting(FilesSettings(files=f"{tmp_path}/in/*"))
        async with reading(project, "memory:", source) as service:
            await until(lambda: _is_cut(service), "the trouble has come")
            for _ in range(30):
                await asyncio.sleep(0.01)
            assert source.failures <= 2, "it is not read over and over"
            outcomes = (await state_of(service)).outcomes
            assert 1_000 < outcomes["accepted"] < 2_900
            assert outcomes["duplicate"] <= outcomes["accepted"], "what was under way is read once more"

    asyncio.run(scenario())


async def _is_cut(service: Service) -> bool:
    return any("end-of-stream" in each for each in await service.troubles())


def test_a_file_that_is_taken_away_half_read_is_a_trouble(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b"1\n2\n3\n")

    async def scenario() -> None:
        source = FilesSource(FilesSettings(files=f"{tmp_path}/*"))
        await source.partitions()
        (partition,) = await source.partitions()
        position = (await source.read(partition, None, 1)).position
        path.unlink()

        assert await source.partitions() == [partition], "it is asked for until somebody has told what is wrong"
        with pytest.raises(PartitionGone, match=r"that holds what a\.ndjson held"):
            await source.read(partition, position, 1)
        await source.close()

    asyncio.run(scenario())


def test_of_a_line_that_is_too_long_only_the_beginning_is_set_aside(project: Project, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.ndjson").write_bytes(b"x" * (LINE_BYTES_MAX + 9) + b"\n")

    async def scenario() -> None:
        async with reading(project, "memory:", FilesSource(FilesSettings(files=f"{tmp_path}/in/*"))) as service:
            await until_taken(service, 1)
            (letter,) = await service.dead_letters()
            assert len(letter.line or b"") == service._host.settings.event_bytes_max

    asyncio.run(scenario())


def test_a_byte_order_mark_belongs_to_no_line(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b"\xef\xbb\xbf{}\n{}\n")

    with closing(FileLines(path)) as lines:
        assert [line.value for line in lines.read(9)] == [b"{}", b"{}"]


@pytest.mark.parametrize("head", ["customer,prénom".encode("latin-1"), b'customer,"t'])
def test_columns_that_cannot_be_read_are_told_with_the_name_of_the_file(head: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(head + b"\nu1,2\n")

    with pytest.raises(SourceUnreachable, match="a.csv: the first row, which names the columns, cannot be read"):
        FileLines(path)


@pytest.mark.parametrize("pattern", ["nowhere/*.ndjson", "nowhere/**/*.csv"])
def test_a_folder_that_is_not_there_is_a_trouble(pattern: str, project: Project) -> None:
    async def backend() -> None:
        async with reading(project, "memory:", FilesSource(FilesSettings(files=pattern))) as service:

            async def told() -> bool:
                return any("there is no folder nowhere" in trouble for trouble in await service.troubles())

            await until(told, "the trouble is told")

    asyncio.run(backend())
