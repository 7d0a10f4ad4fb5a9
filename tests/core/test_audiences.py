"""Audience membership by traits, by history and by the passing of time, from the exact instant, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.core.fact import LimitReached
from parcours.core.profile import encode_profile

if TYPE_CHECKING:
    from tests.core.conftest import Story, Tell

DAY = 86_400_000
BORN = 40 * DAY
JOINS = "{journey: trip, entry: {audience: some, change: %s}, steps: [{id: stay, wait: 1s}]}"


def entered(story: Story, journey: str = "trip") -> list[int]:
    return [at for at, name, _, _ in story.told("entered") if name == journey]


@pytest.mark.parametrize("change, at", [("entered", 10), ("left", 30)])
def test_a_trait_moves_its_person_in_and_out(tell: Tell, change: str, at: int) -> None:
    story = tell(JOINS % change, audiences="some: profile.city == 'Paris'")

    story.identify(10, city="Paris").identify(20, score=3).identify(30, city="Rome").identify(40, city="Oslo")

    assert entered(story) == [at]


@pytest.mark.parametrize(
    "condition, at",
    [
        ("now >= profile.born", BORN),
        ("now > profile.born", BORN + 1),
        ("now >= profile.born - duration('24h')", BORN - DAY),
        ("profile.born + duration('48h') < now", BORN + 2 * DAY + 1),
    ],
)
def test_time_alone_moves_people_at_the_exact_instant(tell: Tell, condition: str, at: int) -> None:
    story = tell(JOINS % "entered", audiences=f'some: "{condition}"').identify(1, born="1970-02-10T00:00:00Z")

    story.wait(BORN + 10 * DAY)

    assert entered(story) == [at]


@pytest.mark.parametrize(
    "change, ats",
    [
        ("entered", [100]),
        ("left", [100 + 10 * DAY]),  # the window (now - w, now] no longer holds what is exactly w old
    ],
)
def test_history_slides_exactly(tell: Tell, change: str, ats: list[int]) -> None:
    story = tell(JOINS % change, audiences="""some: count("Bought", "10d") > 0""")

    story.event(100, "Bought").wait(50 * DAY)

    assert entered(story) == ats


LAPSED = """some: count("Bought", "30d") > 0 && count("Bought", "10d") == 0"""


BY_TIME = """
journey: trip
entry: {event: Start}
steps:
  - {id: listen, wait_for: [{audience: grown, next: grown}], timeout: 1s}
  - {id: late, end: true}
  - {id: grown, end: true}
"""


def test_what_time_brings_goes_before_the_timers_of_its_instant_whichever_was_set_first(tell: Tell) -> None:
    story = tell(BY_TIME, audiences="grown: now >= profile.born")

    story.event(1_000, "Start").identify(1_500, born="1970-01-01T00:00:02.000Z").wait(3_000)

    assert story.steps() == [(1_000, "listen"), (2_000, "grown")]


def test_a_reaction_that_concerns_no_delivery_takes_along_what_time_brings_at_its_instant(tell: Tell) -> None:
    story = tell(BY_TIME, audiences="grown: now >= profile.born")

    story.event(1_000, "Start").identify(1_500, born="1970-01-01T00:00:02.000Z").react(2_000, "opened", "write")

    assert story.steps() == [(1_000, "listen"), (2_000, "grown")]


def test_who_stops_buying_has_lapsed_until_she_buys_again(tell: Tell) -> None:
    journeys = JOINS % "entered" + "\n---\n" + (JOINS % "left").replace("trip", "back")
    story = tell(journeys, audiences=LAPSED)

    story.event(0, "Bought").event(12 * DAY, "Bought").wait(100 * DAY)

    assert entered(story) == [10 * DAY, 22 * DAY]
    assert entered(story, "back") == [12 * DAY, 42 * DAY]


def test_a_late_event_counts_by_its_own_time_and_one_from_the_future_by_its_arrival(tell: Tell) -> None:
    story = tell(JOINS % "left", audiences="""some: count("Bought", "10d") > 0""")

    story.call(5 * DAY, type="track", event="Bought", timestamp="1970-01-02T00:00:00Z").wait(12 * DAY)
    story.call(20 * DAY, type="track", event="Bought", timestamp="1970-03-01T00:00:00Z").wait(99 * DAY)

    assert entered(story) == [11 * DAY, 30 * DAY]


def test_whoever_is_in_an_audience_when_it_is_published_has_not_entered_it(tell: Tell) -> None:
    before = tell("{journey: trip, entry: {event: Start}, steps: [{id: stay, wait: 1s}]}").identify(1, city="Paris")
    story = tell(JOINS % "entered", audiences="some: profile.city == 'Paris'")
    story.state, story.facts = encode_profile(before.profile), []

    story.identify(2, score=1)
    assert entered(story) == []

    story.identify(3, city="Rome").identify(4, city="Paris")
    assert entered(story) == [4]


RULES = """
journey: trip
entry: {event: Start}
exit: [{audience: staff}]
steps:
  - {id: listen, wait_for: [{audience: big, next: big}, {audience: big, change: left, next: small}]}
  - {id: big, wait_for: [{audience: big, change: left, next: small}]}
  - {id: small, wait: 1s}
"""
AUDIENCES = "{staff: profile.city == 'Office', big: profile.score > 10}"


def test_a_listener_hears_an_audience_change(tell: Tell) -> None:
    story = tell(RULES, audiences=AUDIENCES).event(5, "Start")

    story.identify(6, score=11).identify(7, score=12).identify(8, score=1)

    assert story.steps() == [(5, "listen"), (6, "big"), (8, "small")]


SEES = """
journey: trip
entry: {event: Start}
steps:
  - {id: listen, wait_for: [{audience: big, change: inside, next: big}, {audience: staff, next: small}]}
  - {id: big, wait_for: [{audience: big, change: outside, next: small}]}
  - {id: small, wait: 1s}
"""


def test_a_listener_for_being_inside_or_outside_matches_at_once_if_it_is_so(tell: Tell) -> None:
    story = tell(SEES, audiences=AUDIENCES).identify(4, score=11).event(5, "Start")

    assert story.steps() == [(5, "listen"), (5, "big")]
    assert story.moves("matched") == [("matched", "listen", "big")]


def test_a_listener_for_being_inside_or_outside_waits_where_it_is_not_so(tell: Tell) -> None:
    story = tell(SEES, audiences=AUDIENCES).event(5, "Start").identify(6, score=11).identify(7, score=1)

    assert story.steps() == [(5, "listen"), (6, "big"), (7, "small")]


def test_a_listener_for_entering_waits_for_who_is_inside_already(tell: Tell) -> None:
    story = tell(SEES, audiences=AUDIENCES).identify(4, city="Office").event(5, "Start")

    assert story.steps() == [(5, "listen")]


def test_a_listener_for_being_inside_sees_what_its_own_run_updated_only_after_it_was_told(tell: Tell) -> None:
    steps = """
journey: trip
entry: {event: Start}
steps:
  - {id: grow, update: {score: "11.0"}}
  - {id: listen, wait_for: [{audience: big, change: outside, next: small}, {audience: big, change: inside, next: big}]}
  - {id: big, end: true}
  - {id: small, end: true}
"""
    story = tell(steps, audiences=AUDIENCES).event(5, "Start")

    assert story.moves("matched") == [("matched", "listen", "big")]
    assert story.steps()[-1] == (5, "small")


def test_an_exit_by_audience_wins_over_a_listener(tell: Tell) -> None:
    story = tell(RULES, audiences=AUDIENCES).event(5, "Start").identify(6, score=11, city="Office")

    assert story.moves("matched", "exited") == [("exited", "listen", "staff")]


def test_whoever_is_in_an_exit_audience_does_not_enter(tell: Tell) -> None:
    story = tell(RULES, audiences=AUDIENCES).identify(4, city="Office").event(5, "Start")

    assert story.told("not_entered") == [(5, "trip", None, "exit_audience")]


def test_consent_withdrawn_by_a_reaction_moves_people_at_once(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
exit: [{audience: deaf}]
steps: [{id: write, send: mail}, {id: listen, wait_for: [{reaction: complained, of: write}]}, {id: stay, wait: 1d}]
""",
        audiences="""deaf: '!consent("email", "marketing")'""",
    ).event(5, "Start")
    story.send(5)

    story.react(6, "complained", "write")

    assert story.moves("matched", "exited") == [("exited", "listen", "deaf")]


def test_what_an_update_queues_and_its_audience_cancels_never_becomes_ready(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
exit: [{audience: staff}]
steps: [{id: change, update: {city: '"Office"'}}, {id: write, send: mail}, {id: stay, wait: 1d}]
""",
        audiences=AUDIENCES,
    ).event(5, "Start")

    assert (story.ready, story.outbox) == ([], {})
    assert [outcome for _, _, outcome in story.outcomes()] == ["queued", "queued", "cancelled", "cancelled"]


GOING_ROUND = """
journey: up
entry: {audience: some, change: left}
steps: [{id: turn, update: {score: "1.0"}}%s]
---
journey: down
entry: {audience: some, change: entered}
steps: [{id: turn, update: {score: "0.0"}}%s]
"""


def limits(story: Story) -> list[str]:
    return [fact.setting for fact in story.facts if isinstance(fact, LimitReached)]


def test_updates_that_go_round_at_one_instant_park_the_run(tell: Tell) -> None:
    rest = ", {id: rest, wait: 1d}"
    story = tell(GOING_ROUND % (rest, rest), audiences="some: profile.score > 0", update_rounds_max=1)

    story.identify(5, score=1)

    (parked,) = story.told("parked")
    assert parked[3] is not None and "update_rounds_max=1" in parked[3]
    assert limits(story) == ["update_rounds_max"]


@pytest.mark.parametrize("rounds", [1, 2, 5, 6])
def test_an_ended_run_is_not_parked_when_updates_go_round_and_membership_follows_the_traits(
    tell: Tell, rounds: int
) -> None:
    story = tell(GOING_ROUND % ("", ""), audiences="some: profile.score > 0", update_rounds_max=rounds)

    story.identify(5, score=1)

    assert len(entered(story, "up")) + len(entered(story, "down")) == rounds + 1
    assert story.told("parked") == []
    assert story.profile.audiences == {"some": story.profile.traits["score"] == 1.0}
    assert limits(story) == ["update_rounds_max"]


def test_a_last_round_of_updates_that_moves_nobody_reaches_no_limit(tell: Tell) -> None:
    story = tell(
        "{journey: trip, entry: {audience: some}, steps: [{id: more, update: {score: '2.0'}}]}",
        audiences="some: profile.score > 0",
        update_rounds_max=1,
    )

    story.identify(5, score=1)

    assert (story.told("parked"), limits(story)) == ([], [])


def test_a_full_history_drops_its_oldest_entry_and_says_so(tell: Tell) -> None:
    story = tell(JOINS % "left", audiences="""some: count("Bought", "10d") > 0""", series_entries_max=2)

    for at in (1, 2, 3):
        story.event(at, "Bought")

    assert [(fact.at, fact.setting) for fact in story.facts if isinstance(fact, LimitReached)] == [
        (3, "series_entries_max")
    ]
    assert [len(entries) for entries in story.profile.series.values()] == [2]
