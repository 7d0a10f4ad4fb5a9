"""Resuming a paused journey: what is replayed from the pause buffer, and what counts when it is stopped instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.core.test_journey_control import TRIP, moves

from parcours.channel import Ambiguous, NotSent
from parcours.config import HOUR_MS, MINUTE_MS
from parcours.core.fact import LimitReached
from parcours.journey.project import Project

if TYPE_CHECKING:
    from tests.core.conftest import Begin

Shop = Callable[..., Project]


def test_a_goal_that_was_met_in_a_pause_counts_although_the_journey_is_stopped(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP))
    control.story.event(0, "Start", cart="a").event(0, "Start", cart="b")
    control.change(1, "pause")
    control.story.event(2, "Bought", cart="b").event(3, "Bought", cart="b")

    control.change(4, "stop")

    assert control.story.told("goal") == [(2, "trip", 2, None)]
    assert [at for at, _, _, _ in control.story.told("ended")] == [4, 4]


def test_a_goal_counts_for_a_run_that_ended_before_it_in_the_pause(shop: Shop, begin: Begin) -> None:
    goal = "goal: {event: Seen, within: 4h}"
    control = begin(shop(TRIP.replace("goal: {event: Bought}", goal)))
    control.story.event(0, "Start", cart="a")
    control.change(1, "pause")
    control.story.event(3 * HOUR_MS, "Seen", cart="a")

    control.change(6 * HOUR_MS, "resume")

    assert control.story.told("ended") == [(2 * HOUR_MS, "trip", 1, "end step")]
    assert control.story.told("goal") == [(3 * HOUR_MS, "trip", 1, None)]


def test_a_goal_that_was_not_met_before_the_pause_is_not_met_by_its_end(shop: Shop, begin: Begin) -> None:
    # given a run that had ended when its goal's condition did not hold, and another one that is still open
    goal = "goal: {event: Seen, when: profile.score > 1, within: 4h}"
    control = begin(shop(TRIP.replace("goal: {event: Bought}", goal)))
    control.story.event(0, "Start", cart="a").event(1, "Bought", cart="a").event(2, "Start", cart="b")
    control.change(3, "pause")
    control.story.event(4, "Seen").identify(5, score=2)

    control.change(6, "resume")

    assert control.story.told("goal") == [(4, "trip", 2, None)], "a condition sees the person as she is now"


def test_a_history_is_kept_for_as_long_as_a_pause_may_ask_for_it(shop: Shop, begin: Begin) -> None:
    goal = """goal: {event: Seen, when: 'count("Bought", "1h") == 2'}"""
    control = begin(shop(TRIP.replace("goal: {event: Bought}", goal)))
    control.story.event(0, "Start", cart="a").event(1, "Bought", cart="b").event(2, "Bought", cart="b")
    control.change(3, "pause")
    control.story.event(4, "Seen").event(5 * HOUR_MS, "Bought", cart="b")

    control.change(6 * HOUR_MS, "resume")
    assert [at for at, *_ in control.story.told("goal")] == [4]

    control.story.event(7 * HOUR_MS, "Bought", cart="b")
    assert [len(entries) for entries in control.story.profile.series.values()] == [1], "and forgotten after it"


UPDATING = """
journey: trip
entry: {event: Start}
exit: [{audience: parisians}]
steps:
  - {id: rest, wait: 1h}
  - {id: move, update: {city: '"Paris"'}}
  - {id: stay, wait: 1h}
  - {id: write, send: mail, channels: [email]}
---
journey: other
entry: {audience: parisians}
steps: [{id: rest, wait: 1h}]
"""


def test_an_update_that_was_due_in_a_pause_moves_its_own_run_at_once(shop: Shop, begin: Begin) -> None:
    control = begin(shop(UPDATING, audiences="parisians: profile.city == 'Paris'"))
    control.story.event(0, "Start")
    control.change(1, "pause")
    control.story.wait(5 * HOUR_MS)

    control.change(5 * HOUR_MS, "resume")

    assert moves(control, "exited", "ended") == [(HOUR_MS, "exited", "parisians")]
    assert control.story.send(5 * HOUR_MS) == [], "nothing is written to her"
    assert control.story.told("entered")[-1] == (5 * HOUR_MS, "other", 1, "parisians"), "others are told of it now"


def test_updates_that_go_on_for_ever_park_their_run_in_a_pause_as_well(shop: Shop, begin: Begin) -> None:
    turning = """
journey: trip
entry: {event: Start}
steps:
  - {id: rest, wait: 1h}
  - {id: up, update: {score: "1"}}
  - {id: high, wait_for: [{audience: some, next: down}]}
  - {id: down, update: {score: "-1"}}
  - {id: low, wait_for: [{audience: some, change: left, next: up}]}
"""
    control = begin(shop(turning, audiences="some: profile.score > 0"), update_rounds_max=5)
    control.story.event(0, "Start")
    control.change(1, "pause")
    control.change(2 * HOUR_MS, "resume")

    assert [(at, journey) for at, journey, _, _ in control.story.told("parked")] == [(HOUR_MS, "trip")]
    assert [(fact.at, fact.setting) for fact in control.story.facts if isinstance(fact, LimitReached)] == [
        (HOUR_MS, "update_rounds_max")
    ]
    assert control.story.profile.audiences == {"some": control.story.profile.traits["score"] == 1}


CLICKING = """
journey: trip
entry: {event: Start}
steps:
  - {id: write, send: mail, channels: [email]}
  - {id: rest, wait: 1h}
  - {id: clicked, wait_for: [{reaction: clicked, of: write, link: offer, next: done}], timeout: 1h}
  - {id: late, wait: 1d}
  - {id: done, end: true}
"""


def test_a_link_that_was_clicked_later_is_not_clicked_yet(shop: Shop, begin: Begin) -> None:
    control = begin(shop(CLICKING))
    control.story.event(0, "Start").send(0)
    control.change(1, "pause")
    control.story.react(2, "clicked", "write", link="terms").react(5 * HOUR_MS, "clicked", "write", link="offer")

    control.change(6 * HOUR_MS, "resume")

    assert moves(control, "timed_out", "matched") == [(2 * HOUR_MS, "timed_out", None)]


def test_a_link_that_was_clicked_before_its_listener_is_heard_there(shop: Shop, begin: Begin) -> None:
    control = begin(shop(CLICKING))
    control.story.event(0, "Start").send(0)
    control.change(1, "pause")
    control.story.react(2, "clicked", "write", link="terms").react(3, "clicked", "write", link="offer")
    control.story.react(4, "clicked", "write", link="offer")

    control.change(6 * HOUR_MS, "resume")

    assert moves(control, "timed_out", "matched") == [(HOUR_MS, "matched", "clicked")]


WATCHING = """
journey: %s
entry: {event: Start}
exit: [{event: Left, when: profile.score > 0}]
steps:
  - id: watch
    wait_for: [{event: Seen, when: event.page == "sale", next: look}]
    timeout: 1d
  - id: look
    wait_for: [{event: Seen, when: event.page == "exit", next: done}]
  - {id: done, end: true}
"""


def test_each_paused_journey_has_room_of_its_own(shop: Shop, begin: Begin) -> None:
    control = begin(shop(f"{WATCHING % 'trip'}---{WATCHING % 'other'}"), kept_inputs_max=2)
    control.story.event(0, "Start")
    control.change(1, "pause").change(2, "pause", "other")

    control.story.event(3, "Seen", page="sale").event(4, "Seen", page="sale")

    assert [each.journey for each in control.story.profile.kept] == ["other", "trip"] * 2
    assert control.story.others() == []


def test_an_event_whose_condition_cannot_hold_any_more_takes_no_room(shop: Shop, begin: Begin) -> None:
    # given a person of whom nobody knows the score yet
    control = begin(shop(WATCHING % "trip"), kept_inputs_max=2)
    control.story.event(0, "Start")
    control.change(1, "pause")

    for at in range(10, 20):
        control.story.event(at, "Seen", page="home")
    control.story.event(20, "Seen", page="sale").event(21, "Left").identify(22, score=1)
    control.change(30, "resume")

    assert control.story.others() == []
    assert moves(control, "matched", "exited") == [(20, "matched", "Seen"), (21, "exited", "Left")]


SPARING = """
journey: trip
entry: {event: Start}
correlation: event.cart
exit: [{event: Bought, when: event.total > 100.0 && profile.score > 0}]
steps:
  - {id: listen, wait_for: [{event: Bought, next: tell}]}
  - {id: tell, branch: [{when: event.gift.wrapped, next: done}, {otherwise: done}]}
  - {id: done, end: true}
"""


def test_of_an_event_only_what_the_journey_looks_at_is_kept(shop: Shop, begin: Begin) -> None:
    events = "Bought: {properties: {cart: string, total: number, gift.wrapped: boolean, note: string}}"
    control = begin(shop(SPARING, events=events))
    control.story.event(0, "Start", cart="a")
    control.change(1, "pause")

    gift = {"wrapped": True, "paper": "red"}
    control.story.event(2, "Bought", cart="a", total=5, gift=gift, note="long", undeclared="x" * 1000)

    (kept,) = control.story.profile.kept
    assert kept.properties == {"cart": "a", "total": 5, "gift": {"wrapped": True}}
    control.change(3, "resume")
    assert moves(control, "branched") == [(2, "branched", "0")]


TURNING = """
journey: trip
entry: {event: Start}
steps:
  - {id: rest, wait: 4h}
  - {id: listen, wait_for: [{audience: recent, change: left, next: done}], timeout: 2h}
  - {id: late, end: true}
  - {id: done, end: true}
"""


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize(
    "seen_at, started_at",
    [
        (2, 0),  # the wait was set before it was known when the audience changes
        (0, 0),  # the other way round
    ],
)
def test_what_time_brings_goes_before_the_timers_of_its_instant_in_a_pause_too(
    shop: Shop, begin: Begin, paused: bool, seen_at: int, started_at: int
) -> None:
    window_h = 4 + started_at - seen_at
    control = begin(shop(TURNING, audiences=f"""recent: 'count("Seen", "{window_h}h") > 0'"""))
    happened = [(seen_at, 0, "Seen"), (started_at, 1, "Start")]
    for at, _, name in sorted(happened):
        control.story.event(at * HOUR_MS, name)

    if paused:
        control.change(3 * HOUR_MS, "pause")
        control.story.wait(5 * HOUR_MS)
        control.change(5 * HOUR_MS, "resume")
    control.story.wait(9 * HOUR_MS)

    assert [name for _, name in control.story.steps()] == ["rest", "listen", "late"]


PAID = """
journey: paid
entry: {event: Start}
exit: [{event: Left}]
steps: [{id: thank, send: receipt}, {id: rest, wait: 2h}]
"""


def test_an_attempt_in_doubt_is_not_ready_again_where_the_replay_leaves_its_run(shop: Shop, begin: Begin) -> None:
    control = begin(shop(PAID))
    control.story.identify(0, email="sarah@shop.example").event(0, "Start")
    (key,) = control.story.claim(0)
    control.story.answer(1, Ambiguous(key, "the connection broke"))
    control.change(2, "pause", "paid")
    control.story.event(20 * MINUTE_MS, "Left")
    control.story.ready.clear()

    control.change(30 * MINUTE_MS, "resume", "paid")

    assert control.story.ready == []
    assert key not in control.story.outbox


@pytest.mark.parametrize("leaves", [False, True])
def test_a_delivery_of_which_a_retry_and_a_claim_came_in_a_pause_is_ready_once_at_most(
    shop: Shop, begin: Begin, leaves: bool
) -> None:
    # given a mail that is to be tried again in a pause, and a shard that opens again meanwhile
    control = begin(shop(PAID))
    control.story.identify(0, email="sarah@shop.example").event(0, "Start")
    (key,) = control.story.claim(0)
    control.story.answer(1, NotSent(key, "busy"))
    control.change(2, "pause", "paid")
    control.story.wait(10 * MINUTE_MS)
    control.story.ready.append(key)  # as it is in the outbox
    assert control.story.claim(11 * MINUTE_MS) == []
    if leaves:
        control.story.event(20 * MINUTE_MS, "Left")

    control.change(30 * MINUTE_MS, "resume", "paid")

    assert control.story.ready == ([] if leaves else [key])


def test_an_attempt_in_doubt_is_not_ready_again_when_its_journey_is_stopped(shop: Shop, begin: Begin) -> None:
    control = begin(shop(PAID))
    control.story.identify(0, email="sarah@shop.example").event(0, "Start")
    (key,) = control.story.claim(0)
    control.story.answer(1, Ambiguous(key, "the connection broke")).wait(10 * MINUTE_MS)
    control.change(11 * MINUTE_MS, "pause", "paid")
    assert control.story.claim(12 * MINUTE_MS) == []

    control.change(30 * MINUTE_MS, "stop", "paid")

    assert control.story.ready == []
    assert key not in control.story.outbox


def test_a_retry_of_a_run_that_had_ended_is_kept_by_a_pause_and_made_when_its_journey_is_stopped(
    shop: Shop, begin: Begin
) -> None:
    control = begin(shop(PAID.replace(", {id: rest, wait: 2h}", "")))
    control.story.identify(0, email="sarah@shop.example").event(0, "Start")
    (key,) = control.story.claim(0)
    control.story.answer(1, NotSent(key, "busy"))
    control.change(2, "pause", "paid")
    control.story.wait(10 * MINUTE_MS)
    assert control.story.ready == []

    control.change(30 * MINUTE_MS, "stop", "paid")

    assert control.story.ready == [key]
