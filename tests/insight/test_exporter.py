"""How is a journal exported, range by range, whatever fails on the way?"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from parcours.clock import ManualClock
from parcours.config import Settings
from parcours.errors import ShardUnavailable, StoreBroken
from parcours.insight.exporter.exporter import RESTS, Exporter, OpenRange
from parcours.journey.model.document import EventsDocument, ProjectDocument
from parcours.journey.model.insight import InsightDocument
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.shard.erasures import Erased
from parcours.shard.messages import ExportRange, ExportRecord, ExportSlice
from parcours.shard.requests import BeginExport, EndExport, ReadExport

SETTINGS = Settings(export_records=4, export_every_ms=1)


def program() -> Program:
    document = ProjectDocument.model_validate({"project": "shop"})
    return Project.of(document, events=EventsDocument(events={})).program


class Journal:
    """The port of a shard with so many records, two of which come in an answer. `away` makes it fail at a request."""

    def __init__(self, records: int) -> None:
        self.records = records
        self.under_way: ExportRange | None = None
        self.exported = 0
        self.away: Callable[[object], bool] = lambda request: False

    async def ask(self, request: Any, /) -> Any:
        if self.away(request):
            raise ShardUnavailable("gone")
        match request:
            case BeginExport(at_least=at_least, most=most):
                waiting = self.records - self.exported
                if self.under_way is None and waiting >= max(1, at_least):
                    self.under_way = ExportRange(self.exported + 1, self.exported + min(most, waiting))
                return self.under_way
            case ReadExport(after=after, last=last):
                through = min(after + 2, last)
                records = [ExportRecord(number, 0, b"f%d" % number) for number in range(after + 1, through + 1)]
                return ExportSlice(records, through if through < last else None)
            case EndExport(last=last):
                if self.under_way is not None and self.under_way.last == last:
                    self.exported, self.under_way = last, None
            case _:
                raise AssertionError(request)
        return None


class Files:
    """What would be written: `there` has the records of each finished range, by (shard, first, last)."""

    def __init__(self) -> None:
        self.there: dict[tuple[int, int, int], list[int]] = {}
        self.abandoned = 0
        self.fails: Exception | None = None

    def open(self, shard: int, ahead: ExportRange, program: Program) -> OneRange:
        return OneRange(self, shard, ahead)


class OneRange:
    def __init__(self, files: Files, shard: int, ahead: ExportRange) -> None:
        self._files = files
        self._name = (shard, ahead.first, ahead.last)
        self._records: list[int] = []

    def add(self, part: ExportSlice) -> None:
        if self._files.fails is not None:
            raise self._files.fails
        self._records += [record.sequence for record in part.records]

    def finish(self) -> None:
        self._files.there[self._name] = self._records

    def abandon(self) -> None:
        self._files.abandoned += 1


class Upkeep:
    """Files that need so many steps each time. `fails` makes it fail."""

    def __init__(self, steps: int = 0) -> None:
        self.done = 0
        self.left = self._steps = steps
        self.fails: Exception | None = None

    def forget(self, shard: int, erased: Erased, now_ms: int) -> list[str]:
        return []

    def step(self, insight: InsightDocument, now_ms: int) -> bool:
        if self.fails is not None:
            raise self.fails
        self.done += 1
        self.left -= 1
        if self.left > 0:
            return True
        self.left = self._steps
        return False


def exporter_of(open_range: OpenRange, settings: Settings = SETTINGS, upkeep: Upkeep | None = None) -> Exporter:
    return Exporter(open_range, program(), settings, upkeep or Upkeep(), ManualClock(0))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(0.001)


def test_each_shard_is_exported_to_its_end_in_ranges() -> None:
    async def scenario() -> None:
        files, journals = Files(), [Journal(10), Journal(3)]
        exporter = exporter_of(files.open)

        exporter.start(journals)
        await until(lambda: [journal.exported for journal in journals] == [10, 3])
        await exporter.stop()

        assert files.there == {
            (0, 1, 4): [1, 2, 3, 4], (0, 5, 8): [5, 6, 7, 8], (0, 9, 10): [9, 10], (1, 1, 3): [1, 2, 3],
        }  # fmt: skip
        assert exporter.trouble is None

    asyncio.run(scenario())


def test_an_exporter_that_is_in_time_rests_after_each_piece_of_work() -> None:
    class Slow(Journal):
        async def ask(self, request: Any, /) -> Any:
            if isinstance(request, ReadExport):
                await asyncio.sleep(0.02)
            return await super().ask(request)

    async def scenario() -> None:
        begun_s = asyncio.get_running_loop().time()
        assert await exporter_of(Files().open).export_next(0, Slow(4), at_least=1, gently=True)

        pieces = 2
        assert asyncio.get_running_loop().time() - begun_s >= pieces * (1 + RESTS) * 0.019

    asyncio.run(scenario())


class WhereFiles(Files):
    """Notes the name of the thread in which each piece is written, and that in which a range is finished."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[str] = []

    def open(self, shard: int, ahead: ExportRange, program: Program) -> OneRange:
        noted = self.threads

        class Noting(OneRange):
            def add(self, part: ExportSlice) -> None:
                noted.append(threading.current_thread().name)
                super().add(part)

            def finish(self) -> None:
                noted.append(threading.current_thread().name)
                super().finish()

        return Noting(self, shard, ahead)


def test_an_exporter_that_is_in_time_writes_in_gentle_threads_and_one_that_is_not_does_not() -> None:
    async def scenario() -> None:
        files = WhereFiles()
        with ThreadPoolExecutor(1, "gentle") as gentle:
            exporter = Exporter(files.open, program(), SETTINGS, Upkeep(), ManualClock(0), gentle=gentle)
            journal = Journal(8)
            await exporter.export_next(0, journal, at_least=1, gently=True)
            await exporter.export_next(0, journal, at_least=1)

        assert [name.startswith("gentle") for name in files.threads] == [True] * 3 + [False] * 3
        assert journal.exported == 8

    asyncio.run(scenario())


def test_a_range_that_takes_long_is_written_gently_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        files = WhereFiles()
        with ThreadPoolExecutor(1, "gentle") as gentle:
            monkeypatch.setattr("parcours.insight.exporter.exporter.GENTLY_FOR_S", 0.0)
            exporter = Exporter(files.open, program(), SETTINGS, Upkeep(), ManualClock(0), gentle=gentle)
            await exporter.export_next(0, Journal(4), at_least=1, gently=True)

        assert [name.startswith("gentle") for name in files.threads] == [False] * 3

    asyncio.run(scenario())


def test_fewer_records_than_a_range_has_wait_until_it_is_time() -> None:
    async def scenario() -> None:
        files, journal = Files(), Journal(3)
        exporter = exporter_of(files.open, Settings(export_records=4))

        assert not await exporter.export_next(0, journal, at_least=4)
        assert await exporter.export_next(0, journal, at_least=1)

        assert list(files.there) == [(0, 1, 3)]

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", [BeginExport, ReadExport, EndExport])
def test_a_shard_that_is_gone_for_a_while_is_exported_when_it_is_there_again(kind: type[object]) -> None:
    async def scenario() -> None:
        files, journal = Files(), Journal(8)
        asked = 0

        def away(request: object) -> bool:
            nonlocal asked
            asked += isinstance(request, kind)
            return isinstance(request, kind) and asked <= 3

        journal.away = away
        exporter = exporter_of(files.open)
        exporter.start([journal])
        await until(lambda: journal.exported == 8)
        await exporter.stop()

        assert files.there == {(0, 1, 4): [1, 2, 3, 4], (0, 5, 8): [5, 6, 7, 8]}
        assert exporter.trouble is None, "the runtime tells of that"

    asyncio.run(scenario())


def test_a_range_that_another_exporter_has_ended_is_not_written_again() -> None:
    class Ended(Journal):
        async def ask(self, request: Any, /) -> Any:
            return None if isinstance(request, ReadExport) else await super().ask(request)

    async def scenario() -> None:
        files = Files()

        assert not await exporter_of(files.open).export_next(0, Ended(4), at_least=1)

        assert (files.there, files.abandoned) == ({}, 1)

    asyncio.run(scenario())


def test_what_cannot_be_written_is_a_trouble_until_it_can_and_hinders_no_other_shard(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parcours.insight.exporter.exporter.PAUSE_S", 0.001)

    async def scenario() -> None:
        files, other, journals = Files(), Files(), [Journal(4), Journal(4)]
        files.fails = StoreBroken("the disk is full")
        exporter = exporter_of(lambda shard, ahead, program: (files, other)[shard].open(shard, ahead, program))
        exporter.start(journals)
        await until(lambda: exporter.trouble is not None and journals[1].exported == 4)
        assert exporter.trouble == "facts of shard 0 are not exported: the disk is full"
        files.fails = None
        await until(lambda: exporter.trouble is None)
        await exporter.stop()

        assert files.there == {(0, 1, 4): [1, 2, 3, 4]}
        assert files.abandoned >= 1, "what had been begun was closed"

    with caplog.at_level(logging.INFO, logger="parcours"):
        asyncio.run(scenario())
    assert [record.message for record in caplog.records] == [
        "facts of shard 0 are not exported: the disk is full", "facts of shard 0 are exported again",
    ]  # fmt: skip


def test_an_exporter_that_is_stopped_in_the_middle_leaves_the_range_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        files, journal = Files(), Journal(4)
        reading = asyncio.Event()
        ask = journal.ask

        async def hang(request: Any, /) -> Any:
            if isinstance(request, ReadExport) and request.after == 2:
                reading.set()
                await asyncio.Event().wait()
            return await ask(request)

        monkeypatch.setattr(journal, "ask", hang)
        first = exporter_of(files.open)
        first.start([journal])
        await reading.wait()
        await first.stop()
        assert (files.there, files.abandoned, journal.exported) == ({}, 1, 0)

        monkeypatch.setattr(journal, "ask", ask)
        await exporter_of(files.open).export_next(0, journal, 1)
        assert files.there == {(0, 1, 4): [1, 2, 3, 4]}

    asyncio.run(scenario())


def test_files_are_looked_after_as_often_as_there_is_something_to_do(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parcours.insight.exporter.exporter.UPKEEP_EVERY_S", 0.001)

    async def scenario() -> None:
        upkeep = Upkeep(steps=3)
        exporter = exporter_of(Files().open, upkeep=upkeep)
        exporter.start([])
        await until(lambda: upkeep.done >= 3)
        upkeep.fails = StoreBroken("the disk is full")
        await until(lambda: exporter.trouble is not None)
        assert exporter.trouble == "exported files are not looked after: the disk is full"
        upkeep.fails = None
        await until(lambda: exporter.trouble is None)
        await exporter.stop()

    with caplog.at_level(logging.INFO, logger="parcours"):
        asyncio.run(scenario())
    assert [record.message for record in caplog.records] == [
        "exported files are not looked after: the disk is full", "exported files are looked after again",
    ]  # fmt: skip
