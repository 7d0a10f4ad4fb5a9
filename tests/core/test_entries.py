"""Who enters: dates, condition, open run, re-entry, in this order; runs are told apart by correlation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from parcours.core.fact import Unmet
from parcours.core.input import ReadReached

if TYPE_CHECKING:
    from tests.core.conftest import Tell

DAY = 86_400_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    "reentry, again_after, refused",
    [
        ("always", 0, None),  # in the very instant in which the last run ended
        ("always", 1, None),
        ("never", 0, "too_soon"),
        ("never", 399 * DAY, "too_soon"),
        ("{after: 5m}", 0, "too_soon"),
        ("{after: 5m}", 299_999, "too_soon"),  # one millisecond before the pause is over
        ("{after: 5m}", 300_000, None),  # exactly at its end
        ("{after: 5m}", 300_001, None),
    ],
)
def test_whether_somebody_enters_again(tell: Tell, reentry: str, again_after: int, refused: str | None) -> None:
    story = tell(f"{{journey: trip, entry: {{event: Start}}, reentry: {reentry}, steps: [{{id: over, end: true}}]}}")
    story.event(1_000, "Start")
    story.facts.clear()

    story.event(1_000 + again_after, "Start")

    assert [why for _, _, _, why in story.told("not_entered")] == ([refused] if refused else [])
    assert len(story.told("entered")) == (0 if refused else 1)


@pytest.mark.parametrize("end", ["ended by an exit", "ended by itself"])
def test_the_pause_counts_from_the_end_of_the_run_and_not_from_its_entry(tell: Tell, end: str) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
reentry: {after: 1h}
exit: [{event: Left}]
steps: [{id: pause, wait: 2h}]
"""
    )
    hour = 3_600_000
    story.event(0, "Start")
    ended_at = 2 * hour
    if end == "ended by an exit":
        ended_at = hour // 2
        story.event(ended_at, "Left")

    story.event(ended_at + hour - 1, "Start").event(ended_at + hour, "Start")

    assert story.told("not_entered") == [(ended_at + hour - 1, "trip", None, "too_soon")]
    assert [at for at, _, _, _ in story.told("entered")] == [0, ended_at + hour]


@pytest.mark.parametrize("days, remembered", [(400, True), (401, False)])
def test_runs_are_remembered_for_400_days(tell: Tell, days: int, remembered: bool) -> None:
    story = tell("{journey: trip, entry: {event: Start}, reentry: never, steps: [{id: over, end: true}]}")

    story.event(0, "Start").event(days * DAY, "Start")

    assert bool(story.told("not_entered")) is remembered
    assert story.profile.counts == {"trip": 1 if remembered else 2}  # numbers are never given twice


def test_the_memory_of_runs_is_a_setting(tell: Tell) -> None:
    journey = "{journey: trip, entry: {event: Start}, reentry: never, steps: [{id: over, end: true}]}"
    story = tell(journey, run_memory_ms=1_000)

    story.event(0, "Start").event(1_000, "Start").event(1_001, "Start")

    assert [at for at, _, _, _ in story.told("entered")] == [0, 1_001]


def test_somebody_who_is_inside_does_not_enter(tell: Tell) -> None:
    story = tell("{journey: trip, entry: {event: Start}, reentry: never, steps: [{id: pause, wait: 1h}]}")

    story.event(1, "Start").event(2, "Start")

    assert story.told("not_entered") == [(2, "trip", None, "already_in")]


WINDOW = """
journey: trip
entry: {event: Start, when: event.total > 5}
starts: 2026-11-01
ends: 2026-11-02
steps: [{id: pause, wait: 30d}]
"""


@pytest.mark.parametrize(
    "moment, refused",
    [
        ("2026-10-31T23:59:59.999+01:00", "outside_dates"),
        ("2026-11-01T00:00:00.000+01:00", None),  # midnight in the project's zone, which is Paris
        ("2026-11-02T23:59:59.999+01:00", None),  # the end is inclusive
        ("2026-11-03T00:00:00.000+01:00", "outside_dates"),
    ],
)
def test_the_dates_are_days_of_the_projects_zone(tell: Tell, moment: str, refused: str | None) -> None:
    story = tell(WINDOW)

    story.event(ms(moment), "Start", total=9)

    assert [why for _, _, _, why in story.told("not_entered")] == ([refused] if refused else [])


def test_people_inside_go_on_after_the_dates(tell: Tell) -> None:
    story = tell(WINDOW)
    entered_at = ms("2026-11-02T12:00:00+01:00")

    story.event(entered_at, "Start", total=9).wait(entered_at + 31 * DAY)

    assert story.told("ended") == [(entered_at + 30 * DAY, "trip", 1, "last step")]


def test_the_dates_are_looked_at_before_the_condition(tell: Tell) -> None:
    story = tell(WINDOW)

    story.event(ms("2026-10-01T00:00:00Z"), "Start", total=1)

    assert [why for _, _, _, why in story.told("not_entered")] == ["outside_dates"]
    assert not story.others()


@pytest.mark.parametrize(
    "properties, why",
    [
        ({"total": 5}, "event.total > 5 is false"),
        ({}, "event.total is missing"),
        ({"total": None}, "event.total is missing"),
        ({"total": "9"}, "event.total is a string and 5 a number"),
    ],
)
def test_an_unmet_condition_is_kept_with_its_reason(tell: Tell, properties: dict[str, object], why: str) -> None:
    story = tell("{journey: trip, entry: {event: Start, when: event.total > 5}, steps: [{id: over, end: true}]}")

    story.event(7, "Start", **properties)

    assert story.others() == [Unmet(7, "sarah", "trip", 1, "Start", why)]
    assert not story.moves()


def test_the_condition_is_looked_at_before_the_open_run(tell: Tell) -> None:
    story = tell("{journey: trip, entry: {event: Start, when: event.total > 5}, steps: [{id: pause, wait: 1h}]}")

    story.event(1, "Start", total=9).event(2, "Start", total=1)

    assert not story.told("not_entered")


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


def test_a_read_that_comes_late_does_not_reach_back_behind_what_has_happened(tell: Tell) -> None:
    story = tell("{journey: trip, entry: {event: Start}, steps: [{id: pause, wait: 1d}]}")
    story.identify(5_000, city="Rome")

    story.give(ReadReached(5_000, "trip", 1_000)).give(ReadReached(5_000, "trip", 6_000)).wait(7_000)

    assert story.told("entered") == [(5_000, "trip", 1, "read")]
    assert story.told("not_entered") == [(6_000, "trip", None, "already_in")]
