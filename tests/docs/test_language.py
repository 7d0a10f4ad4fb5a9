"""Is the language reference whole, up to date, and are its examples true?"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from pydantic import BaseModel
from tests.docs import language_examples as examples
from tests.docs.language_page import PAGE, files, models, page

from parcours.config import Settings
from parcours.dispatch.judgement import Judgement
from parcours.dispatch.registry import Registry
from parcours.expression import functions, history, macros
from parcours.expression.expression import Scope, compile_expression, to_json
from parcours.expression.values import Limits, Scored
from parcours.instants import floor_ms
from parcours.journey.model.kinds import DOCUMENTS
from parcours.journey.model.steps import STEP_KINDS
from parcours.journey.project import Project
from parcours.journey.read.schema import schema
from parcours.simulation.simulation import simulate
from parcours.testing.cases.document import cases_schema
from parcours.testing.cases.read import read_cases
from parcours.testing.cases.run import run_cases, verdict_lines

ORDERS = [(floor_ms(datetime.fromisoformat(at)), total) for at, total in examples.ORDERS]


class OrderedTwice:
    """The history of somebody who has agreed to mails."""

    def _within(self, window_ms: int, now_ms: int) -> list[int]:
        return [total for at_ms, total in ORDERS if at_ms > now_ms - window_ms]

    def count(self, key: str, window_ms: int, now_ms: int) -> int:
        return len(self._within(window_ms, now_ms))

    def sum(self, key: str, window_ms: int, now_ms: int) -> float:
        return sum(self._within(window_ms, now_ms))

    def last(self, key: str) -> int | None:
        return ORDERS[-1][0]

    def next_exit(self, key: str, window_ms: int, now_ms: int) -> int | None:
        return None

    def consent(self, channel: str, purpose: str) -> bool:
        return (channel, purpose) == ("email", "cart")

    def inside(self, audience: str, now_ms: int, limits: Limits) -> bool:
        return audience == "buyers"

    def scored(self, score: str, now_ms: int, limits: Limits) -> Scored | None:
        return Scored(0.75, 1.098612, "high") if score == "reorder" else None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the page's examples on disk."""
    folder: Path = tmp_path_factory.mktemp("language")
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture(scope="module")
def project(folder: Path) -> Project:
    """The same, which is in order."""
    assert Judgement(Registry.installed()).findings(folder) == []
    return Project.load(folder)


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.docs.language_page`"


@pytest.mark.parametrize("model", [*models(), Settings], ids=lambda model: model.__name__)
def test_each_field_says_what_it_is(model: type[BaseModel]) -> None:
    silent = [name for name, field in model.model_fields.items() if not (field.description or "").endswith(".")]

    assert silent == []


@pytest.mark.parametrize("kind", [*DOCUMENTS, "tests"])
def test_an_editor_shows_the_same_sentences(kind: str) -> None:
    whole = cases_schema() if kind == "tests" else schema(kind)
    objects = [whole, *whole.get("$defs", {}).values()]

    assert [
        key for each in objects for key, field in each.get("properties", {}).items() if "description" not in field
    ] == []


def test_every_example_stands_on_the_page_and_every_model_too() -> None:
    text = page()

    assert [name for name, example in files().items() if example.splitlines()[-2] not in text] == []
    named = [field.alias or name for model in models() for name, field in model.model_fields.items()]
    assert [name for name in named if f"| `{name}` |" not in text] == []
    assert [kind for kind in STEP_KINDS if f"### `{kind}`" not in text] == []


def test_the_journeys_of_the_examples_are_entered(project: Project) -> None:
    lines = [
        (
            b'{"type":"identify","userId":"sarah","timestamp":"2026-03-02T08:00:00Z","traits":'
            b'{"email":"s@example.com","city":"Paris","tier":"gold","renewal":"2026-05-01T00:00:00Z"}}'
        ),
        (
            b'{"type":"track","userId":"sarah","event":"Checkout Started","timestamp":"2026-03-02T09:30:00Z",'
            b'"properties":{"cart_id":"c1","cart":{"total":80}}}'
        ),
        (
            b'{"type":"track","userId":"sarah","event":"Order Completed","timestamp":"2026-03-09T09:30:00Z",'
            b'"properties":{"cart_id":"c1","total":80}}'
        ),
    ]

    summary = simulate(project, lines).summary

    assert [name for name, count in summary.journeys.items() if not count.entered] == []
    assert summary.channels["email"]["sent"] > 1


def test_the_test_of_the_examples_passes(project: Project, folder: Path) -> None:
    cases, findings = read_cases(project, folder)

    assert findings == [] and len(cases) == 3
    assert [
        line for verdict in run_cases(project, cases) if not verdict.passed for line in verdict_lines(verdict)
    ] == []


def test_every_function_has_an_example() -> None:
    known = {*functions.FUNCTIONS, *functions.METHODS, *history.FUNCTIONS, *macros.MACROS, "has", "default"}

    assert set(examples.FUNCTIONS) == known


@pytest.mark.parametrize("name", examples.FUNCTIONS)
def test_an_example_of_a_function_has_the_value_that_is_said(name: str) -> None:
    text, value, _ = examples.FUNCTIONS[name]
    scope = Scope(
        event=examples.SCOPE_EVENT,
        profile=examples.SCOPE_PROFILE,
        now_ms=floor_ms(datetime.fromisoformat(examples.NOW)),
        history=OrderedTwice(),
    )

    assert name in text
    assert to_json(compile_expression(text).value(scope)) == value


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_is_set_by_its_name(name: str) -> None:
    default = Settings.model_fields[name].default

    assert Settings.model_validate({name: default}) == Settings()
