"""Frequency caps: a person never gets more messages than a cap allows, in any window."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.config import HOUR_MS
from parcours.core.fact import DeliveryReached
from parcours.journey.project import Project

if TYPE_CHECKING:
    from tests.core.conftest import Begin, Control, Story, Tell

Shop = Callable[..., Project]

SECOND = 1_000
SEND = """
journey: trip
entry: {event: Start}
correlation: event.cart
exit: [{event: Left}]
steps: [{id: write, send: %s, channels: [%s]}, {id: stay, wait: 30d}]
"""
ONE_IN_10S = "{consent: {default: opt_out}, caps: [{channels: [email, sms], class: marketing, max: 1, per: 10s}]}"


def verdicts(story: Story) -> list[tuple[int, str, str | None]]:
    return [(at, channel, gate) for at, channel, outcome, gate in story.gates() if outcome != "cancelled"]


@pytest.mark.parametrize("later_ms, gate", [(0, "cap"), (9_999, "cap"), (10_000, None)])
def test_a_window_has_its_start_outside_and_its_end_inside(tell: Tell, later_ms: int, gate: str | None) -> None:
    story = tell(SEND % ("mail", "email"), policies=ONE_IN_10S).event(5, "Start", cart="a")

    story.event(5 + later_ms, "Start", cart="b")

    assert verdicts(story) == [(5, "email", None), (5 + later_ms, "email", gate)]


def test_the_channels_of_one_rule_share_its_count(tell: Tell) -> None:
    story = tell(SEND % ("mail", "email, sms"), policies=ONE_IN_10S).event(5, "Start", cart="a")

    assert verdicts(story) == [(5, "email", None), (5, "sms", "cap")]


def test_transactional_messages_neither_ask_nor_count(tell: Tell) -> None:
    journeys = SEND % ("receipt", "email") + "---" + (SEND % ("mail", "email")).replace("trip", "walk")
    story = tell(journeys, policies=ONE_IN_10S)

    story.event(5, "Start", cart="a").event(6, "Start", cart="b")

    refused = [fact.journey for fact in story.facts if isinstance(fact, DeliveryReached) and fact.outcome == "refused"]
    assert refused == ["walk"]


@pytest.mark.parametrize(
    "receipt, gate",
    [
        (lambda key: Refused(key, "no such mailbox", permanent=False), None),  # failed: given back
        (lambda key: Ambiguous(key, "the line went dead"), "cap"),  # unknown: it may have arrived
        (lambda key: NotSent(key, "busy"), "cap"),  # still to be sent
    ],
)
def test_what_has_certainly_failed_is_given_back(
    tell: Tell, receipt: Callable[[str], Receipt], gate: str | None
) -> None:
    story = tell(SEND % ("mail", "email"), policies=ONE_IN_10S).event(0, "Start", cart="a")
    (key,) = story.claim(0)

    story.answer(1, receipt(key)).event(2, "Start", cart="b")

    assert verdicts(story)[-1] == (2, "email", gate)


def test_what_an_exit_cancels_is_given_back(tell: Tell) -> None:
    story = tell(SEND % ("mail", "email"), policies=ONE_IN_10S).event(0, "Start", cart="a")

    story.event(1, "Left", cart="a").event(2, "Start", cart="b")

    assert verdicts(story)[-1] == (2, "email", None)


def test_what_a_gate_refuses_at_the_claim_is_given_back(tell: Tell) -> None:
    story = tell(SEND % ("mail", "email"), policies=ONE_IN_10S).event(0, "Start", cart="a")
    story.consent(1, "email", granted=False).claim(2)

    story.consent(3, "email", granted=True).event(4, "Start", cart="b")

    assert verdicts(story)[-1] == (4, "email", None)


UNCAPPED = "{consent: {default: opt_out}}"
TWO_IN_30S = ONE_IN_10S.replace("max: 1, per: 10s", "max: 2, per: 30s")


def carts(control: Control, shop: Shop, policies: str, *starts: tuple[int, str]) -> None:
    """What is published from the first of these on, and who starts a cart when."""
    capped = shop(SEND % ("mail", "email"), policies)
    for place, (at, cart) in enumerate(starts):
        if not place:
            control.publish(at, capped)
        control.story.event(at, "Start", cart=cart)


@pytest.mark.parametrize("later_ms, gate", [(9_999, "cap"), (10_000, None)])
def test_what_went_out_before_there_was_a_cap_counts(shop: Shop, begin: Begin, later_ms: int, gate: str | None) -> None:
    control = begin(shop(SEND % ("mail", "email"), UNCAPPED))
    control.story.event(5, "Start", cart="a").send(5)

    carts(control, shop, ONE_IN_10S, (5 + later_ms, "b"))

    assert verdicts(control.story)[-1] == (5 + later_ms, "email", gate)


def test_a_longer_window_counts_what_the_shorter_one_had_forgotten(shop: Shop, begin: Begin) -> None:
    control = begin(shop(SEND % ("mail", "email"), ONE_IN_10S))
    control.story.event(0, "Start", cart="a").event(11_000, "Start", cart="b")

    carts(control, shop, TWO_IN_30S, (22_000, "c"), (30_000, "d"))

    assert [gate for _, _, gate in verdicts(control.story)] == [None, None, "cap", None]


def test_what_went_out_while_the_caps_were_gone_counts_when_they_are_back(shop: Shop, begin: Begin) -> None:
    control = begin(shop(SEND % ("mail", "email"), TWO_IN_30S))
    control.story.event(0, "Start", cart="a")

    carts(control, shop, UNCAPPED, (10_000, "b"), (10_000, "c"))
    assert control.story.profile.reservations == [], "nothing is kept twice for nobody"
    carts(control, shop, TWO_IN_30S, (35_000, "d"), (40_000, "e"), (41_000, "f"), (42_000, "g"))

    assert [gate for _, _, gate in verdicts(control.story)] == [None, None, None, "cap", None, None, "cap"]


@pytest.mark.parametrize("message, gate", [("mail", "cap"), ("receipt", None)])
def test_before_a_cap_too_only_marketing_counts(shop: Shop, begin: Begin, message: str, gate: str | None) -> None:
    control = begin(shop(SEND % (message, "email"), UNCAPPED))
    control.story.event(0, "Start", cart="a")

    carts(control, shop, ONE_IN_10S, (1, "b"))

    assert verdicts(control.story)[-1] == (1, "email", gate)


@pytest.mark.parametrize(
    "receipt, gate",
    [
        (lambda key: Accepted(key), "cap"),
        (lambda key: Refused(key, "no such mailbox", permanent=False), None),  # it came to nothing
        (lambda key: Ambiguous(key, "the line went dead"), "cap"),  # it may have arrived
    ],
)
def test_before_a_cap_too_what_has_failed_does_not_count(
    shop: Shop, begin: Begin, receipt: Callable[[str], Receipt], gate: str | None
) -> None:
    control = begin(shop(SEND % ("mail", "email"), UNCAPPED))
    (key,) = control.story.event(0, "Start", cart="a").claim(0)
    control.story.answer(1, receipt(key))

    carts(control, shop, ONE_IN_10S, (2, "b"))

    assert verdicts(control.story)[-1] == (2, "email", gate)


def test_what_was_held_counts_from_the_instant_at_which_it_was_queued(shop: Shop, begin: Begin) -> None:
    # given somebody who lives in Paris and is to be written to two seconds before 22:00
    quiet = '{consent: {default: opt_out}, quiet_hours: [{channels: [email], from: "21:00", until: "22:00"}]}'
    queued_at = 21 * HOUR_MS
    control = begin(shop(SEND % ("mail", "email"), quiet))
    control.story.event(queued_at - 2_000, "Start", cart="a").wait(queued_at + 1)

    carts(control, shop, ONE_IN_10S, (queued_at + 9_999, "b"), (queued_at + 10_000, "c"))

    assert verdicts(control.story)[1:] == [
        (queued_at, "email", None),
        (queued_at + 9_999, "email", "cap"),
        (queued_at + 10_000, "email", None),
    ]


@given(
    pauses=st.lists(st.integers(min_value=0, max_value=4 * SECOND), min_size=1, max_size=25),
    most=st.integers(min_value=1, max_value=3),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
def test_no_window_ever_holds_more_than_the_cap(tell: Tell, pauses: list[int], most: int) -> None:
    policies = ONE_IN_10S.replace("max: 1", f"max: {most}")
    story = tell(SEND % ("mail", "email, sms"), policies=policies)
    at = 0
    for number, pause in enumerate(pauses):
        at += pause
        story.event(at, "Start", cart=f"c{number}")

    queued = [at for at, _, gate in verdicts(story) if gate is None]
    assert queued
    assert all(sum(end - 10 * SECOND < at <= end for at in queued) <= most for end in queued)
