"""Does a running engine answer SQL with what it has exported and what it has not, and with nothing of the erased?"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.engine.behaviour import eventually
from tests.engine.canaries import SETTINGS
from tests.insight.warehouse.test_stores import IN_JOURNALS, address, shop

from parcours.clock import SystemClock
from parcours.config import Settings
from parcours.errors import CallerError
from parcours.insight.exporter.opening import recall_exported
from parcours.service.engine import Engine
from parcours.service.service import Service

PAGES = 'select person, page from "events_Seen" order by person, page'


def opened(folder: Path, settings: Settings = IN_JOURNALS) -> Engine:
    return Engine.open(shop(folder), address(folder), shards=2, runtime="local", settings=settings)


def see(engine: Engine, *people: str) -> None:
    for person in people:
        engine.track(person, "Seen", {"page": f"{person}-page"}).result(30)
    engine.drain(30)


def test_what_is_not_exported_is_there_unless_it_is_to_be_left_out(tmp_path: Path) -> None:
    with opened(tmp_path) as engine:
        see(engine, "u1", "u2", "u3")
        answer = engine.insight().sql(PAGES)

        assert answer.columns == ("person", "page") and not answer.is_cut
        assert answer.rows == [("u1", "u1-page"), ("u2", "u2-page"), ("u3", "u3-page")]
        assert answer.as_of_ms is not None and answer.as_of_ms <= SystemClock(1000).now_ms()
        assert engine.insight().sql(PAGES, exported=True).rows == []


def test_nothing_is_missing_or_twice_while_the_exporter_goes_on(tmp_path: Path) -> None:
    with opened(tmp_path, SETTINGS) as engine:
        for number in range(40):
            see(engine, f"u{number}")
            assert engine.insight().sql("select count(*), count(distinct person) from events").rows == [
                (number + 1,) * 2
            ]
        eventually(lambda: bool(recall_exported(tmp_path / "store", "u0").facts), "the export")
        assert engine.insight().sql("select count(*) from events where person = 'u0'").rows == [(1,)]


@pytest.mark.parametrize("settings", [IN_JOURNALS, SETTINGS])
def test_who_was_erased_is_in_no_answer_from_then_on_and_whoever_comes_after_her_is(
    settings: Settings, tmp_path: Path
) -> None:
    with opened(tmp_path, settings) as engine:
        see(engine, "u1", "u2")
        if settings is SETTINGS:
            eventually(lambda: bool(recall_exported(tmp_path / "store", "u1").facts), "the export")
        engine.erase("u1")
        assert engine.insight().sql(PAGES).rows == [("u2", "u2-page")]
        see(engine, "u1")
        assert engine.insight().sql(PAGES).rows == [("u1", "u1-page"), ("u2", "u2-page")]


def test_more_rows_than_are_given_are_said_to_be_there(tmp_path: Path) -> None:
    with opened(tmp_path, Settings(sql_rows_max=3)) as engine:
        for rows, is_cut in ((3, False), (4, True)):
            answer = engine.insight().sql(f"select * from range({rows})")
            assert (len(answer.rows), answer.is_cut) == (3, is_cut)


def test_a_query_without_end_is_interrupted(tmp_path: Path) -> None:
    endless = "select sum(sqrt(a.range + b.range)) from range(10000000) a, range(10000000) b"

    with opened(tmp_path, Settings(sql_timeout_s=0.2)) as engine:
        with pytest.raises(CallerError, match="sql_timeout_s"):
            engine.insight().sql(endless)
        assert engine.insight().sql("select 1").rows == [(1,)]


@pytest.mark.parametrize("patience_s", [0.02, 0.5], ids=["while it is opened", "while it is answered"])
def test_whoever_gives_up_waiting_ends_the_query(tmp_path: Path, patience_s: float) -> None:
    endless = "select sum(sqrt(a.range + b.range)) from range(10000000) a, range(10000000) b"

    async def live() -> None:
        async with Service.open(shop(tmp_path), address(tmp_path), runtime="local") as service:
            asked = asyncio.ensure_future(service.insight().sql(endless))
            await asyncio.wait([asked], timeout=patience_s)
            asked.cancel()
            await asyncio.wait([asked])
            assert asked.cancelled()
            assert (await service.insight().sql("select 1")).rows == [(1,)]

    asyncio.run(live())


def test_files_cannot_be_read_by_it_and_a_store_in_memory_has_none(tmp_path: Path) -> None:
    with opened(tmp_path) as engine:
        with pytest.raises(CallerError):
            engine.insight().sql("select * from read_text('/etc/passwd')")
        with pytest.raises(CallerError):
            engine.insight().sql("")
    with (
        Engine.open(shop(tmp_path), "memory:", runtime="local") as engine,
        pytest.raises(CallerError, match="lies in memory"),
    ):
        engine.insight().sql("select 1")
