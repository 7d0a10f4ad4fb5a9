"""What scores say in the conditions of journeys: of whom, as of when, by which model, and how often it is computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from parcours.config import DAY_MS
from parcours.core.history import PersonHistory
from parcours.expression.expression import MISSING, Scope, compile_expression
from parcours.journey.project import Project
from parcours.scoring.margins import probability_of
from parcours.scoring.model import ModelFeature, ScoreModel

if TYPE_CHECKING:
    from tests.core.conftest import Begin, Control

SEEN = 'count("Seen", "7d")'

BUY: dict[str, Any] = {
    "predicts": {"event": "Bought", "within": "14d"},
    "features": {"views": SEEN, "age": {"value": "profile.score", "missing": 2}},
    "model": {"file": "buy.json", "kind": "logistic"},
    "bands": [0.4, 0.9],
}

MODEL = ScoreModel(
    format=1,
    score="buy",
    kind="logistic",
    features=(ModelFeature("views", SEEN), ModelFeature("age", "profile.score", missing=2.0)),
    intercept=-3.0,
    weights=(1.0, 0.5),
)

TRIP = """
journey: trip
entry: {event: Start}
reentry: always
steps:
  - {id: pick, branch: [{when: 'band("buy") == "high"', next: high}, {when: 'score("buy") > 0.4', next: medium}]}
  - {id: low, end: true}
  - {id: medium, end: true}
  - {id: high, end: true}
"""

Shop = Callable[..., Project]


def scored(shop: Shop, journeys: str = TRIP, buy: dict[str, Any] | None = None, **more: Any) -> Project:
    """The shop with these journeys and the score `buy`."""
    return shop(journeys, scores={"buy": {**BUY, **(buy or {})}}, **{"models": {"buy.json": MODEL}, **more})


def ways(control: Control) -> list[str | None]:
    return [step for _, step in control.story.steps() if step in ("low", "medium", "high")]


def test_a_branch_goes_by_what_the_person_has_done_until_then(shop: Shop, begin: Begin) -> None:
    control = begin(scored(shop))

    control.story.event(1, "Start").event(2, "Seen").event(3, "Seen").event(4, "Start")
    for at in range(5, 10):
        control.story.event(at, "Seen")
    control.story.event(10, "Start").event(10 + 7 * DAY_MS, "Start")

    assert ways(control) == ["low", "medium", "high", "low"]  # by 0, 2, 7 and 0 views, with 1 for the age besides


def test_a_condition_of_entry_asks_with_the_event_at_hand(shop: Shop, begin: Begin) -> None:
    journey = "{journey: trip, entry: {event: Seen, when: 'margin(\"buy\") >= 0.0'}, steps: [{id: stay, wait: 1s}]}"
    control = begin(scored(shop, journey))

    control.story.event(1, "Seen").event(2, "Seen").event(3, "Seen")

    assert [at for at, *_ in control.story.told("entered")] == [2]


@pytest.mark.parametrize(
    "buy, model, profile, expected",
    [
        ({}, {}, {}, -2.0),
        ({}, {}, {"score": 4}, -1.0),
        # no value, and nothing that stands for it
        (
            {"features": {"views": SEEN, "age": "profile.score"}},
            {"features": (MODEL.features[0], ModelFeature("age", "profile.score"))},
            {},
            None,
        ),
        # she is none of those whom it is about
        ({"among": 'profile.city == "Rome"'}, {}, {"city": "Paris"}, None),
        ({"among": 'profile.city == "Rome"'}, {}, {"city": "Rome"}, -2.0),
        # a sum that no float holds
        ({}, {"weights": (1.0, 1e300)}, {"score": 1e30}, None),
    ],
)
def test_a_score_is_missing_where_nothing_can_be_said(
    shop: Shop,
    begin: Begin,
    buy: dict[str, Any],
    model: dict[str, Any],
    profile: dict[str, Any],
    expected: float | None,
) -> None:
    project = scored(shop, "", buy, models={"buy.json": msgspec.structs.replace(MODEL, **model)})
    story = begin(project).story.identify(1, **profile)
    scope = Scope(history=PersonHistory(story.profile, project.program))

    told = [compile_expression(text).value(scope) for text in ('margin("buy")', 'score("buy")', 'band("buy")')]

    if expected is None:
        assert told == [MISSING] * 3
    else:
        probability = probability_of(expected)
        assert told == [expected, probability, "low" if probability < 0.4 else "medium"]
    assert compile_expression('score("other")').value(scope) is MISSING


def test_what_a_person_says_of_personalisation_goes_before_the_policy(shop: Shop, begin: Begin) -> None:
    def says(policies: str, *words: bool) -> list[str | None]:
        control = begin(scored(shop, TRIP.replace('"high"', '"low"'), policies=policies))
        for at, granted in enumerate(words):
            control.story.consent(at, "personalisation", granted=granted)
        control.story.event(10, "Start")
        return ways(control)

    opt_out, opt_in = "{consent: {default: opt_out}}", "{personalisation: opt_in}"
    assert [says(opt_out), says(opt_out, False), says(opt_out, False, True)] == [["high"], ["low"], ["high"]]
    assert [says(opt_in), says(opt_in, True), says(opt_in, True, False)] == [["low"], ["high"], ["low"]]


def test_a_score_is_computed_once_for_an_input(shop: Shop, begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    conditions = ", ".join("{when: 'score(\"buy\") > 0.99', next: high}" for _ in range(5))
    control = begin(scored(shop, TRIP.replace("branch: [", f"branch: [{conditions}, ")))
    asked: list[int] = []
    score = control.story.program.scores["buy"]
    monkeypatch.setattr(type(score), "of", lambda self, scope: asked.append(scope.now_ms))

    control.story.event(1, "Start").event(2, "Start")

    assert asked == [1, 2]


def test_a_score_follows_an_update_of_the_same_input(shop: Shop, begin: Begin) -> None:
    journey = TRIP.replace("  - {id: pick", "  - {id: before, branch: [{when: 'score(\"buy\") > 0.4', next: high}]}\n"
                           "  - {id: older, update: {score: 40}}\n  - {id: pick")  # fmt: skip
    control = begin(scored(shop, journey))

    control.story.event(1, "Start")

    assert [step for _, step in control.story.steps()][-4:] == ["before", "older", "pick", "high"]


def test_an_update_step_keeps_a_score_as_a_trait(shop: Shop, begin: Begin) -> None:
    journey = (
        "{journey: keep, entry: {event: Seen}, reentry: always, steps: [{id: keep, update: {score: 'score(\"buy\")'}}]}"
    )
    control = begin(scored(shop, journey))

    control.story.event(1, "Seen").event(2, "Seen")

    assert control.story.profile.traits["score"] == probability_of(-3.0 + 2 + 0.5 * 0.268941)


def test_runs_of_older_versions_ask_the_newest_model(shop: Shop, begin: Begin) -> None:
    waiting = TRIP.replace("steps:\n", "steps:\n  - {id: wait, wait: 1d}\n")
    control = begin(scored(shop, waiting))
    control.story.event(1, "Start")
    keener = msgspec.structs.replace(MODEL, intercept=9.0)

    control.publish(2, scored(shop, waiting, models={"buy.json": keener}))
    again = control.publications.ledger.journeys["trip"].versions
    control.story.wait(2 * DAY_MS)

    assert [each.number for each in again] == [1]  # a model that was trained again is no other journey
    assert ways(control) == ["high"]


def test_a_score_that_is_published_no_more_serves_the_runs_that_ask_for_it(shop: Shop, begin: Begin) -> None:
    waiting = TRIP.replace("steps:\n", "steps:\n  - {id: wait, wait: 1d}\n")
    control = begin(scored(shop, waiting))
    for at in range(5):
        control.story.event(at, "Seen")
    control.story.event(10, "Start")

    control.publish(20, shop("{journey: trip, entry: {event: Start}, steps: [{id: done, end: true}]}"))
    control.story.wait(2 * DAY_MS)

    assert ways(control) == ["high"]
