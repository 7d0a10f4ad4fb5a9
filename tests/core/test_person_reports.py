"""What a provider reports of an address, and not of a delivery, is about the person there and about the address."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from parcours.core.consent import stated_consents
from parcours.core.delivery.suppression import LIFTS_KEPT_MAX
from parcours.core.fact import Unmatched
from parcours.core.input import PersonReported
from parcours.core.profile import Profile, encode_profile, is_empty
from parcours.journey.project import Project

if TYPE_CHECKING:
    from tests.core.conftest import Begin, Story, Tell

PHONE = "+33612345678"
TRIP = """
journey: trip
entry: {event: Start}
steps:
  - {id: write, send: mail, channels: [sms]}
  - {id: listen, wait_for: [{reaction: replied, of: write, next: glad}], timeout: 1d}
  - {id: sad, end: true}
  - {id: glad, end: true}
---
journey: talk
entry: {event: "Text Received"}
steps: [{id: note, update: {city: event.text}}]
"""
EVENTS = "{Text Received: {properties: {text: string}}}"


@pytest.fixture
def story(begin: Begin, shop: Callable[..., Project]) -> Story:
    """Somebody to whom nothing has left so far."""
    story = begin(shop(TRIP, events=EVENTS)).story
    story.dead_codes = lambda channel: frozenset({"30005"} if channel == "sms" else ())
    return story


@pytest.fixture
def texted(story: Story) -> Story:
    """Somebody to whom a text has left."""
    story.event(10, "Start").send(10)
    return story


def reported(at: int, reaction: str, address: str | None = PHONE, **more: object) -> PersonReported:
    return PersonReported(at, "sms", reaction, address, **more)  # type: ignore[arg-type]  # handed on as they are


def test_stop_withdraws_consent_and_suppresses_the_number_and_start_lifts_that_alone(texted: Story) -> None:
    texted.give(reported(20, "unsubscribed"))
    assert stated_consents(texted.profile) == {("sms", None): False}
    assert list(texted.profile.suppressed["sms"]) == [PHONE]

    texted.give(reported(30, "unblocked"))
    assert stated_consents(texted.profile) == {("sms", None): False}, "it grants nothing"
    assert texted.profile.suppressed == {}

    texted.give(reported(40, "unsubscribed"))
    assert list(texted.profile.suppressed["sms"]) == [PHONE], "each time it comes"


def test_a_start_that_is_repeated_lifts_nothing_however_late_it_comes(texted: Story) -> None:
    day = 86_400_000
    texted.give(reported(20, "unblocked", report_id="SM1"))  # before there is anything to lift
    texted.give(reported(30, "unsubscribed", report_id="SM2"))
    texted.give(reported(40 * day, "unblocked", report_id="SM1"))
    assert list(texted.profile.suppressed["sms"]) == [PHONE]

    texted.give(reported(41 * day, "unblocked", report_id="SM3"))
    assert texted.profile.suppressed == {}, "she has said it again"

    texted.give(reported(42 * day, "unsubscribed", report_id="SM2"))
    assert list(texted.profile.suppressed["sms"]) == [PHONE], "a STOP holds each time"
    for known in ("SM1", "SM3"):
        texted.give(reported(43 * day, "unblocked", report_id=known))
    assert list(texted.profile.suppressed["sms"]) == [PHONE]


def test_no_more_than_so_many_lifts_are_remembered_and_the_oldest_go(texted: Story) -> None:
    for number in range(LIFTS_KEPT_MAX + 1):
        texted.give(reported(20 + number, "unblocked", report_id=f"SM{number}"))
    texted.give(reported(100, "unsubscribed"))
    assert len(texted.profile.lifted_by) == LIFTS_KEPT_MAX

    texted.give(reported(110, "unblocked", report_id="SM1"))
    assert list(texted.profile.suppressed["sms"]) == [PHONE]
    texted.give(reported(120, "unblocked", report_id="SM0"))
    assert texted.profile.suppressed == {}, "the one that has been forgotten"


def test_stop_keeps_transactional_messages_away_too_until_start(tell: Tell) -> None:
    story = tell(
        "{journey: trip, entry: {event: Start}, steps: [{id: write, send: receipt, channels: [sms]}]}",
        messages="[{message: receipt, class: transactional, sms: {text: hi}}]",
    )
    gates = []
    for at, reaction in ((10, "unsubscribed"), (20, "unblocked")):
        story.give(reported(at, reaction)).event(at + 1, "Start")
        gates.append(story.gates()[-1][2:])
    assert gates == [("refused", "suppression"), ("queued", None)]


def test_an_answer_is_of_the_newest_delivery_on_the_channel_in_whatever_journey_and_is_the_event(texted: Story) -> None:
    texted.give(reported(20, "replied", names=("Text Received",), properties={"text": "Lyon"}))

    assert (20, "write", "replied") in texted.outcomes()
    assert (20, "glad") in texted.steps()
    assert texted.profile.traits["city"] == "Lyon"
    assert "sms" not in texted.profile.suppressed


def test_an_answer_finds_a_delivery_of_a_run_that_is_over(texted: Story) -> None:
    texted.wait(3 * 86_400_000)
    assert texted.profile.runs == []

    texted.give(reported(4 * 86_400_000, "replied"))

    assert texted.outcomes()[-1] == (4 * 86_400_000, "write", "replied")


@pytest.mark.parametrize(
    "reaction, code, suppressed",
    [
        ("bounced", None, True),
        ("bounced", "30005", True),
        ("failed", "30005", True),
        ("bounced", "30003", False),
        ("failed", None, False),
        ("complained", None, False),
    ],
)
def test_of_an_address_a_failure_is_judged_by_its_code(
    texted: Story, reaction: str, code: str | None, suppressed: bool
) -> None:
    texted.give(reported(20, reaction, code=code))
    assert ("sms" in texted.profile.suppressed) is suppressed
    assert stated_consents(texted.profile) == ({("sms", None): False} if reaction == "complained" else {})


def test_somebody_to_whom_nothing_has_left_is_heard_all_the_same(story: Story) -> None:
    story.give(reported(20, "replied")).give(reported(21, "unsubscribed")).give(reported(22, "replied", None))

    assert story.others() == [
        Unmatched(20, "sarah", "replied", "nothing has left for her on sms"),
        Unmatched(22, "sarah", "replied", "nothing has left for her on sms"),
    ]
    assert list(story.profile.suppressed["sms"]) == [PHONE]


def test_to_lift_what_is_not_suppressed_makes_nobody_known(story: Story) -> None:
    story.state = encode_profile(Profile())
    assert is_empty(story.give(reported(20, "unblocked")).profile)
    assert is_empty(story.give(reported(20, "unblocked", report_id="SM1")).profile)
