"""Feedback merges by rank: in whatever order it comes, the delivery ends the same."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parcours.channel import Accepted, Ambiguous
from parcours.core.profile import DeliveryState

if TYPE_CHECKING:
    from tests.core.conftest import Story, Tell

TRIP = "{journey: trip, entry: {event: Start}, steps: [{id: write, send: %s, channels: [email]}]}"

REACTIONS = ["delivered", "opened", "clicked", "bounced", "complained", "unsubscribed", "replied", "failed"]


def told(story: Story, news: list[str]) -> DeliveryState:
    """The delivery after these pieces of news, the first at 1,000."""
    story.event(0, "Start")
    (key,) = story.claim(1)
    for number, piece in enumerate(news):
        if piece == "accepted":
            story.answer(1_000 + number, Accepted(key, "provider-7"))
        elif piece == "ambiguous":
            story.answer(1_000 + number, Ambiguous(key, "the line went dead"))
        else:
            story.react(1_000 + number, piece, "write", link="shop" if piece == "clicked" else None)
    story.wait(10_000_000)
    assert story.claim(10_000_000) == [] and story.outbox == {}, "nothing of it is left to send"
    return story.profile.past[0].deliveries[0]


@given(
    st.lists(st.sampled_from(REACTIONS), unique=True, min_size=1).flatmap(st.permutations),
    st.sampled_from(["accepted", "ambiguous"]),
    st.integers(min_value=0),
    st.sampled_from(["mail", "receipt"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_feedback_makes_no_difference(
    tell: Tell, reactions: list[str], receipt: Literal["accepted", "ambiguous"], place: int, message: str
) -> None:
    place %= len(reactions) + 1
    shuffled = [*reactions[:place], receipt, *reactions[place:]]

    one = told(tell(TRIP % message), [receipt, *sorted(reactions)])
    other = told(tell(TRIP % message), shuffled)

    assert (other.state, other.marks.keys(), other.links.keys()) == (one.state, one.marks.keys(), one.links.keys())
    assert other.provider_id == one.provider_id


@pytest.mark.parametrize(
    "news, state",
    [
        (["accepted"], "sent"),
        (["ambiguous"], "unknown"),
        (["accepted", "delivered"], "delivered"),
        (["accepted", "opened"], "delivered"),  # whoever opens it has got it
        (["accepted", "clicked"], "delivered"),
        (["accepted", "complained"], "sent"),
        (["accepted", "delivered", "bounced"], "bounced"),
        (["ambiguous", "delivered"], "delivered"),
        (["ambiguous", "replied"], "sent"),
        (["accepted", "failed"], "failed"),
        (["accepted", "delivered", "failed"], "failed"),  # bad news of the provider is final
    ],
)
def test_the_state_that_feedback_adds_up_to(tell: Tell, news: list[str], state: str) -> None:
    assert {told(tell(TRIP % "mail"), list(order)).state for order in permutations(news)} == {state}


def test_a_mark_keeps_its_first_time(tell: Tell) -> None:
    delivery = told(tell(TRIP % "mail"), ["accepted", "clicked", "opened", "clicked", "delivered", "opened"])

    assert delivery.marks == {"delivered": 1_001, "clicked": 1_001, "opened": 1_002}


def test_each_mark_is_told_once(tell: Tell) -> None:
    story = tell(TRIP % "mail")

    told(story, ["opened", "accepted", "opened", "delivered", "failed", "failed", "clicked"])

    assert [outcome for _, _, outcome in story.outcomes()] == [
        "queued", "claimed", "sent", "delivered", "opened", "failed", "clicked",
    ]  # fmt: skip


def test_a_late_acceptance_clears_up_what_was_unknown(tell: Tell) -> None:
    delivery = told(tell(TRIP % "receipt"), ["ambiguous", "accepted"])

    assert (delivery.state, delivery.provider_id) == ("sent", "provider-7")


def test_a_reaction_before_the_receipt_leaves_the_outbox_entry_to_the_receipt(tell: Tell) -> None:
    story = tell(TRIP % "mail").event(0, "Start")
    (key,) = story.claim(1)

    story.react(2, "opened", "write")
    assert list(story.outbox) == [key], "its dispatcher is still at work with it"

    story.answer(3, Accepted(key, "provider-7"))
    assert story.outbox == {}
