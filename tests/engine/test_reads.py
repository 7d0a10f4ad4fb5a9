"""Which reads does an engine make, of those that passed while a journey took nobody?"""

from __future__ import annotations

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


@pytest.mark.parametrize("leave", [Engine.close_journey, Engine.stop_journey])
def test_what_passed_while_a_journey_took_nobody_is_not_read_when_it_is_open_again(
    letters: Project, tmp_path: Path, leave: Callable[[Engine, str], None]
) -> None:
    clock, store = ManualClock(NINE_MS - 20), f"sqlite:///{tmp_path / 'store'}"

    def until_day(engine: Engine, day: int) -> None:
        clock.move_to(NINE_MS + day * DAY_MS)
        for _ in range(LOOKS_MAX):
            if day in days_entered(engine):
                return
            clock.move_to(clock.now_ms() + 1)  # each look goes through the engine, which goes on meanwhile
        raise AssertionError(f"nobody has entered on day {day}")

    with Engine.open(letters, store, runtime="local", clock=clock) as engine:
        engine.identify("anna", {"city": "Oslo"}).result(30)
        until_day(engine, 0)
        leave(engine, "letter")
        clock.move_to(NINE_MS + 3 * DAY_MS + 1)
        engine.publish(letters)
    with Engine.open(letters, store, runtime="local", clock=clock) as engine:
        until_day(engine, 4)

        assert days_entered(engine) == [0, 4]
