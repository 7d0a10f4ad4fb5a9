"""What does a running engine answer in Python, how much of it at a time, and for how long?"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from tests.insight.warehouse.test_stores import IN_JOURNALS, address, shop

from parcours.config import Settings
from parcours.errors import CallerError, EngineClosed, ExtraMissing, Overloaded
from parcours.insight.analyses import attribution
from parcours.insight.warehouse import opening
from parcours.insight.warehouse.warehouse import Warehouse
from parcours.service.engine import Engine
from parcours.service.service import Service

LATER = datetime.now(UTC) + timedelta(days=1)


def opened(folder: Path, **settings: Any) -> Engine:
    bounds = Settings.model_validate({**IN_JOURNALS.model_dump(), **settings})
    return Engine.open(shop(folder), address(folder), shards=2, runtime="local", settings=bounds)


def see(engine: Engine, *people: str) -> None:
    for person in people:
        engine.track(person, "Seen", {"page": f"{person}-page"}).result(30)
    engine.drain(30)


def test_analyses_are_typed_figures_with_all_that_is_needed_to_read_them(tmp_path: Path) -> None:
    with opened(tmp_path) as engine:
        see(engine, "u1", "u2", "u1")
        insight = engine.insight()

        funnel = insight.funnel("Seen > Seen", within="1h", since=datetime(2026, 1, 1, tzinfo=UTC))

        assert [step.reached for step in funnel.result.steps] == [2, 1]
        assert (funnel.people, funnel.shape.by, funnel.window.to_ms) == (2, "person", None)
        assert funnel.as_of_ms is not None and funnel.window.from_ms == 1767225600000
        assert insight.metric("count Seen", until=LATER).result.value == 3
        assert insight.metric("count Seen", exported=True).result.value == 0
        assert insight.flow("Seen", before=0, after=1).result.columns[0].nodes == {"Seen": 2}
        assert insight.cohort("Seen > Seen", unit="day", periods=1).result.rows[0].people == 2
        assert insight.attribution("Seen", touches="events:Seen", models=["last"]).result.conversions == 3
        report = insight.report("event", "Seen")
        assert [each.rows for each in report.sections] == [[("Seen", 3, 2)]]
        assert insight.report("journey", by="day", live=True).asked.live is False


@pytest.mark.parametrize(
    ("question", "why"),
    [
        (lambda insight: insight.funnel("Sene"), "neither a funnel nor an event is called 'Sene', did you mean 'Seen'"),
        (lambda insight: insight.funnel("Seen", wihtin="1h"), "wihtin"),
        (lambda insight: insight.metric("count Seen", stitch="all"), "stitch='all': True or False is expected"),
        (lambda insight: insight.metric("count Seen", since=datetime(2026, 1, 1)), "is no time with a zone"),  # noqa: DTZ001  # that is what is wrong
        (lambda insight: insight.metric("count Seen", since=LATER, live=True), "without --from and --to"),
        (lambda insight: insight.report("jorney"), "kind='jorney': one of journey, campaign, channel"),
        (lambda insight: insight.report("event", cohort="left"), "cohort='left': one of entered, moved is expected"),
        (lambda insight: insight.report("event", by="northern"), "no segment is called so"),
        (lambda insight: insight.experiment("visit.done"), "has no random split 'done'"),
        (lambda insight: insight.experiment("visit.done", so_fra=True), "did you mean 'so_far'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_question_is_said(question: Any, why: str, tmp_path: Path) -> None:
    with opened(tmp_path) as engine:
        see(engine, "u1")
        with pytest.raises(CallerError, match=why):
            question(engine.insight())


def test_what_takes_too_long_is_told_and_what_comes_then_is_answered(tmp_path: Path) -> None:
    with opened(tmp_path, analysis_timeout_s=1e-6, questions_max=1) as engine:
        see(engine, "u1")
        for _ in range(3):
            with pytest.raises(CallerError, match="longer than analysis_timeout_s, 1e-06 s: ask for less"):
                engine.insight().metric("count Seen")
        assert engine.insight().sql("select count(*) from events").rows == [(1,)]


def test_a_chain_under_way_ends_when_it_takes_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def endlessly(*asked: Any) -> None:
        while True:
            asked[-1]()

    monkeypatch.setattr(attribution, "credit_by_removal", endlessly)
    with opened(tmp_path, analysis_timeout_s=1, questions_max=1) as engine:
        see(engine, "u1")

        with pytest.raises(CallerError, match="longer than analysis_timeout_s, 1 s: ask for less"):
            engine.insight().attribution("Seen", touches="events:Seen", models=["markov"])

        # It would keep the only place for ever.
        assert engine.insight().sql("select count(*) from events").rows == [(1,)]


def test_so_many_are_answered_at_a_time_and_so_many_wait(tmp_path: Path) -> None:
    async def live() -> None:
        bounds = Settings(questions_max=2, questions_waiting_max=1)
        async with Service.open(shop(tmp_path), address(tmp_path), runtime="local", settings=bounds) as service:
            go_on, begun = Event(), asyncio.Semaphore(0)
            loop = asyncio.get_running_loop()

            def held(_warehouse: object, _project: object) -> int:
                loop.call_soon_threadsafe(begun.release)
                assert go_on.wait(60), "nobody has let it go on"
                return 1

            def ask() -> asyncio.Future[int]:
                questions = service._questions
                return asyncio.ensure_future(
                    questions.ask(held, stitch=False, exported=False, timeout_s=60, late="too late")
                )

            under_way = [ask(), ask()]
            await begun.acquire()
            await begun.acquire()
            waiting = ask()
            await asyncio.sleep(0)
            with pytest.raises(Overloaded, match="1 questions about facts are waiting"):
                await service.insight().metric("count Seen")
            assert begun.locked() and not waiting.done()
            go_on.set()
            assert await asyncio.gather(*under_way, waiting) == [1, 1, 1]
            assert (await service.insight().metric("count Seen")).result.value == 0

    asyncio.run(live())


def test_a_service_that_closes_ends_what_is_asked(tmp_path: Path) -> None:
    endless = "select sum(sqrt(a.range + b.range)) from range(10000000) a, range(10000000) b"

    async def live() -> None:
        bounds = Settings(questions_max=1)
        service = Service.open(shop(tmp_path), address(tmp_path), runtime="local", settings=bounds)
        await service.start()
        loop, begun = asyncio.get_running_loop(), asyncio.Event()

        def endlessly(warehouse: Warehouse, _project: object) -> object:
            loop.call_soon_threadsafe(begun.set)
            return [*warehouse.sql(endless).rows]

        asked = service._questions.ask(endlessly, stitch=False, exported=False, timeout_s=60, late="too late")
        under_way = asyncio.ensure_future(asked)
        await begun.wait()
        waiting = asyncio.ensure_future(service.insight().metric("count Seen"))
        await asyncio.sleep(0)
        await service.close()
        ended = await asyncio.gather(under_way, waiting, return_exceptions=True)
        assert isinstance(ended[0], CallerError) and "nterrupt" in str(ended[0])
        assert isinstance(ended[1], EngineClosed)

    asyncio.run(live())


def test_without_the_libraries_the_extra_is_named_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as engine:
        monkeypatch.setattr(opening, "LIBRARIES", ("no_such_library",))
        insight = engine.insight()
        for question in (
            partial(insight.report, "journey"),
            partial(insight.funnel, "Seen"),
            partial(insight.sql, "x"),
        ):
            with pytest.raises(ExtraMissing, match=r"parcours\[insight\]") as caught:
                question()
            assert "\n" not in str(caught.value)
