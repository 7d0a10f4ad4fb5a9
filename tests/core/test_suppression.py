"""Suppression: what a provider's words mean for an address, and what takes them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.channel import Accepted, NotSent, Refused
from parcours.core.input import FeedbackArrived, SuppressionChanged
from parcours.core.profile import is_unknown

if TYPE_CHECKING:
    from tests.core.conftest import Story, Tell

HOUR = 3_600_000
DAY = 24 * HOUR
ADDRESS = "sarah@mail.example"
ONCE = "{journey: trip, entry: {event: Start}, steps: [{id: write, send: receipt}]}"


def sent(story: Story, at: int) -> str:
    """The key of a mail that leaves at this time."""
    (key,) = story.event(at, "Start").send(at)
    return key


def may_send(story: Story, at: int) -> bool:
    """Whether a mail may go out at this time; it is then on its way."""
    before = len(story.gates())
    story.event(at, "Start")
    return [(outcome, gate) for _, _, outcome, gate in story.gates()[before:]] == [("queued", None)]


@pytest.mark.parametrize("reaction", ["bounced", "failed"])
@pytest.mark.parametrize(
    "code, dead",
    [
        ("5.1.1", True),
        ("550 5.1.1", True),  # as a reply has it
        ("5.1.10", False),  # another one, which this provider does not give
        ("5.2.2", False),
        ("550", False),
        ("a code of tomorrow", False),
    ],
)
def test_a_report_is_judged_by_its_code(tell: Tell, reaction: str, code: str, dead: bool) -> None:
    story = tell(ONCE)
    key = sent(story, 10)

    story.give(FeedbackArrived(20, key, reaction, code=code))

    assert may_send(story, 30) is not dead


def test_a_recorded_bounce_is_judged_by_its_code_too_and_without_one_it_is_of_a_dead_mailbox(tell: Tell) -> None:
    for code, dead in (("30003", False), ("5.1.1", True), (None, True)):
        story = tell(ONCE)
        sent(story, 10)

        told = {} if code is None else {"code": code}
        story.call(20, type="reaction", reaction="bounced", journey="trip", step="write", channel="email", **told)

        assert may_send(story, 30) is not dead


def test_a_code_means_what_the_provider_of_its_own_channel_says(tell: Tell) -> None:
    story = tell(ONCE)
    key = sent(story, 10)

    story.give(FeedbackArrived(20, key, "bounced", code="30005"))  # the provider's of text messages

    assert may_send(story, 30)


def test_a_refusal_of_the_sender_leaves_the_address_alone_whatever_its_code(tell: Tell) -> None:
    story = tell(ONCE).event(10, "Start")
    (key,) = story.claim(10)

    story.answer(11, Refused(key, "who are you?", code="550 5.1.1"))  # in answer to MAIL FROM

    assert may_send(story, 20)


@pytest.mark.parametrize(
    "days, suppressed",
    [
        ((0, 1, 3), True),
        ((0, 1, 2.9), False),  # not over three days
        ((0, 3), False),  # two
        ((0, 15, 30), True),  # the whole of thirty days
        ((0, 15, 30.1), False),  # the first no longer counts
        ((0, 0.1, 0.2, 0.3, 0.4, 3), True),  # many of one day are one bad day, and count with a later one
        ((0, 0.1, 0.2, 0.3, 0.4, 2), False),
    ],
)
@pytest.mark.parametrize("kind", ["refused", "bounced", "failed"])
def test_the_third_soft_failure_over_three_days_within_thirty_suppresses(
    tell: Tell, kind: str, days: tuple[float, ...], suppressed: bool
) -> None:
    story = tell(ONCE)
    for day in days:
        at = int(day * DAY) + HOUR
        (key,) = story.event(at, "Start").claim(at)
        if kind == "refused":
            story.answer(at, Refused(key, "mailbox full", code="552 5.2.2"))
        else:
            story.answer(at, Accepted(key)).give(FeedbackArrived(at, key, kind, code="5.2.2"))

    assert may_send(story, 40 * DAY) is not suppressed


def test_what_arrives_in_between_ends_the_count_of_soft_failures(tell: Tell) -> None:
    story = tell(ONCE)
    for day in (0, 1):
        story.give(FeedbackArrived(day * DAY + 2, sent(story, day * DAY + 1), "bounced", code="5.2.2"))
    story.give(FeedbackArrived(2 * DAY + 2, sent(story, 2 * DAY + 1), "delivered"))

    story.give(FeedbackArrived(4 * DAY + 2, sent(story, 4 * DAY + 1), "bounced", code="5.2.2"))

    assert may_send(story, 5 * DAY)


@pytest.mark.parametrize("code", [None, "render"])
def test_what_our_own_side_refuses_is_no_word_about_the_address(tell: Tell, code: str | None) -> None:
    story = tell(ONCE)
    for day in (0, 1, 4):
        (key,) = story.event(day * DAY + 1, "Start").claim(day * DAY + 1)
        story.answer(day * DAY + 1, Refused(key, "a line break in a subject", code=code))

    assert may_send(story, 5 * DAY)


def test_the_bounds_of_soft_failures_are_settings(tell: Tell) -> None:
    story = tell(ONCE, soft_failures_max=2, soft_failures_over_ms=0, soft_failures_within_ms=HOUR)
    for at in (10, 20):
        story.give(FeedbackArrived(at + 1, sent(story, at), "bounced", code="5.2.2"))

    assert not may_send(story, 30)


def test_the_operator_lifts_a_suppression_and_makes_one(tell: Tell) -> None:
    story = tell(ONCE)
    story.give(FeedbackArrived(20, sent(story, 10), "bounced", code="5.1.1"))

    story.call(30, type="suppression", channel="email", address=ADDRESS, suppressed=False)
    assert may_send(story, 40)

    story.call(50, type="suppression", channel="email", address=ADDRESS, suppressed=True)
    assert not may_send(story, 60)


def test_a_bounce_that_comes_again_after_the_suppression_was_lifted_suppresses_again(tell: Tell) -> None:
    story = tell(ONCE)
    key = sent(story, 10)
    story.give(FeedbackArrived(20, key, "bounced", code="5.1.1"))
    story.give(SuppressionChanged(30, "email", ADDRESS, suppressed=False))

    story.give(FeedbackArrived(40, key, "bounced", code="5.1.1"))

    assert not may_send(story, 50)
    assert [outcome for _, _, outcome in story.outcomes()].count("bounced") == 1


def test_a_later_delivery_that_arrives_lifts_a_suppression_and_the_one_that_bounced_does_not(tell: Tell) -> None:
    story = tell(ONCE)
    first, second, third = (sent(story, at) for at in (10, 20, 30))
    story.give(FeedbackArrived(40, second, "bounced", code="5.1.1"))

    story.give(FeedbackArrived(50, second, "delivered")).give(FeedbackArrived(51, first, "delivered"))
    assert not may_send(story, 60), "neither the one that bounced nor an earlier one"

    story.give(FeedbackArrived(70, third, "opened"))
    assert may_send(story, 80)


def test_a_delivery_that_was_given_back_untried_is_ready_again_and_no_attempt_is_counted(tell: Tell) -> None:
    story = tell(ONCE, attempts_max=2).event(10, "Start")

    for at in (11, 12, 13):
        (key,) = story.claim(at)
        story.answer(at, NotSent(key, "no connection", of_channel=True, tried=False))
    (key,) = story.claim(14)

    assert story.claimed == [(key, 1)]
    story.answer(15, NotSent(key, "no connection", of_channel=True))
    assert story.claim(16) == [], "this one was tried, and is tried again after a minute"
    assert [outcome for _, _, outcome in story.outcomes("claimed")] == ["queued"] + ["retried"] * 4


def test_a_delivery_that_is_given_back_when_its_run_was_left_is_cancelled(tell: Tell) -> None:
    story = tell(
        "{journey: trip, entry: {event: Start}, exit: [{event: Left}], steps: [{id: write, send: receipt},"
        " {id: stay, wait: 1d}]}"
    ).event(10, "Start")
    (key,) = story.claim(11)

    story.event(12, "Left").answer(13, NotSent(key, "no connection", of_channel=True, tried=False))

    assert story.outcomes()[-1][2] == "cancelled"
    assert story.outbox == {}


def test_an_operator_s_word_about_somebody_unknown_is_forgotten_when_it_is_taken_back(tell: Tell) -> None:
    story = tell(ONCE).identify(1, email=None, phone=None, push_token=None)

    story.call(2, type="suppression", channel="email", address=ADDRESS, suppressed=True)
    assert not is_unknown(story.profile)

    story.call(3, type="suppression", channel="email", address=ADDRESS, suppressed=False)
    assert is_unknown(story.profile)


def lowered(channel: str, address: str, region: str | None) -> str:
    del channel, region
    if "@" not in address:
        raise ValueError("it has no @")
    return address.lower()


def test_the_operator_names_an_address_in_any_form_that_the_channel_takes(tell: Tell) -> None:
    story = tell(ONCE)
    story.normalize = lowered

    story.give(SuppressionChanged(10, "email", "Sarah@MAIL.example", suppressed=True))
    assert story.profile.suppressed == {"email": {ADDRESS: 10}}
    assert not may_send(story, 20)

    story.give(SuppressionChanged(30, "email", "SARAH@mail.example", suppressed=False))
    assert may_send(story, 40)


def test_what_the_channel_takes_for_no_address_can_be_suppressed_and_lifted_as_it_stands(tell: Tell) -> None:
    story = tell(ONCE)
    story.normalize = lowered

    story.give(SuppressionChanged(10, "email", "Sarah", suppressed=True))
    assert story.profile.suppressed == {"email": {"Sarah": 10}}

    story.give(SuppressionChanged(20, "email", "Sarah", suppressed=False))
    assert story.profile.suppressed == {}


def test_soft_failures_of_two_spellings_are_of_one_address(tell: Tell) -> None:
    story = tell(ONCE)
    story.normalize = lowered

    for number, spelling in enumerate(("Sarah@mail.example", "sarah@MAIL.example")):
        at = number * DAY + 10
        story.identify(at, email=spelling)
        story.give(FeedbackArrived(at + 2, sent(story, at + 1), "bounced", code="5.2.2"))

    assert story.profile.soft_failures == {"email": {ADDRESS: [12, DAY + 12]}}
