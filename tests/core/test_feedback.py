"""Feedback merges by rank: in whatever order it comes, the delivery ends the same."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parcours.channel import Accepted, Ambiguous
from parcours.core.fact import DeliveryReached, Unmatched
from parcours.core.input import FeedbackArrived
from parcours.core.profile import DeliveryState

if TYPE_CHECKING:
    from tests.core.conftest import Story, Tell

TRIP = "{journey: trip, entry: {event: Start}, steps: [{id: write, send: %s, channels: [email]}]}"

REACTIONS = [
    "delivered", "opened", "clicked", "dismissed", "bounced", "complained", "unsubscribed", "replied", "failed",
]  # fmt: skip


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


LOOP = """
journey: trip
entry: {event: Start}
steps:
  - {id: write, send: mail, channels: [email]}
  - {id: listen, wait_for: [{reaction: bounced, of: write, next: over}, {event: Seen, next: write}]}
  - {id: over, end: true}
"""


def test_a_report_concerns_the_delivery_whose_key_it_names(tell: Tell) -> None:
    # given two deliveries of one step, sent one after the other
    story = tell(LOOP).event(0, "Start")
    (first,) = story.send(1)
    story.event(2, "Seen")
    (second,) = story.send(3)

    # when their provider says, in the other order, what became of them
    story.give(FeedbackArrived(4, second, "delivered")).give(FeedbackArrived(5, first, "bounced", code="5.1.1"))

    # then each has its own, with the provider's code, and the run listens for the newest only
    deliveries = story.profile.runs[0].deliveries
    assert [(each.key, each.state, each.marks) for each in deliveries] == [
        (first, "bounced", {"bounced": 5}),
        (second, "delivered", {"delivered": 4}),
    ]
    told = [fact for fact in story.facts if isinstance(fact, DeliveryReached) and fact.at > 3]
    assert [(fact.key, fact.outcome, fact.code) for fact in told] == [
        (second, "delivered", None),
        (first, "bounced", "5.1.1"),
    ]
    assert story.profile.runs[0].step == "listen"
    assert story.give(FeedbackArrived(6, second, "bounced")).moves("ended") != []


def test_a_report_reaches_a_delivery_of_a_run_that_is_over(tell: Tell) -> None:
    story = tell(TRIP % "mail").event(0, "Start")
    (key,) = story.send(1)

    story.give(FeedbackArrived(2, key, "failed", code="30008"))

    assert story.profile.past[0].deliveries[0].state == "failed"
    assert [fact.code for fact in story.facts if isinstance(fact, DeliveryReached)][-1] == "30008"


@pytest.mark.parametrize("reaction", REACTIONS)
def test_by_its_key_or_by_its_step_a_reaction_does_the_same(tell: Tell, reaction: str) -> None:
    by_step, by_key = tell(TRIP % "mail").event(0, "Start"), tell(TRIP % "mail").event(0, "Start")
    by_step.send(1)
    (key,) = by_key.send(1)

    by_step.react(2, reaction, "write", link="shop")
    by_key.give(FeedbackArrived(2, key, reaction, "shop"))

    assert (by_key.profile, by_key.facts) == (by_step.profile, by_step.facts)


def test_a_report_on_what_has_not_left_or_is_not_hers_is_unmatched(tell: Tell) -> None:
    story = tell(TRIP % "mail").event(0, "Start")
    (key,) = story.outbox

    story.give(FeedbackArrived(1, key, "delivered")).give(FeedbackArrived(2, "0" * 37, "opened"))

    assert [(fact.at, fact.reaction) for fact in story.facts if isinstance(fact, Unmatched)] == [
        (1, "delivered"),
        (2, "opened"),
    ]
    assert story.profile.past[0].deliveries[0].state == "queued"


def test_nobody_becomes_known_by_a_report(tell: Tell) -> None:
    story = tell(TRIP % "mail")
    before = story.state

    assert story.give(FeedbackArrived(1, "0" * 37, "opened")).state == before
