"""What facts tell of scores: what they say of a sample of people, and what of it came true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.core.test_scores import Shop, scored

from parcours.config import Settings
from parcours.core.fact import Changed
from parcours.core.scored import is_sampled
from parcours.scoring.margins import probability_of

if TYPE_CHECKING:
    from tests.core.conftest import Begin, Control, Story

EVERYBODY = Settings(score_sample=1)


def told(story: Story) -> list[tuple[int, str, str | None]]:
    kinds = ("scored", "came_true")
    return [
        (each.at, each.what, each.value) for each in story.facts if isinstance(each, Changed) and each.what in kinds
    ]


def begun(shop: Shop, begin: Begin, **buy: object) -> Control:
    control = begin(scored(shop, buy=buy))
    control.story.settings = EVERYBODY
    return control


def test_a_score_is_told_once_for_an_input_that_asks_for_it(shop: Shop, begin: Begin) -> None:
    story = begun(shop, begin).story

    story.event(1, "Start").event(2, "Seen").event(3, "Start")

    expected = [(1, probability_of(-2.0)), (3, probability_of(-1.0))]
    assert told(story) == [(at, "scored", f"{probability:.6f}") for at, probability in expected]


def test_what_came_true_is_told_whether_or_not_it_was_asked(shop: Shop, begin: Begin) -> None:
    predicts = {"event": "Bought", "when": 'event.total > 10 && profile.city == "Rome"', "within": "14d"}
    story = begun(shop, begin, predicts=predicts).story

    story.event(1, "Bought", total=20).identify(2, city="Rome").event(3, "Bought", total=5)
    story.event(4, "Bought", total=20).event(5, "Seen", total=20)

    assert told(story) == [(4, "came_true", None)]


def test_an_event_that_a_rule_makes_comes_true_too(shop: Shop, begin: Begin) -> None:
    story = begun(shop, begin, predicts={"event": "Big", "within": "14d"}).story

    assert told(story.event(1, "Bought", total=20).event(2, "Bought", total=200)) == [(2, "came_true", None)]


def test_a_missing_score_is_not_told(shop: Shop, begin: Begin) -> None:
    story = begun(shop, begin).story

    story.consent(1, "personalisation", granted=False).event(2, "Start")

    assert told(story) == []


@pytest.mark.parametrize("person", ["sarah", "ann"])
def test_it_is_told_of_one_person_in_so_many(shop: Shop, begin: Begin, person: str) -> None:
    control = begin(scored(shop))
    control.story.person = person

    for sample in (1, 2, 3, 100):
        control.story.settings = Settings(score_sample=sample)
        before = len(told(control.story))
        control.story.event(sample, "Start")
        assert len(told(control.story)) - before == is_sampled(person, sample)


def test_a_sample_is_as_large_as_it_is_said_to_be() -> None:
    assert 850 < sum(is_sampled(f"u{number}", 100) for number in range(100_000)) < 1_150
