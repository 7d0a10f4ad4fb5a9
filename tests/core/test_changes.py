"""Facts of what changed about a person: only what is really another than before, and no value that may not leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.core.fact import Changed
from parcours.core.input import SuppressionChanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.core.conftest import Begin, Story, Tell

    from parcours.journey.project import Project

TRIP = "{journey: trip, entry: {event: Start}, steps: [{id: write, send: mail, channels: [email]}]}"
UPDATE = "{journey: trip, entry: {event: Start}, steps: [{id: mark, update: {home.city: '\"Oslo\"', tier: '7'}}]}"
TIER = "{tier: {type: integer, insight: true}, home: {type: object, insight: true}}"


def changes(story: Story, what: str, since: int = 1) -> list[tuple[str, str | None]]:
    return [
        (fact.name, fact.value)
        for fact in story.facts
        if isinstance(fact, Changed) and fact.what == what and fact.at >= since
    ]


def test_a_trait_is_told_when_its_value_is_another_than_before(tell: Tell) -> None:
    story = tell(TRIP).identify(1, city="Oslo", score=3).identify(2, city="Oslo", score=4)

    assert changes(story, "trait") == [("city", None), ("score", None), ("score", None)]


def test_a_trait_that_is_taken_away_is_told_once(tell: Tell) -> None:
    story = tell(TRIP).identify(1, city="Oslo").identify(2, city=None).identify(3, city=None)

    assert changes(story, "trait", since=2) == [("city", None)]


def test_true_is_another_value_than_one_and_a_whole_number_is_the_same_as_a_double(tell: Tell) -> None:
    story = tell(TRIP).identify(1, score=1).identify(2, score=1.0).identify(3, score=True)

    assert changes(story, "trait") == [("score", None), ("score", None)]


def test_an_object_is_told_by_the_declared_paths_below_it_that_changed(tell: Tell) -> None:
    story = tell(TRIP).identify(1, home={"city": "Oslo", "floor": 1}, pet={"name": "Rex"})

    assert changes(story, "trait") == [("home.city", None), ("pet", None)]
    assert changes(story.identify(2, home={"city": "Oslo", "floor": 2}), "trait", since=2) == [("home", None)]


@pytest.mark.parametrize(
    "declared, value",
    [
        ("{type: integer, insight: true}", "7"),
        ("integer", None),
        ("{type: integer}", None),
        ("{type: integer, insight: true, pii: true}", None),  # personal data never leaves
    ],
)
def test_a_value_is_told_only_where_its_declaration_lets_it_out(
    begin: Begin, shop: Callable[..., Project], declared: str, value: str | None
) -> None:
    story = begin(shop(TRIP, traits=f"{{tier: {declared}}}")).story.identify(1, tier=7)

    assert changes(story, "trait") == [("tier", value)]


def test_an_object_with_something_personal_in_it_is_not_told_nor_is_an_address(
    begin: Begin, shop: Callable[..., Project]
) -> None:
    traits = "{work: {type: object, insight: true}, work.street: {type: string, pii: true}, email: %s}"
    story = begin(shop(TRIP, traits=traits % "{type: string, insight: true}")).story

    story.identify(1, work={"street": "Storgata"}, email="new@mail.example")

    assert changes(story, "trait") == [("work", None), ("work.street", None), ("email", None)]


def test_an_update_tells_the_traits_that_it_really_changed(begin: Begin, shop: Callable[..., Project]) -> None:
    story = begin(shop(UPDATE, traits=TIER)).story.identify(1, tier=7)

    assert changes(story.event(2, "Start"), "trait", since=2) == [("home.city", None), ("home", '{"city":"Oslo"}')]
    assert changes(story.event(3, "Start"), "trait", since=3) == []


def test_a_trait_that_is_taken_away_has_the_value_null(begin: Begin, shop: Callable[..., Project]) -> None:
    story = begin(shop(TRIP, traits=TIER)).story.identify(1, tier=7).identify(2, tier=None)

    assert changes(story, "trait") == [("tier", "7"), ("tier", "null")]


def test_consent_is_told_by_channel_or_purpose_when_it_says_something_new(tell: Tell) -> None:
    story = tell(TRIP)
    for at, (purpose, granted) in enumerate(
        [(None, True), (None, True), ("news", False), ("news", False), (None, True), (None, True)], start=1
    ):
        story.consent(at, "email", purpose, granted=granted)

    assert changes(story, "consent") == [("email", "granted"), ("email/news", "withdrawn"), ("email", "granted")]


def test_an_unsubscribe_tells_the_consent_that_it_withdraws_once(tell: Tell) -> None:
    story = tell(TRIP).event(0, "Start")
    story.send(1)
    story.react(2, "unsubscribed", "write").react(3, "complained", "write")

    assert changes(story, "consent") == [("email", "withdrawn")]


def test_an_audience_is_told_by_its_name_when_somebody_enters_or_leaves(tell: Tell) -> None:
    story = tell(TRIP, audiences="{high: profile.score > 5}")
    for at, score in enumerate([3, 7, 8, 1], start=1):
        story.identify(at, score=score)

    assert changes(story, "audience") == [("high", "entered"), ("high", "left")]


def test_an_older_definition_of_an_audience_is_not_told_beside_the_newer(
    begin: Begin, shop: Callable[..., Project]
) -> None:
    waits = "{journey: trip, entry: {event: Start}, steps: [{id: rest, wait_for: [{audience: high, change: entered}]}]}"
    control = begin(shop(waits, audiences="{high: profile.score > 5}"))
    story = control.story.event(0, "Start")
    control.publish(1, shop(waits, audiences="{high: profile.score > 7}"))

    story.identify(2, score=9)

    assert len(story.profile.audiences) == 2
    assert changes(story, "audience") == [("high", "entered")]


def test_an_address_is_told_when_it_is_suppressed_and_when_that_is_lifted(tell: Tell) -> None:
    story = tell(TRIP)
    for at, suppressed in enumerate([False, True, True, False, False], start=1):
        story.give(SuppressionChanged(at, "email", "sarah@mail.example", suppressed))

    assert changes(story, "suppressed") == [("email", "suppressed"), ("email", "lifted")]
