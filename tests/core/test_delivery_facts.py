"""What a fact of a delivery says of its visit, message, attempt and link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parcours.channel import Accepted, Ambiguous, NotSent
from parcours.core.fact import DeliveryReached
from parcours.core.input import FeedbackArrived

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.core.conftest import Begin, Story, Tell

    from parcours.journey.project import Project

TRIP = "{journey: trip, entry: {event: Start}, steps: [{id: write, send: %s, channels: [email]}]}"
LOOP = """
journey: trip
entry: {event: Start}
steps: [{id: write, send: mail, channels: [email]}, {id: listen, wait_for: [{event: Seen, next: write}]}]
"""
NEWS = "[{message: mail, purpose: news, email: {text: hi}}]"
OTHER = "{journey: other, entry: {event: Start}, steps: [{id: rest, wait: 1d}]}"


def told(story: Story) -> list[DeliveryReached]:
    return [fact for fact in story.facts if isinstance(fact, DeliveryReached)]


def attempts(story: Story) -> list[tuple[str, int]]:
    return [(fact.outcome, fact.attempt) for fact in told(story)]


def test_a_fact_tells_the_class_and_the_purpose_of_the_message(tell: Tell) -> None:
    news, receipt = tell(TRIP % "mail", messages=NEWS), tell(TRIP % "receipt")

    for story in (news, receipt):
        story.event(0, "Start").send(1)

    assert {(fact.message_class, fact.purpose) for fact in told(news)} == {("marketing", "news")}
    assert {(fact.message_class, fact.purpose) for fact in told(receipt)} == {("transactional", "transactional")}


def test_a_fact_tells_how_often_the_run_had_come_to_the_step(tell: Tell) -> None:
    story = tell(LOOP).event(0, "Start").event(1, "Seen")

    assert [(fact.outcome, fact.visit) for fact in told(story)] == [("queued", 1), ("queued", 2)]


def test_a_fact_tells_which_attempt_it_is_about(tell: Tell) -> None:
    story = tell(TRIP % "mail").event(0, "Start")
    (key,) = story.claim(1)
    story.answer(2, NotSent(key, "greylisted")).wait(1_000_000).send(1_000_001)
    story.react(1_000_002, "opened", "write")

    assert attempts(story) == [
        ("queued", 0), ("claimed", 1), ("retried", 1), ("claimed", 2), ("sent", 2), ("delivered", 2), ("opened", 2)
    ]  # fmt: skip


def test_an_attempt_that_nobody_made_is_the_one_that_was_claimed(tell: Tell) -> None:
    story = tell(TRIP % "mail").event(0, "Start")
    (key,) = story.claim(1)
    story.answer(2, NotSent(key, "no connection", tried=False)).send(3)

    assert attempts(story) == [("queued", 0), ("claimed", 1), ("retried", 1), ("claimed", 1), ("sent", 1)]


def test_what_proves_that_an_attempt_arrived_is_not_about_the_next_one(tell: Tell) -> None:
    story = tell(TRIP % "receipt").event(0, "Start")
    (key,) = story.claim(1)
    story.answer(2, Ambiguous(key, "the line went dead")).answer(3, Accepted(key)).wait(10_000_000)
    story.react(10_000_001, "opened", "write")

    assert attempts(story) == [
        ("queued", 0), ("claimed", 1), ("unknown", 1), ("sent", 1), ("delivered", 1), ("opened", 1)
    ]  # fmt: skip


def test_a_delivery_that_is_cancelled_has_no_attempt(tell: Tell) -> None:
    trip = "{journey: trip, entry: {event: Start}, exit: [{event: Left}], steps: [%s, {id: rest, wait: 1d}]}"
    story = tell(trip % "{id: write, send: mail, channels: [email]}").event(0, "Start").event(1, "Left")

    assert attempts(story) == [("queued", 0), ("cancelled", 0)]


def test_a_click_tells_its_link_and_nothing_else_does(tell: Tell) -> None:
    story = tell(TRIP % "mail").event(0, "Start")
    story.send(1)
    story.react(2, "clicked", "write", link="shop")

    assert [(fact.outcome, fact.link) for fact in told(story) if fact.link] == [("clicked", "shop")]


def test_a_reaction_after_the_version_is_gone_tells_what_the_delivery_remembers(
    begin: Begin, shop: Callable[..., Project]
) -> None:
    for message, known in (("mail", ("marketing", "news")), ("receipt", ("transactional", None))):
        control = begin(shop(TRIP % message, messages=NEWS))
        story = control.story.event(0, "Start")
        (key,) = story.send(1)
        story.program = shop(OTHER).program  # nothing of the version was under way any more

        story.give(FeedbackArrived(2, key, "opened"))

        assert {(fact.message_class, fact.purpose) for fact in told(story) if fact.at == 2} == {known}
