"""Consent and suppression: nothing is sent to people who have not agreed, or to dead addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.channel import Refused
from parcours.core.fact import LimitReached

if TYPE_CHECKING:
    from tests.core.conftest import Story, Tell

SEND = "{journey: trip, entry: {event: Start}, steps: [{id: write, send: %s, channels: [%s]}, {id: stay, wait: 30d}]}"
MIXED = "{consent: {default: opt_in, channels: {email: opt_out}}}"
OFFER = "[{message: offer, class: marketing, purpose: offer, email: {text: hi}, sms: {text: hi}}]"

Said = list[tuple[str, str | None, bool]]


@pytest.mark.parametrize(
    "policy, channel, said, passes",
    [
        # Without a policy marketing needs an opt-in.
        ("{}", "email", [], False),
        ("{}", "email", [("email", None, True)], True),
        ("{consent: {default: opt_out}}", "email", [], True),
        ("{consent: {default: opt_out}}", "email", [("email", None, False)], False),
        # A channel's own rule wins over the default.
        (MIXED, "email", [], True),
        (MIXED, "sms", [], False),
        # A purpose wins over its channel, and concerns no other purpose and no other channel.
        (MIXED, "sms", [("sms", "offer", True)], True),
        (MIXED, "sms", [("sms", "news", True)], False),
        (MIXED, "sms", [("email", "offer", True)], False),
        (MIXED, "email", [("email", "offer", False)], False),
        (MIXED, "email", [("email", "news", False)], True),
        (MIXED, "email", [("email", None, False), ("email", "offer", True)], True),
        # What is said of a whole channel replaces what was said of its purposes.
        (MIXED, "email", [("email", "offer", True), ("email", None, False)], False),
        (MIXED, "sms", [("sms", "offer", False), ("sms", None, True)], True),
        # What was said last counts.
        (MIXED, "sms", [("sms", None, True), ("sms", None, False)], False),
        (MIXED, "sms", [("sms", None, False), ("sms", None, True)], True),
    ],
)
def test_who_may_be_sent_an_offer(tell: Tell, policy: str, channel: str, said: Said, passes: bool) -> None:
    story = tell(SEND % ("offer", channel), policies=policy, messages=OFFER)
    for heard, purpose, granted in said:
        story.consent(1, heard, purpose, granted=granted)

    story.event(5, "Start")

    assert story.gates() == [(5, channel, "queued", None) if passes else (5, channel, "refused", "consent")]


def test_transactional_messages_ask_for_no_consent(tell: Tell) -> None:
    story = tell(SEND % ("receipt", "email"), policies="{}").consent(1, "email", granted=False)

    assert story.event(5, "Start").gates() == [(5, "email", "queued", None)]


@pytest.mark.parametrize("reaction", ["unsubscribed", "complained"])
def test_who_unsubscribes_or_complains_gets_no_more_marketing_on_that_channel(tell: Tell, reaction: str) -> None:
    story = tell(SEND % ("mail", "email, sms")).event(5, "Start")
    story.send(5)

    story.react(6, reaction, "write").wait(31 * 86_400_000).event(40 * 86_400_000, "Start")

    assert [each[1:] for each in story.gates()[2:]] == [("email", "refused", "consent"), ("sms", "queued", None)]


@pytest.mark.parametrize("reaction", ["unsubscribed", "complained"])
def test_who_has_consented_again_can_unsubscribe_again_by_the_same_mail(tell: Tell, reaction: str) -> None:
    story = tell(SEND % ("mail", "email")).event(5, "Start")
    story.send(5)

    story.react(6, reaction, "write").consent(7, "email", granted=True).react(8, reaction, "write")
    story.wait(31 * 86_400_000).event(40 * 86_400_000, "Start")

    assert [each[1:] for each in story.gates()[1:]] == [("email", "refused", "consent")]
    assert story.profile.past[0].deliveries[0].marks[reaction] == 6, "the mark keeps its first time"
    assert [outcome for _, _, outcome in story.outcomes()].count(reaction) == 1


def test_an_audience_of_consent_is_left_by_a_second_unsubscribe(tell: Tell) -> None:
    story = tell(
        SEND % ("mail", "email") + "\n---\n{journey: gone, entry: {audience: quiet}, steps: [{id: note, end: true}]}",
        audiences='{quiet: \'!consent("email", "marketing")\'}',
    ).event(5, "Start")
    story.send(5)

    story.react(6, "unsubscribed", "write").consent(7, "email", granted=True).react(8, "unsubscribed", "write")

    assert [at for at, journey, _, _ in story.told("entered") if journey == "gone"] == [6, 8]


def test_consent_that_is_withdrawn_before_the_claim_keeps_the_delivery_back(tell: Tell) -> None:
    story = tell(SEND % ("mail", "email")).event(5, "Start").consent(6, "email", granted=False)

    assert story.claim(7) == []
    assert story.gates() == [(5, "email", "queued", None), (7, "email", "refused", "consent")]
    assert story.outbox == {}


TWICE = """
journey: trip
entry: {event: Start}
steps:
  - {id: write, send: receipt}
  - {id: pause, wait: 1s}
  - {id: again, send: receipt}
"""


@pytest.mark.parametrize("permanent, gate", [(True, "suppression"), (False, None)])
def test_nothing_goes_to_an_address_that_is_refused_for_good(tell: Tell, permanent: bool, gate: str | None) -> None:
    story = tell(TWICE).event(0, "Start")
    (key,) = story.claim(0)

    story.answer(1, Refused(key, "no such mailbox", permanent=permanent)).wait(1_001)

    assert story.gates()[1:] == [(1_000, "email", "refused" if gate else "queued", gate)]


def test_nothing_goes_to_an_address_that_bounced_until_there_is_another(tell: Tell) -> None:
    story = tell(TWICE).event(0, "Start")
    story.send(0)

    story.react(1, "bounced", "write").wait(1_001)
    story.identify(2_000, email="new@mail.example").event(3_000, "Start")

    assert story.gates()[1:] == [(1_000, "email", "refused", "suppression"), (3_000, "email", "queued", None)]


def bounce_at(story: Story, at: int) -> None:
    """What is sent at this time comes back at once."""
    story.event(at, "Start")
    story.send(at)
    story.react(at + 1, "bounced", "write")


ONCE = "{journey: trip, entry: {event: Start}, steps: [{id: write, send: receipt}]}"


def test_a_suppression_stays_with_the_address_when_that_goes_and_comes_back(tell: Tell) -> None:
    story = tell(ONCE)
    bounce_at(story, 10)

    story.event(20, "Start")
    story.identify(30, email="new@mail.example").identify(40, email="sarah@mail.example").event(50, "Start")

    assert story.gates()[1:] == [(20, "email", "refused", "suppression"), (50, "email", "refused", "suppression")]


CHOSEN = """
journey: trip
entry: {event: Start}
steps:
  - {id: write, send: receipt, to: {email: entry.email}}
"""


def test_each_of_several_addresses_stays_suppressed_by_itself(tell: Tell) -> None:
    story = tell(CHOSEN)
    for at, where in ((10, "one@mail.example"), (20, "two@mail.example")):
        story.event(at, "Start", email=where)
        story.send(at)
        story.react(at + 1, "bounced", "write")
    story.identify(30, email="new@mail.example")

    for at, where in ((40, "one"), (50, "two"), (60, "three")):
        story.event(at, "Start", email=f"{where}@mail.example")

    assert [each[2:] for each in story.gates()[2:]] == [
        ("refused", "suppression"), ("refused", "suppression"), ("queued", None)
    ]  # fmt: skip


def test_an_update_that_changes_the_address_and_changes_it_back_lifts_nothing(tell: Tell) -> None:
    story = tell(
        """
        journey: trip
        entry: {event: Start}
        steps:
          - {id: write, send: receipt}
          - {id: pause, wait: 1s}
          - {id: move, update: {email: '"new@mail.example"'}}
          - {id: back, update: {email: '"sarah@mail.example"'}}
          - {id: again, send: receipt}
        """
    ).event(0, "Start")
    story.send(0)

    story.react(1, "bounced", "write").wait(1_001)

    assert story.gates()[1:] == [(1_000, "email", "refused", "suppression")]


def test_so_many_dead_addresses_are_remembered_and_that_one_was_forgotten_is_recorded(tell: Tell) -> None:
    story = tell(CHOSEN, suppressed_addresses_max=1)
    for at, where in ((10, "one"), (20, "two")):
        story.event(at, "Start", email=f"{where}@mail.example")
        story.send(at)
        story.react(at + 1, "bounced", "write")

    story.event(30, "Start", email="one@mail.example").event(40, "Start", email="two@mail.example")

    assert [each[2:] for each in story.gates()[2:]] == [("queued", None), ("refused", "suppression")]
    assert [fact.setting for fact in story.facts if isinstance(fact, LimitReached)] == ["suppressed_addresses_max"]
