"""Runs of one person are told apart by the value of the journey's correlation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.core.conftest import Tell

CORRELATED = """
journey: trip
entry: {event: Start}
correlation: event.cart
exit: [{event: Left}]
goal: {event: Big, within: 1d}
steps:
  - {id: listen, wait_for: [{event: Bought}]}
"""


def test_an_event_with_a_value_concerns_the_runs_of_that_value(tell: Tell) -> None:
    story = tell(CORRELATED).event(1, "Start", cart="a").event(2, "Start", cart="b").event(3, "Start")

    story.event(4, "Bought", cart="b").event(5, "Left", cart="c").event(6, "Left", cart="a")

    assert story.told("matched") == [(4, "trip", 2, "Bought")]
    assert story.told("exited") == [(6, "trip", 1, "Left")]
    assert [run.number for run in story.profile.runs] == [3]


def test_an_event_without_a_value_concerns_all_runs(tell: Tell) -> None:
    story = tell(CORRELATED).event(1, "Start", cart="a").event(2, "Start", cart="b").event(3, "Start")

    story.event(4, "Left")

    assert [run for _, _, run, _ in story.told("exited")] == [1, 2, 3]


def test_a_goal_is_credited_to_the_runs_of_the_value_only(tell: Tell) -> None:
    story = tell(CORRELATED).event(1, "Start", cart="a").event(2, "Start", cart="b")

    story.event(3, "Bought", cart="a", total=500)

    assert story.told("goal") == [(3, "trip", 1, None)]


@pytest.mark.parametrize(
    "first, second, same",
    [
        ("1", 1, False),  # a text is no number
        (1, 1.0, True),
        (1, True, False),
        ("true", True, False),
        (1.5, 1.5, True),
        ("a", "A", False),
        ("", "", True),
        (None, None, True),  # no value is a key too
        ("null", None, False),
        ([1], None, True),  # a list has no value as a key
        (2**63, float(2**63), True),
    ],
)
def test_which_values_are_the_same_key(tell: Tell, first: object, second: object, same: bool) -> None:
    story = tell(CORRELATED)

    story.event(1, "Start", cart=first).event(2, "Start", cart=second)

    assert [why for _, _, _, why in story.told("not_entered")] == (["already_in"] if same else [])


def test_a_timestamp_is_the_same_key_in_whatever_zone_it_is_written(tell: Tell) -> None:
    story = tell("{journey: trip, entry: {event: Start}, correlation: event.until, steps: [{id: pause, wait: 1d}]}")

    story.event(1, "Start", until="2026-01-01T12:00:00Z").event(2, "Start", until="2026-01-01T13:00:00+01:00")
    story.event(3, "Start", until="2026-01-01T12:00:00.001Z")

    assert [run for _, _, run, _ in story.told("entered")] == [1, 2]
    assert story.told("not_entered") == [(2, "trip", None, "already_in")]


@pytest.mark.parametrize("value", ["a", 7, 1.5, True, "true"])
def test_an_expression_sees_the_correlation_as_the_value_that_it_was(tell: Tell, value: object) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
correlation: event.cart
steps:
  - {id: listen, wait_for: [{event: Seen, when: event.page == run.correlation}]}
"""
    )

    story.event(1, "Start", cart=value).event(2, "Seen", page=value)

    assert [at for at, _, _, _ in story.told("matched")] == [2]


def test_each_key_has_its_own_pause(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
correlation: event.cart
reentry: never
steps: [{id: over, end: true}]
"""
    )

    story.event(1, "Start", cart="a").event(2, "Start", cart="b").event(3, "Start", cart="a")

    assert story.told("not_entered") == [(3, "trip", None, "too_soon")]
