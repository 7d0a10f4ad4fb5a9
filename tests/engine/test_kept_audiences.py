"""Audiences that are kept up to date from funnels, in a running engine: made at their instants, once, and explained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from tests.engine.test_campaigns import going_on, until
from tests.simulation.campaign_shop import BEGIN_MS, DAY_MS, HOUR_MS, at, told
from tests.simulation.test_kept_audiences import keeping, members, shop
from typer.testing import CliRunner

from parcours import Engine, Settings
from parcours.campaigns import live_runs
from parcours.campaigns.run_place import RunPlace, kept_runs
from parcours.campaigns.sets.plain_sets import names_of
from parcours.cli import build
from parcours.clock import ManualClock
from parcours.core.fact import Changed
from parcours.core.time_text import time_text
from parcours.errors import CallerError, ExtraMissing, PublishRefused, StoreBroken
from parcours.insight.warehouse.warehouse import Warehouse
from parcours.journey.campaign_steps import FunnelAsked
from parcours.journey.project import Project
from parcours.service import campaigns_of_host, found_people
from parcours.service.found_people import FoundPeople

AT_MS = BEGIN_MS + HOUR_MS
PEOPLE = 12


def call(number: int, kind: str = "", **more: Any) -> dict[str, Any]:
    if kind:
        return {"type": "track", "userId": f"u{number}", "event": kind, "properties": {}, **more}
    return {"type": "identify", "userId": f"u{number}", "traits": {"email": f"u{number}@mail.example"}, **more}


FIRST = [*(call(each) for each in range(PEOPLE)), *(call(each, "Seen") for each in range(PEOPLE))]
FIRST += [call(each, "Bought") for each in range(0, PEOPLE, 3)]
LATER = [call(1, "Bought"), call(2, "Bought")]

LOST = [f"u{each}" for each in range(PEOPLE) if each % 3]
STILL_LOST = [each for each in LOST if each not in ("u1", "u2")]


@contextmanager
def opened(project: Project, store: Path, clock: ManualClock, shards: int = 2, **more: Any) -> Iterator[Engine]:
    settings = Settings(export_lag_max_ms=30 * DAY_MS, **more)  # the clock is moved by hours
    with Engine.open(
        project, f"sqlite:///{store}", runtime="local", shards=shards, records=["email", "sms"], clock=clock,
        settings=settings,
    ) as engine, going_on(clock):  # fmt: skip
        yield engine


def changes(engine: Engine) -> list[tuple[str, str | None, int]]:
    facts = [fact for each in range(PEOPLE) for fact in engine.facts(f"u{each}")]
    return sorted(
        (each.person, each.value, each.at) for each in facts if isinstance(each, Changed) and each.what == "audience"
    )


def inside(engine: Engine) -> list[str]:
    found: dict[str, bool] = {}
    for who, what, _ in sorted(changes(engine), key=lambda each: each[2]):
        found[who] = what == "entered"
    return sorted((who for who, is_inside in found.items() if is_inside), key=lambda who: int(who[1:]))


def runs(store: Path) -> list[RunPlace]:
    return kept_runs(store / "campaigns" / "kept.almost")


def are_inside(engine: Engine, people: list[str]) -> None:
    """Return once they are, and nobody else: what a run has saved holds from an instant on that may be to come."""
    until(lambda: inside(engine) == people)


def over(store: Path, number: int = 1) -> RunPlace:
    until(lambda: len(runs(store)) >= number and runs(store)[number - 1].ended is not None)
    return runs(store)[number - 1]


@pytest.mark.parametrize("shards", [1, 2, 8])
def test_it_is_made_of_what_has_happened_by_each_instant(tmp_path: Path, shards: int) -> None:
    project, store, clock = shop(tmp_path / "shop", keeping()), tmp_path / "store", ManualClock(BEGIN_MS)
    with opened(project, store, clock, shards) as engine:
        engine.ingest(FIRST).result()
        clock.move_to(AT_MS - 50)
        first = over(store)
        engine.ingest(LATER).result()
        are_inside(engine, LOST)

        clock.move_to(AT_MS + DAY_MS - 50)
        second = over(store, 2)
        are_inside(engine, STILL_LOST)

        assert (first.began, first.state, second.began, second.state) == (AT_MS, "done", AT_MS + DAY_MS, "done")
        assert len({time for _, _, time in changes(engine)}) == 2, "each save holds from one instant on"
        assert engine.audience("almost").size == len(STILL_LOST)
        moves = [each for each in engine.explain("u4").journeys if each.journey == "greeting"]
        assert moves, "the journey that is entered by the audience has her"
        told_of = [(each.campaign, each.run, each.step, each.outputs, each.why) for each in engine.explain("u2").sets]
        why = "among lost:1 of the funnel buying"
        assert told_of == [
            ("kept.almost", 1, "people", ("main",), why), ("kept.almost", 1, "save", ("main",), ""),
            ("kept.almost", 2, "people", (), f"not {why}"),
        ]  # fmt: skip
        assert engine.troubles() == []

    simulated = [each | {"timestamp": time_text(BEGIN_MS)} for each in FIRST]
    simulated += [each | {"timestamp": at(2)} for each in LATER]
    found = members(told(project, simulated, shards=shards, until_ms=AT_MS + DAY_MS + 1_000))
    assert {(who, what) for who, what, _ in found} == {(who, "entered") for who in LOST} | {
        ("u1", "left"),
        ("u2", "left"),
    }


def test_a_preview_tells_who_would_be_in_it_now_and_nobody_is(tmp_path: Path) -> None:
    project, store, clock = shop(tmp_path / "shop", keeping()), tmp_path / "store", ManualClock(BEGIN_MS)
    with opened(project, store, clock) as engine:
        engine.ingest(FIRST).result()
        until(lambda: engine.insight().metric("people Seen").result.value == PEOPLE)

        previewed = engine.preview_campaign("kept.almost", PEOPLE)

        assert previewed.foreseen.steps["save"].outputs == {"main": len(LOST)}
        assert sorted(str(row["person"]) for row in previewed.foreseen.sample["people"]) == sorted(LOST)
        assert changes(engine) == [] and runs(store) == []
        with pytest.raises(CallerError, match="makes an audience that is kept up to date"):
            engine.prove_campaign("kept.almost", "save", "u1", "me@example.com")


def test_of_instants_that_were_missed_the_newest_is_made_up_for(tmp_path: Path) -> None:
    project, store, clock = shop(tmp_path / "shop", keeping()), tmp_path / "store", ManualClock(BEGIN_MS)
    with opened(project, store, clock) as engine:
        engine.ingest(FIRST).result()
    clock.move_to(AT_MS + 2 * DAY_MS + HOUR_MS)

    with opened(project, store, clock) as engine:
        assert over(store).began == AT_MS + 2 * DAY_MS
        are_inside(engine, LOST)
        state = engine.campaign("kept.almost")
        assert state.not_begun == {AT_MS: "missed", AT_MS + DAY_MS: "missed"}
        assert (state.state, [run.number for run in state.runs]) == ("open", [1])


def test_facts_that_cannot_be_asked_are_asked_again_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, store, clock = shop(tmp_path / "shop", keeping()), tmp_path / "store", ManualClock(BEGIN_MS)
    monkeypatch.setattr(live_runs, "RETRY_S", 0.05)
    asking, failures = FoundPeople.__call__, [1, 3]  # how often it fails at each instant

    async def failing(found: FoundPeople, asked: FunnelAsked, at: int) -> list[str]:
        number = len([each for each in runs(store) if each.ended is not None])
        if number < len(failures) and failures[number]:
            failures[number] -= 1
            raise StoreBroken("the files are gone")
        return await asking(found, asked, at)

    monkeypatch.setattr(FoundPeople, "__call__", failing)
    with opened(project, store, clock, kept_attempts_max=3) as engine:
        engine.ingest(FIRST).result()
        clock.move_to(AT_MS - 50)
        assert over(store).state == "done", "it was asked again"
        are_inside(engine, LOST)

        engine.ingest(LATER).result()
        clock.move_to(AT_MS + DAY_MS - 50)
        assert over(store, 2).state == "failed"
        why = "kept_attempts_max=3 attempts have failed, the last one so: the files are gone"
        trouble = f"the audience 'almost' was not made at {time_text(AT_MS + DAY_MS)}: {why}"
        assert engine.troubles() == [trouble]
        assert inside(engine) == LOST, "it stays as it was"

    with opened(project, store, clock) as engine:
        until(engine.troubles)  # which is known once it has been looked what runs there were
        assert engine.troubles() == [trouble]
        clock.move_to(AT_MS + 2 * DAY_MS - 50)
        assert over(store, 3).state == "done"
        are_inside(engine, STILL_LOST)
        assert engine.troubles() == []


def test_a_question_that_takes_too_long_is_an_attempt_that_has_failed(tmp_path: Path) -> None:
    project, store, clock = shop(tmp_path / "shop", keeping()), tmp_path / "store", ManualClock(BEGIN_MS)
    with opened(project, store, clock, kept_attempts_max=1, analysis_timeout_s=1e-6) as engine:
        engine.ingest(FIRST).result()
        clock.move_to(AT_MS - 50)
        assert over(store).state == "failed"
        (trouble,) = engine.troubles()
        assert "the audience 'almost' was not made" in trouble
        assert (
            "the last one so: the people of the funnel take longer to find than analysis_timeout_s, 1e-06 s" in trouble
        )

    with opened(project, store, clock) as engine:
        clock.move_to(AT_MS + DAY_MS - 50)
        assert over(store, 2).state == "done"
        are_inside(engine, LOST)


def test_an_engine_that_closes_while_facts_are_asked_asks_again_when_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, store, clock = shop(tmp_path / "shop", keeping()), tmp_path / "store", ManualClock(BEGIN_MS)
    endless, begun = "select sum(sqrt(a.range + b.range)) from range(10000000) a, range(10000000) b", Event()

    def endlessly(warehouse: Warehouse, *_arguments: object) -> list[str]:
        begun.set()
        return [str(each) for rows in warehouse.sql(endless).rows for each in rows]

    with monkeypatch.context() as patched, opened(project, store, clock, kept_attempts_max=1) as engine:
        patched.setattr(found_people, "found_at", endlessly)
        engine.ingest(FIRST).result()
        clock.move_to(AT_MS - 50)
        assert begun.wait(60), "facts are not asked"

    with opened(project, store, clock, kept_attempts_max=1) as engine:
        assert over(store).state == "done", "what was interrupted is no attempt"
        are_inside(engine, LOST)


def test_an_audience_that_is_kept_no_more_stays_as_it_is(tmp_path: Path) -> None:
    project, store, clock = shop(tmp_path / "shop", keeping()), tmp_path / "store", ManualClock(BEGIN_MS)
    with opened(project, store, clock) as engine:
        engine.ingest(FIRST).result()
        clock.move_to(AT_MS - 50)
        over(store)
        engine.publish(shop(tmp_path / "other", {"funnels": keeping()["funnels"]}))
        clock.move_to(AT_MS + DAY_MS + HOUR_MS)
        engine.drain(30)

        assert len(runs(store)) == 1
        are_inside(engine, LOST)
        assert "kept.almost" not in {each.campaign for each in engine.campaigns()}
        assert [each.campaign for each in engine.explain("u1").sets] == ["kept.almost", "kept.almost"]


def test_a_store_in_memory_says_that_it_keeps_none(tmp_path: Path) -> None:
    project, clock = shop(tmp_path / "shop", keeping()), ManualClock(BEGIN_MS)
    with (
        Engine.open(project, "memory:", runtime="local", records=["email", "sms"], clock=clock) as engine,
        going_on(clock),
    ):
        clock.move_to(AT_MS)
        until(engine.troubles)

        (trouble,) = engine.troubles()
        assert "the audience 'almost' was not made" in trouble and "the store lies in memory" in trouble


def test_whoever_is_erased_is_in_no_file_of_it(tmp_path: Path) -> None:
    project, store, clock = shop(tmp_path / "shop", keeping()), tmp_path / "store", ManualClock(BEGIN_MS)
    with opened(project, store, clock) as engine:
        engine.ingest(FIRST).result()
        clock.move_to(AT_MS - 50)
        over(store)

        engine.erase("u1")
        folder = store / "campaigns"

        def names() -> set[str]:
            return {name for path in folder.rglob("*.parquet") for name in names_of(path)}

        until(lambda: "u1" not in names())
        assert names() == {*LOST} - {"u1"}


def test_without_the_extra_nothing_that_keeps_an_audience_is_checked_opened_or_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = shop(tmp_path / "shop", keeping())
    with Engine.open(shop(tmp_path / "other", {}), "memory:", runtime="local", records=["email", "sms"]) as engine:
        monkeypatch.setattr(campaigns_of_host, "find_spec", lambda name: None if name == "zstandard" else name)
        why = r"An audience that is kept up to date from a funnel needs the extra \[insight\]"

        with pytest.raises(PublishRefused, match=why):
            engine.publish(project)
    with pytest.raises(ExtraMissing, match=why):
        Engine.open(project, "memory:", runtime="local", records=["email", "sms"])
    checked = CliRunner().invoke(build(), ["check", str(tmp_path / "shop")])
    assert checked.exit_code == 1 and "needs the extra [insight]" in checked.stdout
