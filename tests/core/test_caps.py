"""How often is somebody written to? Never more than a cap allows, within whatever window one looks through."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parcours.channel import Ambiguous, NotSent, Receipt, Refused
from parcours.core.fact import DeliveryReached

if TYPE_CHECKING:
    from tests.core.conftest import Story, Tell

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
