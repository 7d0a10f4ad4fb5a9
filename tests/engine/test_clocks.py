"""Does an engine keep right what people wait for when the machine's clock is wrong, and say so meanwhile?"""

from __future__ import annotations

from pathlib import Path

import pytest

from parcours import Engine, Project
from parcours.clock import MS_NS, SystemClock
from parcours.config import Settings
from parcours.journey.model.document import EventsDocument, JourneyDocument, ProfileDocument, ProjectDocument

START_MS = 1_800_000_000_000
SECOND, HOUR, DAY = 1_000, 3_600_000, 86_400_000


class Machine:
    """What a machine's clocks show; one that is wrong is off by so much."""

    def __init__(self) -> None:
        self.passed_ms = self.off_ms = 0

    def now_ms(self) -> int:
        return START_MS + self.passed_ms + self.off_ms

    def clock(self) -> SystemClock:
        return SystemClock(
            Settings().clock_jump_max_ms,
            wall_ns=lambda: self.now_ms() * MS_NS,
            steady_ns=lambda: self.passed_ms * MS_NS,
        )


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store'}"


def open_local(store: str, clock: SystemClock | Machine) -> Engine:
    waiting = {"journey": "j", "entry": {"event": "Ping"}, "steps": [{"id": "w", "wait": "2s"}]}
    project = Project.of(
        ProjectDocument(project="shop"),
        ProfileDocument(),
        events=EventsDocument.model_validate({"events": {"Ping": {}}}),
        journeys=[JourneyDocument.model_validate(waiting)],
    )
    return Engine.open(project, store, shards=2, runtime="local", clock=clock)


def is_waiting(engine: Engine, person: str) -> bool:
    engine.drain(30)
    found = engine.profile(person)
    assert found is not None
    return bool(found.runs)


def test_a_clock_that_was_a_day_ahead_for_one_event_delays_nobody(machine: Machine, store: str) -> None:
    with open_local(store, machine.clock()) as engine:
        machine.off_ms = DAY
        engine.track("anna", "Ping").result()
        assert ["jumped ahead by 86,400 s" in each for each in engine.troubles()] == [True, True]  # by both shards
        machine.off_ms = 0
        engine.track("bert", "Ping").result()
        assert engine.troubles() == []

        machine.passed_ms += 2 * SECOND
        assert is_waiting(engine, "anna") and is_waiting(engine, "bert")  # not earlier either
        machine.passed_ms += 1
        assert not is_waiting(engine, "anna") and not is_waiting(engine, "bert")

    with open_local(store, machine.clock()) as engine:
        engine.track("anna", "Ping").result()
        machine.passed_ms += 2 * SECOND + 1
        assert not is_waiting(engine, "anna")


def test_a_clock_that_was_set_back_makes_waits_a_little_longer_and_is_told(machine: Machine, store: str) -> None:
    with open_local(store, machine.clock()) as engine:
        engine.track("anna", "Ping").result()
        machine.off_ms = -HOUR
        engine.track("bert", "Ping").result()
        assert "3,600 s behind the engine's time" in engine.troubles()[0]

        machine.passed_ms += 2 * SECOND
        assert is_waiting(engine, "anna")
        machine.passed_ms += SECOND // 40
        assert not is_waiting(engine, "anna") and not is_waiting(engine, "bert")


def test_an_engine_that_opens_behind_its_last_stamp_goes_on_from_there(machine: Machine, store: str) -> None:
    machine.off_ms = DAY  # for all of a life: that cannot be told from the truth
    with open_local(store, machine.clock()) as engine:
        engine.track("anna", "Ping").result()
        assert engine.troubles() == []

    machine.off_ms = 0
    with open_local(store, machine.clock()) as engine:
        assert "86,400 s behind the engine's time" in engine.troubles()[0]
        engine.track("bert", "Ping").result()
        machine.passed_ms += 2 * SECOND + SECOND // 40
        assert not is_waiting(engine, "anna") and not is_waiting(engine, "bert")


def test_a_clock_of_ones_own_that_goes_back_is_told_of(machine: Machine, store: str) -> None:
    with open_local(store, machine) as engine:
        machine.off_ms = DAY
        engine.track("anna", "Ping").result()
        machine.off_ms = 0

        assert "86,400 s behind the engine's time" in engine.troubles()[0]
