"""A project that is made short keeps its steps and ways, and nobody waits for longer than the limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

import pytest

from parcours import Project
from parcours.config import DAY_MS, HOUR_MS
from parcours.core.fact import Moved
from parcours.dispatch.recorded_rendering import RecordedRendering
from parcours.examples import EXAMPLES
from parcours.journey.campaign_steps import OwnSend, Reacted, WaitAll
from parcours.journey.program import Program, Wait, WaitDuration, WaitFor
from parcours.simulation.simulation import simulate
from parcours.testing.shortened import shortened

LIMIT_MS = 10_000

SHIPPED = {
    **{name: Path(str(files("parcours.examples") / name)) for name in EXAMPLES},
    "luma": Path(str(files("parcours.demo") / "luma")),
}


@pytest.fixture(scope="module")
def projects() -> dict[str, Project]:
    return {name: Project.load(folder) for name, folder in SHIPPED.items()}


def waits(program: Program) -> Iterator[tuple[str, str, int | None]]:
    """Each wait and time-out: of what, at which step, and for how long; None where that is not known before."""
    for journey in program.journeys:
        for step in journey.steps.values():
            if isinstance(step, WaitFor) and step.timeout_ms is not None:
                yield journey.name, step.id, step.timeout_ms
            elif isinstance(step, Wait):
                yield journey.name, step.id, step.duration_ms if isinstance(step, WaitDuration) else None
    for campaign in program.campaigns:
        for each in campaign.steps.values():
            if isinstance(each, WaitAll):
                duration = each.wait.duration_ms if isinstance(each.wait, WaitDuration) else None
                yield campaign.name, each.id, duration
            elif isinstance(each, Reacted) and isinstance(each.of, OwnSend):
                yield campaign.name, each.id, each.of.within_ms


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_longer_is_cut_and_what_is_shorter_stays(name: str, projects: dict[str, Project]) -> None:
    project = projects[name]
    before = list(waits(project.program))

    after = list(waits(shortened(project, LIMIT_MS).program))

    assert after == [(of, step, LIMIT_MS if length is None else min(length, LIMIT_MS)) for of, step, length in before]
    assert list(waits(project.program)) == before, "the project itself stays as it is"


@pytest.mark.parametrize("name", SHIPPED)
def test_nothing_else_is_changed(name: str, projects: dict[str, Project]) -> None:
    project = projects[name]

    short = shortened(project, LIMIT_MS)

    assert short.documents is project.documents and short.folder == project.folder
    for part in fields(Program):
        if part.name not in ("journeys", "campaigns", "entered_by", "_versions"):
            assert getattr(short.program, part.name) == getattr(project.program, part.name), part.name
    for cause, journeys in project.program.entered_by.items():
        of_short = {each.name: each for each in short.program.journeys}
        assert short.program.entered_by[cause] == tuple(of_short[each.name] for each in journeys)
    for was, now in zip(project.program.journeys, short.program.journeys, strict=True):
        assert list(now.steps) == list(was.steps)
        assert [each.id for each in now.steps.values()] == [each.id for each in was.steps.values()]
        for part in fields(was):
            assert part.name == "steps" or getattr(now, part.name) is getattr(was, part.name), part.name
        kept = [step for step in was.steps.values() if not isinstance(step, Wait | WaitFor)]
        assert [now.steps[step.id] for step in kept] == kept


@pytest.mark.parametrize("name", SHIPPED)
def test_a_limit_beyond_every_wait_of_a_known_length_changes_none_of_them(
    name: str, projects: dict[str, Project]
) -> None:
    project = projects[name]
    known = [each for each in waits(project.program) if each[2] is not None]

    after = waits(shortened(project, 10**12).program)

    assert [each for each in after if each[2] != 10**12] == known


def test_a_journey_of_days_ends_the_same_day(projects: dict[str, Project]) -> None:
    project = projects["abandoned-cart"]
    lines = (SHIPPED["abandoned-cart"] / "events.ndjson").read_bytes().splitlines()[:4]  # all that sarah does

    lengths_ms = []
    for each in (project, shortened(project, LIMIT_MS)):
        happened = simulate(each, lines, rendering=RecordedRendering.of(each, keep=False)).facts
        moves = [fact for fact in happened if isinstance(fact, Moved)]
        assert moves[-1].what == "ended"
        lengths_ms.append(moves[-1].at - moves[0].at)

    assert lengths_ms[0] > 2 * DAY_MS and lengths_ms[1] < 12 * HOUR_MS, "quiet hours are as long as they are"
