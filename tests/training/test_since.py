"""What a score was worth by facts: of cases whose time is over, and of nobody whose outcome is told of others."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.projects import write_texts
from tests.training.conftest import BEGIN, STUDIO, booked, line, viewed

from parcours.config import DAY_MS, Settings
from parcours.core.scored import is_sampled
from parcours.errors import CallerError
from parcours.insight.warehouse.opening import open_warehouse
from parcours.insight.warehouse.score_cases import ScoreCase, score_cases
from parcours.insight.warehouse.viewed import Viewed
from parcours.instants import floor_ms
from parcours.journey.project import Project
from parcours.simulation.fact_files import FactFiles
from parcours.simulation.simulation import simulate
from parcours.training.since import since

WITHIN = 7 * DAY_MS

WEEK = datetime.fromtimestamp(-(-floor_ms(BEGIN) // WITHIN) * WITHIN / 1000, BEGIN.tzinfo)
"""The beginning of one of the times of seven days since 1970."""

MODEL = {
    "format": 1,
    "score": "book",
    "kind": "logistic",
    "features": [{"name": "views", "text": 'count("Class Viewed", "30d")'}],
    "intercept": -1,
    "weights": [0.5],
}

SCORES = """\
    scores:
      book:
        predicts: {event: Class Booked, within: 7d}
        features: {views: 'count("Class Viewed", "30d")'}
        model: {file: models/book.json, kind: logistic}
"""

JOURNEY = """\
    journey: likely
    entry: {event: Class Viewed, when: 'score("book") > 0.5'}
    steps: [{id: done, end: true}]
"""

LAST = viewed("last", WEEK + timedelta(days=20))


def facts_of(folder: Path, lines: list[str], settings: Settings, history: str = "used") -> tuple[Project, Path]:
    texts = {
        **STUDIO,
        "parcours.yaml": f"{{project: studio, anonymous_history: {history}}}",
        "scores.yaml": SCORES,
        "journeys/likely.yaml": JOURNEY,
        "models/book.json": json.dumps(MODEL),
    }
    write_texts(folder / "studio", texts)
    project = Project.load(folder / "studio")
    with FactFiles(folder, project.program, None, settings) as files:
        encoded = [each.encode() for each in [*lines, LAST]]
        simulate(project, encoded, facts=files.add, accepted=files.add_events, settings=settings)
        files.write()
    return project, folder / "facts"


def cases_of(folder: Path, lines: list[str], settings: Settings, history: str = "used") -> list[ScoreCase]:
    project, facts = facts_of(folder, lines, settings, history)
    with open_warehouse(facts, Viewed.of(project.program), settings) as warehouse:
        told = score_cases(warehouse, "book", WITHIN, lambda person: is_sampled(person, settings.score_sample))
        return [each for each in told if each.person != "last"]


def told(cases: list[ScoreCase]) -> list[tuple[str, int, bool]]:
    """Whose, in which of the times, and whether it came true."""
    first = floor_ms(WEEK) // WITHIN
    return [(each.person, each.at_ms // WITHIN - first, each.happened) for each in cases]


EVERYBODY = Settings(score_sample=1)


def test_the_first_of_each_time_is_a_case_and_its_end_is_inclusive(tmp_path: Path) -> None:
    moment, week = timedelta(milliseconds=1), timedelta(days=7)
    lines = [
        viewed("at", WEEK), booked("at", WEEK),
        viewed("again", WEEK), viewed("again", WEEK + timedelta(days=3)), viewed("again", WEEK + week),
        booked("again", WEEK + week + week),
        viewed("end", WEEK), booked("end", WEEK + week),
        viewed("late", WEEK), booked("late", WEEK + week + moment),
        viewed("new", WEEK + timedelta(days=14)),
    ]  # fmt: skip

    cases = told(cases_of(tmp_path, lines, EVERYBODY))

    assert cases == [("again", 0, False), ("again", 1, True), ("at", 0, False), ("end", 0, True), ("late", 0, False)]


def anonymous(text: str) -> str:
    return text.replace('"userId"', '"anonymousId"')


def visit(name: str, known: str) -> list[str]:
    """A visitor looks at a class, becomes known a day later, and books."""
    identify = json.loads(line("identify", known, WEEK + timedelta(days=1), traits={}))
    return [
        anonymous(viewed(name, WEEK)),
        json.dumps({**identify, "anonymousId": name}),
        booked(known, WEEK + timedelta(days=2)),
    ]


def names_by_sample(sample: int, prefix: str = "") -> tuple[str, str]:
    """A name of somebody in the sample, and one of somebody who is not."""
    names = [f"p{number}" for number in range(1_000)]
    inside = next(each for each in names if is_sampled(f"{prefix}{each}", sample))
    return inside, next(each for each in names if not is_sampled(f"{prefix}{each}", sample))


def test_who_becomes_somebody_of_whom_it_is_not_told_is_no_case(tmp_path: Path) -> None:
    sampled = Settings(score_sample=5)
    inside, outside = names_by_sample(5)
    first, _ = names_by_sample(5, "@anonymous/")
    second = next(f"q{number}" for number in range(1_000) if is_sampled(f"@anonymous/q{number}", 5))

    cases = told(cases_of(tmp_path, [*visit(first, inside), *visit(second, outside)], sampled))

    assert cases == [(inside, 0, True)]


def test_who_leaves_her_history_behind_is_no_case(tmp_path: Path) -> None:
    assert told(cases_of(tmp_path, visit("v", "sarah"), EVERYBODY, "unused")) == []
    assert told(cases_of(tmp_path, visit("v", "sarah"), EVERYBODY, "used")) == [("sarah", 0, True)]


def test_without_both_outcomes_nothing_can_be_told(tmp_path: Path) -> None:
    project, facts = facts_of(tmp_path, [viewed("p", WEEK)], EVERYBODY)

    with open_warehouse(facts, Viewed.of(project.program), EVERYBODY) as warehouse:
        with pytest.raises(CallerError, match="know of 1 cases of the score 'book' whose time is over, and 0 of them"):
            since(project, "book", warehouse, EVERYBODY)
        with pytest.raises(CallerError, match="there is no score 'bok', did you mean 'book'"):
            since(project, "bok", warehouse, EVERYBODY)
