"""Who enters: dates, condition, open run, re-entry, in this order."""

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


SEVERAL = """
journey: trip
entry:
  - {event: Bought, when: event.total > 100}
  - {event: Start}
  - {event: Big}
  - {event: Bought, when: event.cart == 'c'}
correlation: event.cart
steps: [{id: stay, wait: 1d}]
"""


def test_the_first_of_several_entry_events_that_matches_starts_the_run(tell: Tell) -> None:
    story = tell(SEVERAL).event(1, "Start", cart="a").event(2, "Bought", cart="b", total=101)

    story.event(3, "Bought", cart="c", total=1).event(4, "Bought", cart="d", total=100)

    assert [(at, why) for at, _, _, why in story.told("entered")] == [(1, "Start"), (2, "Bought"), (3, "Bought")]
    assert [run.correlation for run in story.profile.runs] == ['"a', '"b', '"c']
    assert [(fact.event, fact.why) for fact in story.others() if isinstance(fact, Unmet)] == [
        ("Bought", "event.total > 100 is false"),
        ("Bought", "event.cart == 'c' is false"),
    ]


def test_a_rule_based_type_enters_where_the_events_before_it_do_not_match(tell: Tell) -> None:
    journey = (
        "{journey: trip, entry: [{event: Bought, when: event.total > 500}, {event: Big}], steps: [{id: a, end: true}]}"
    )
    story = tell(journey).event(1, "Bought", total=200)

    assert [(at, why) for at, _, _, why in story.told("entered")] == [(1, "Big")]


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


def test_the_pause_counts_from_the_last_of_several_runs(tell: Tell) -> None:
    story = tell("{journey: trip, entry: {event: Start}, reentry: {after: 1s}, steps: [{id: over, end: true}]}")

    for at in (0, 1_000, 1_999, 2_000, 2_999, 3_000):
        story.event(at, "Start")

    assert [at for at, _, _, _ in story.told("entered")] == [0, 1_000, 2_000, 3_000]


ONCE_A_CART = """
journey: trip
entry: {event: Start}
correlation: event.cart
reentry: never
steps: [{id: over, end: true}]
"""


@pytest.mark.parametrize("days, remembered", [(400, True), (401, False)])
def test_runs_are_remembered_for_400_days(tell: Tell, days: int, remembered: bool) -> None:
    story = tell(ONCE_A_CART)

    story.event(0, "Start", cart="a").event(days * DAY, "Start", cart="a")

    assert bool(story.told("not_entered")) is remembered
    assert story.profile.counts == {"trip": 1 if remembered else 2}  # numbers are never given twice


def test_the_memory_of_runs_is_a_setting(tell: Tell) -> None:
    story = tell(ONCE_A_CART, run_memory_ms=1_000)

    for at in (0, 1_000, 1_001):
        story.event(at, "Start", cart="a")

    assert [at for at, _, _, _ in story.told("entered")] == [0, 1_001]


def test_a_pause_is_remembered_for_as_long_as_the_run(tell: Tell) -> None:
    journey = "{journey: trip, entry: {event: Start}, reentry: {after: 1h}, steps: [{id: over, end: true}]}"
    story = tell(journey, run_memory_ms=1_000)

    story.event(0, "Start").event(1_000, "Start").event(1_001, "Start")

    assert [at for at, _, _, _ in story.told("entered")] == [0, 1_001]


def test_never_without_a_correlation_is_remembered_for_ever(tell: Tell) -> None:
    journey = "{journey: trip, entry: {event: Start}, reentry: never, steps: [{id: over, end: true}]}"
    story = tell(journey, run_memory_ms=1_000)

    story.event(0, "Start").event(1_001, "Seen").event(1_002, "Start").event(5_000 * DAY, "Start")

    assert [at for at, _, _, _ in story.told("entered")] == [0]
    assert story.profile.past == [], "nothing else is"


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

    assert [each.at for each in story.others()] == [2], "the condition is the reason that is kept"
    assert [at for at, _, _, _ in story.told("entered")] == [1]
    assert not story.told("not_entered")


def test_a_read_that_comes_late_does_not_reach_back_behind_what_has_happened(tell: Tell) -> None:
    story = tell("{journey: trip, entry: {event: Start}, steps: [{id: pause, wait: 1d}]}")
    story.identify(5_000, city="Rome")

    story.give(ReadReached(5_000, "trip", 1_000)).give(ReadReached(5_000, "trip", 6_000)).wait(7_000)

    assert story.told("entered") == [(5_000, "trip", 1, "read")]
    assert story.told("not_entered") == [(6_000, "trip", None, "already_in")]
