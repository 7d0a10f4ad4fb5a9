"""Does the page on places say what is so? Its blocks run, and its reasons and bounds are those of the engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from parcours.config import Settings
from parcours.core.places.visits import Ignored, Untold, Why
from parcours.insight.place_words import UNHEARD
from parcours.journey.model.places import PLACES_MAX, POLYGON_POINTS_MAX, PlaceRulesDocument
from parcours.journey.places import PlaceRules

PAGE = Path(__file__).parents[2] / "engine" / "docs" / "places.md"


def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    defined: dict[str, Any] = {"__name__": "places"}
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert [kind for kind, _ in blocks] == ["python"] * 3

    for _, text in blocks:
        exec(compile(text, PAGE.name, "exec"), defined)


def test_the_page_has_every_reason_for_which_a_position_is_ignored() -> None:
    _, _, table = PAGE.read_text().partition("| reason | when |")

    named = re.findall(r"^\| `(\w+)` \|", table.partition("\n## ")[0], re.MULTILINE)

    assert named == [*get_args(Ignored), *get_args(Untold)]
    assert named == [*UNHEARD], "explain has words for each"
    assert [f"`{why}`" in PAGE.read_text() for why in get_args(Why)] == [True, True, True]


def test_the_rules_of_the_page_are_those_that_hold_without_a_word() -> None:
    (defaults,) = re.findall(r"^defaults: \{(.*)\}$", PAGE.read_text(), re.MULTILINE)
    rules = PlaceRulesDocument.model_validate(dict(each.split(": ") for each in defaults.split(", ")))

    usual = PlaceRules()

    assert (rules.enter_after, rules.leave_after) == (usual.enter_after_ms, usual.leave_after_ms)
    assert (rules.margin, rules.accuracy_max) == (usual.margin_m, usual.accuracy_max_m)
    assert (rules.silent_after, rules.first) == (usual.silent_after_ms, "enters")
    assert not usual.is_first_quiet


def test_the_bounds_of_the_page_are_those_of_the_engine() -> None:
    text = PAGE.read_text()

    assert f"{PLACES_MAX:,} places" in text and f"{POLYGON_POINTS_MAX:,} corners" in text
    assert f"`places_of_person_max` ({Settings().places_of_person_max})" in text
