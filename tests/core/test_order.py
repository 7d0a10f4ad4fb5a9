"""For one event: goals, exits, waiting runs, entries. Each run takes an event once at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.core.conftest import Tell

EVERY_PHASE = """
journey: trip
entry: {event: Bought}
correlation: event.cart
exit: [{event: Bought, when: event.total > 50}]
goal: {event: Bought}
steps:
  - {id: listen, wait_for: [{event: Bought, next: over}]}
  - {id: over, end: true}
"""


def test_an_event_credits_goals_then_ends_runs_then_moves_runs_then_starts_them(tell: Tell) -> None:
    # Without a cart an event concerns every run of the journey, but starts one of its own.
    story = tell(EVERY_PHASE)
    story.event(1, "Bought", cart="a", total=1).event(2, "Bought", cart="b", total=1)
    story.facts.clear()

    story.event(3, "Bought", total=60)

    assert [(what, run) for what in ("goal", "exited", "entered") for _, _, run, _ in story.told(what)] == [
        ("goal", 1), ("goal", 2), ("exited", 1), ("exited", 2), ("entered", 3),
    ]  # fmt: skip
    assert [what for what, _, _ in story.moves()] == [
        "goal", "goal", "exited", "exited", "entered", "reached", "waiting",
    ]  # fmt: skip


def test_waiting_runs_move_before_new_ones_start(tell: Tell) -> None:
    story = tell(
        """
journey: asks-first
priority: 100
entry: {event: Seen}
steps: [{id: hello, wait: 1d}]
---
journey: trip
priority: 1
entry: {event: Start}
steps:
  - {id: listen, wait_for: [{event: Seen}]}
"""
    )
    story.event(1, "Start")
    story.facts.clear()

    story.event(2, "Seen")

    assert [(fact[0], fact[1]) for fact in story.moves("matched", "ended", "entered")] == [
        ("matched", "listen"), ("ended", "listen"), ("entered", None),
    ]  # fmt: skip


def test_an_exit_beats_a_listener_for_the_same_event(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
exit: [{event: Bought}]
steps:
  - {id: listen, wait_for: [{event: Bought}, {event: Seen}]}
"""
    )

    story.event(1, "Start").event(2, "Bought")

    assert story.told("exited") == [(2, "trip", 1, "Bought")]
    assert not story.moves("matched", "ended")


def test_a_run_takes_an_event_once(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
steps:
  - {id: one, wait_for: [{event: Seen}]}
  - {id: two, wait_for: [{event: Seen}]}
"""
    )

    story.event(1, "Start").event(2, "Seen")

    assert story.moves("matched") == [("matched", "one", "Seen")]
    assert story.profile.runs[0].step == "two"


def test_a_run_never_takes_the_event_that_started_it(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
exit: [{event: Start, when: event.total > 5}]
goal: {event: Start}
steps:
  - {id: listen, wait_for: [{event: Start}]}
"""
    )

    story.event(1, "Start", total=9)

    assert [what for what, _, _ in story.moves()] == ["entered", "reached", "waiting"]


@pytest.mark.parametrize(
    "journey",
    [
        # by a listener
        "{journey: trip, entry: {event: Bought}, steps: [{id: a, wait_for: [{event: Bought}]}]}",
        # by an exit rule
        "{journey: trip, entry: {event: Bought}, exit: [{event: Bought}], steps: [{id: a, wait: 1d}]}",
    ],
)
def test_an_event_by_which_a_run_ended_starts_the_next(tell: Tell, journey: str) -> None:
    story = tell(journey)

    story.event(1, "Bought").event(2, "Bought")

    assert story.told("entered") == [(1, "trip", 1, "Bought"), (2, "trip", 2, "Bought")]
    assert not story.told("not_entered")


def test_journeys_of_one_event_go_by_priority_then_by_name(tell: Tell) -> None:
    one = "{journey: %s, priority: %d, entry: {event: Start}, steps: [{id: a, wait: 1d}]}"
    story = tell("\n---\n".join(one % each for each in [("bees", 10), ("ants", 10), ("zebras", 90), ("cows", 0)]))

    story.event(1, "Start")

    assert [journey for _, journey, _, _ in story.told("entered")] == ["zebras", "ants", "bees", "cows"]


def test_journeys_go_by_priority_whichever_name_of_the_event_they_listen_to(tell: Tell) -> None:
    one = "{journey: %s, priority: %d, entry: [%s], steps: [{id: a, wait: 1d}]}"
    bought, big = "{event: Bought}", "{event: Big}"
    listening = [("ants", 90, bought), ("bees", 80, big), ("cows", 70, f"{bought}, {big}"), ("dogs", 60, bought)]
    story = tell("\n---\n".join(one % each for each in listening))

    story.event(1, "Bought", total=101)

    assert [journey for _, journey, _, _ in story.told("entered")] == ["ants", "bees", "cows", "dogs"]


def test_runs_of_one_journey_go_in_the_order_in_which_they_started(tell: Tell) -> None:
    story = tell(EVERY_PHASE)
    for at in range(1, 12):
        story.event(at, "Bought", cart=str(at), total=1)
    story.facts.clear()

    story.event(20, "Bought", total=60)

    assert [run for _, _, run, _ in story.told("exited")] == list(range(1, 12))


def test_a_rule_makes_an_event_one_of_its_type_too(tell: Tell) -> None:
    story = tell("{journey: trip, entry: {event: Big}, steps: [{id: a, wait_for: [{event: Big}]}]}")

    story.event(1, "Bought", total=100).event(2, "Bought", total=101).event(3, "Bought", total=5)

    assert story.told("entered") == [(2, "trip", 1, "Big")]
    assert not story.told("matched")


def test_the_first_listener_of_the_list_wins_and_takes_the_others_and_the_timer_along(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
steps:
  - id: listen
    wait_for:
      - {event: Big, next: big}
      - {event: Bought, next: small}
    timeout: 1h
    on_timeout: over
  - {id: big, wait: 5h, next: over}
  - {id: small, wait: 5h, next: over}
  - {id: over, end: true}
"""
    )

    story.event(1, "Start").event(2, "Bought", total=500).event(3, "Bought", total=1).wait(4 * 3_600_000)

    assert story.moves("matched") == [("matched", "listen", "Big")]
    assert story.profile.runs[0].step == "big"
    assert not story.moves("timed_out")


def test_the_event_that_moved_the_run_last_is_what_its_steps_see(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
steps:
  - {id: listen, wait_for: [{event: Bought}]}
  - {id: pause, wait: 1h}
  - {id: keep, update: {score: event.total, city: entry.cart}}
"""
    )

    story.event(1, "Start", cart="c1", total=5).event(2, "Bought", total=70).event(3, "Bought", total=9)
    story.wait(4_000_000)

    assert (story.profile.traits["score"], story.profile.traits["city"]) == (70, "c1")


def test_nothing_is_kept_of_an_event_but_what_the_journey_names(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
steps:
  - {id: listen, wait_for: [{event: Bought, when: event.total > entry.total}], timeout: 1d}
  - {id: write, send: mail, channels: [email]}
"""
    )

    story.event(1, "Start", cart="c1", total=5, email="x@y.example", extra="large")

    assert story.profile.runs[0].entry == {"cart": "c1", "total": 5}
    assert story.profile.runs[0].event == {}


def test_runs_that_wait_go_by_the_priority_of_their_journeys_whoever_came_first(tell: Tell) -> None:
    one = """
journey: %s
priority: %d
entry: {event: Start, when: event.cart == "%s"}
steps: [{id: listen, wait_for: [{event: Seen}]}]
"""
    names = [("bees", 10), ("ants", 10), ("zebras", 90), ("cows", 0)]
    story = tell("---".join(one % (name, priority, name) for name, priority in names))
    for at, (name, _) in enumerate(names):
        story.event(at, "Start", cart=name)

    story.event(9, "Seen")

    assert [journey for _, journey, _, _ in story.told("matched")] == ["zebras", "ants", "bees", "cows"]


def test_goals_of_runs_that_are_over_are_credited_in_the_order_in_which_they_started(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
correlation: event.cart
goal: {event: Bought, within: 1d}
exit: [{event: Left}]
steps: [{id: pause, wait: 5d}]
"""
    )
    story.event(1, "Start", cart="a").event(2, "Start", cart="b")

    story.event(3, "Left", cart="b").event(4, "Left", cart="a").event(5, "Bought")

    assert [run for _, _, run, _ in story.told("goal")] == [1, 2]
