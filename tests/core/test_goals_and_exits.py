"""A goal is credited once until its time is over; an exit ends a run wherever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.channel import Accepted, NotSent

if TYPE_CHECKING:
    from tests.core.conftest import Tell

HOUR = 3_600_000

GOAL = """
journey: trip
entry: {event: Start}
goal: {event: Bought, when: event.total > entry.total%s}
steps: [{id: pause, wait: %s}]
"""


@pytest.mark.parametrize(
    "within, run_lasts, bought_at, credited",
    [
        (", within: 1h", "2h", HOUR - 1, True),
        (", within: 1h", "2h", HOUR, True),  # the end is inclusive
        (", within: 1h", "2h", HOUR + 1, False),
        (", within: 1h", "1m", HOUR, True),  # also after the run has ended
        (", within: 1h", "1m", HOUR + 1, False),
        ("", "2h", 2 * HOUR, True),  # the event goes before the timer that ends the run
        ("", "2h", 2 * HOUR + 1, False),  # without a limit: while the run is open
        (", within: 1h", "0s", HOUR, True),  # a run that was over at once
    ],
)
def test_until_when_a_goal_is_credited(tell: Tell, within: str, run_lasts: str, bought_at: int, credited: bool) -> None:
    story = tell(GOAL % (within, run_lasts))

    story.event(0, "Start", total=10).event(bought_at, "Bought", total=20)

    assert [at for at, _, _, _ in story.told("goal")] == ([bought_at] if credited else [])


def test_a_goal_is_credited_once(tell: Tell) -> None:
    story = tell(GOAL % (", within: 2h", "1h"))
    story.event(0, "Start", total=10)

    for at in (1, 2, HOUR + 5):
        story.event(at, "Bought", total=20)

    assert [at for at, _, _, _ in story.told("goal")] == [1]


def test_a_goal_has_a_condition(tell: Tell) -> None:
    story = tell(GOAL % (", within: 2h", "1m"))

    story.event(0, "Start", total=10).event(HOUR, "Bought", total=10).event(HOUR + 1, "Bought")
    story.event(HOUR + 2, "Bought", total=11)

    assert [at for at, _, _, _ in story.told("goal")] == [HOUR + 2]


def test_the_goal_is_credited_to_the_run_that_the_same_event_ends(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
exit: [{event: Bought}]
goal: {event: Bought}
steps: [{id: pause, wait: 1d}]
"""
    )

    story.event(0, "Start").event(9, "Bought")

    assert [what for what, _, _ in story.moves()][-2:] == ["goal", "exited"]


EXIT = """
journey: trip
entry: {event: Start}
exit:
  - {event: Bought, when: event.total > entry.total}
  - {event: Left}
steps:
  - {id: write, send: mail, channels: [email, sms]}
  - {id: pause, wait: 1d}
"""


def test_an_exit_has_a_condition_and_says_which_rule_it_was(tell: Tell) -> None:
    story = tell(EXIT)

    story.event(0, "Start", total=10).event(1, "Bought", total=10).event(2, "Left")

    assert story.moves("exited") == [("exited", "pause", "Left")]
    assert story.told("exited")[0][0] == 2


def test_no_timer_is_left_of_a_run_that_was_left(tell: Tell) -> None:
    story = tell(EXIT).event(0, "Start", total=10)

    story.event(2, "Left").wait(3 * 24 * HOUR)

    assert story.profile.timers == []
    assert not story.moves("ended")


def test_an_exit_cancels_what_is_queued_and_leaves_what_is_claimed(tell: Tell) -> None:
    story = tell(EXIT).event(0, "Start", total=10)
    email, sms = story.ready
    story.ready = [email]
    story.claim(1)

    story.event(2, "Left").answer(3, Accepted(email))

    assert story.outcomes("queued", "claimed") == [(2, "write", "cancelled"), (3, "write", "sent")]
    assert sms not in story.outbox


def test_a_cancelled_delivery_that_is_still_in_line_may_not_leave(tell: Tell) -> None:
    story = tell(EXIT).event(0, "Start", total=10)

    story.event(2, "Left")

    assert story.claim(3) == []
    assert story.outbox == {}


def test_an_exit_between_two_attempts_cancels_the_second(tell: Tell) -> None:
    story = tell(EXIT).event(0, "Start", total=10)
    for key in story.claim(1):
        story.answer(1, NotSent(key, "busy"))

    story.event(30_000, "Left").wait(HOUR)

    assert [each for each in story.outcomes() if each[2] == "cancelled"] == [(30_000, "write", "cancelled")] * 2
    assert (story.ready, story.outbox, story.profile.timers) == ([], {}, [])


def test_what_was_claimed_at_the_exit_and_did_not_leave_is_not_tried_again(tell: Tell) -> None:
    story = tell(EXIT).event(0, "Start", total=10)
    keys = story.claim(1)
    story.event(2, "Left")

    for key in keys:
        story.answer(3, NotSent(key, "busy"))

    assert story.outcomes()[-2:] == [(3, "write", "cancelled")] * 2
    assert story.profile.timers == []


def test_what_is_queued_still_leaves_after_a_run_that_ended_by_itself(tell: Tell) -> None:
    story = tell("{journey: trip, entry: {event: Start}, steps: [{id: write, send: mail, channels: [email]}]}")
    story.event(0, "Start")

    (key,) = story.claim(1)
    story.answer(1, NotSent(key, "busy")).wait(60_002)

    assert story.send(60_002) == [key]
    assert story.outcomes()[-1] == (60_002, "write", "sent")
