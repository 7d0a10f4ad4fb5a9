"""Which reads does an engine make, of those that passed while it was closed, or while a journey took nobody?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from parcours.clock import ManualClock
from parcours.journey.model.document import AudiencesDocument, JourneyDocument, ProfileDocument, ProjectDocument
from parcours.journey.project import Project
from parcours.service.engine import Engine

NINE_MS = 1_767_258_000_000
"""2026-01-01T09:00Z, the instant of the first read."""

DAY_MS = 86_400_000
LOOKS_MAX = 100_000


@pytest.fixture
def letters() -> Project:
    """Each morning everybody in Oslo gets a letter."""
    entry = {"read": "oslo", "at": "2026-01-01T09:00:00Z", "rule": "FREQ=DAILY"}
    return Project.of(
        ProjectDocument(project="shop"),
        ProfileDocument(traits={"city": "string"}),
        audiences=AudiencesDocument(audiences={"oslo": 'profile.city == "Oslo"'}),
        journeys=[
            JourneyDocument.model_validate(
                {"journey": "letter", "entry": entry, "steps": [{"id": "done", "end": True}]}
            )
        ],
    )


def days_entered(engine: Engine) -> list[int]:
    profile = engine.profile("anna")
    return [(run.entered_at - NINE_MS) // DAY_MS for run in profile.past] if profile else []


def until_day(engine: Engine, clock: ManualClock, day: int) -> None:
    """Somebody enters by the read of this day; it is the day already, or soon is."""
    clock.move_to(max(clock.now_ms(), NINE_MS + day * DAY_MS))
    for _ in range(LOOKS_MAX):
        if day in days_entered(engine):
            return
        clock.move_to(clock.now_ms() + 1)  # each look goes through the engine, which goes on meanwhile
    raise AssertionError(f"nobody has entered on day {day}")


def test_of_reads_that_passed_while_the_engine_was_closed_the_newest_is_made_up_for(
    letters: Project, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, store = ManualClock(NINE_MS - 20), f"sqlite:///{tmp_path / 'store'}"
    with Engine.open(letters, store, runtime="local", clock=clock) as engine:
        engine.identify("anna", {"city": "Oslo"}).result(30)
    clock.move_to(NINE_MS + 3 * DAY_MS + 1_000)

    with Engine.open(letters, store, runtime="local", clock=clock) as engine:
        engine.identify("anna", {"city": "Rome"}).result(30)  # since the newest instant she has moved
        until_day(engine, clock, 3)

        assert days_entered(engine) == [3]
    assert "'letter' has missed 3 reads of its audience" in caplog.text


def test_an_engine_on_a_new_store_makes_no_read_of_before_it_was_opened(letters: Project, tmp_path: Path) -> None:
    clock = ManualClock(NINE_MS + 3 * DAY_MS + 1)

    with Engine.open(letters, f"sqlite:///{tmp_path / 'store'}", runtime="local", clock=clock) as engine:
        engine.identify("anna", {"city": "Oslo"}).result(30)
        until_day(engine, clock, 4)

        assert days_entered(engine) == [4]


def test_a_read_whose_instant_passed_just_before_a_change_is_made(letters: Project, tmp_path: Path) -> None:
    clock, store = ManualClock(NINE_MS - 20), f"sqlite:///{tmp_path / 'store'}"
    with Engine.open(letters, store, runtime="local", clock=clock) as engine:
        engine.identify("anna", {"city": "Oslo"}).result(30)
    clock.move_to(NINE_MS + 1)
    documents = json.loads(letters.to_json())
    documents["audiences"]["audiences"]["oslo"] = 'profile.city == "Rome"'

    with Engine.open(Project.from_json(json.dumps(documents).encode()), store, runtime="local", clock=clock) as engine:
        until_day(engine, clock, 0)  # by the audience that was published at the instant
        assert days_entered(engine) == [0]


@pytest.mark.parametrize("leave", [Engine.close_journey, Engine.stop_journey])
def test_what_passed_while_a_journey_took_nobody_is_not_read_when_it_is_open_again(
    letters: Project, tmp_path: Path, leave: Callable[[Engine, str], None]
) -> None:
    clock, store = ManualClock(NINE_MS - 20), f"sqlite:///{tmp_path / 'store'}"

    with Engine.open(letters, store, runtime="local", clock=clock) as engine:
        engine.identify("anna", {"city": "Oslo"}).result(30)
        until_day(engine, clock, 0)
        leave(engine, "letter")
        clock.move_to(NINE_MS + 3 * DAY_MS + 1)
        engine.publish(letters)
    with Engine.open(letters, store, runtime="local", clock=clock) as engine:
        until_day(engine, clock, 4)

        assert days_entered(engine) == [0, 4]
