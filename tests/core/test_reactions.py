"""A run listens for reactions to its own deliveries, those of the newest visit, also to ones already there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.channel import Accepted, Ambiguous, NotSent, Refused
from parcours.core.fact import Unmatched

if TYPE_CHECKING:
    from tests.core.conftest import Tell

TRIP = """
journey: trip
entry: {event: Start}
correlation: event.cart
steps:
  - {id: write, send: mail, channels: [email, sms]}
  - {id: pause, wait: %s}
  - id: listen
    wait_for:
      - {reaction: clicked, of: write, link: shop, next: shop}
      - {reaction: opened, of: write, channel: email, next: opened}
      - {reaction: failed, of: write, next: failed}
    timeout: 1h
    on_timeout: late
  - {id: shop, end: true}
  - {id: opened, end: true}
  - {id: failed, end: true}
  - {id: late, end: true}
"""


@pytest.mark.parametrize(
    "reaction, channel, link, way",
    [
        ("opened", "email", None, "opened"),
        ("opened", "sms", None, "late"),  # the listener is for email
        ("clicked", "sms", "shop", "shop"),
        ("clicked", "email", "help", "late"),  # another link: but a click is no opening
        ("delivered", "email", None, "late"),
        ("failed", "sms", None, "failed"),
    ],
)
def test_which_reaction_moves_the_run(tell: Tell, reaction: str, channel: str, link: str | None, way: str) -> None:
    story = tell(TRIP % "0s").event(0, "Start")
    story.send(0)

    story.react(9, reaction, "write", channel, link).wait(3_600_001)

    assert story.steps()[-1] == (3_600_000 if way == "late" else 9, way)


def test_a_reaction_that_is_already_there_matches_at_once(tell: Tell) -> None:
    story = tell(TRIP % "10s").event(0, "Start")
    story.send(0)

    story.react(5, "opened", "write").wait(10_001)

    assert story.steps()[-2:] == [(10_000, "listen"), (10_000, "opened")]
    assert ("waiting", "listen", None) not in story.moves()


def test_of_several_reactions_that_are_already_there_the_first_listener_wins(tell: Tell) -> None:
    story = tell(TRIP % "10s").event(0, "Start")
    story.send(0)

    story.react(5, "opened", "write").react(6, "clicked", "write", link="shop").wait(10_001)

    assert story.steps()[-1] == (10_000, "shop")


def test_a_second_click_on_another_link_counts_too(tell: Tell) -> None:
    story = tell(TRIP % "0s").event(0, "Start")
    story.send(0)

    story.react(5, "clicked", "write", "sms", "help").react(6, "clicked", "write", "sms", "shop")

    assert story.steps()[-1] == (6, "shop")
    assert story.outcomes("queued", "claimed", "sent") == [(5, "write", "delivered"), (5, "write", "clicked")]


def test_an_event_listener_never_looks_back(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
steps:
  - {id: pause, wait: 10s}
  - {id: listen, wait_for: [{event: Seen}], timeout: 10s}
"""
    )

    story.event(0, "Start").event(5, "Seen").wait(60_000)

    assert [at for at, _, _, _ in story.told("timed_out")] == [20_000]


def test_a_reaction_at_the_instant_of_the_time_out_still_counts(tell: Tell) -> None:
    story = tell(TRIP % "0s").event(0, "Start")
    story.send(0)

    story.react(3_600_000, "opened", "write")

    assert story.steps()[-1] == (3_600_000, "opened")


def test_a_reaction_concerns_the_newest_delivery_of_its_step(tell: Tell) -> None:
    story = tell(TRIP % "0s").event(0, "Start", cart="a").event(1, "Start", cart="b")
    story.send(1)

    story.react(9, "opened", "write")

    assert story.told("matched") == [(9, "trip", 2, "opened")]


def test_a_run_does_not_see_the_reactions_of_another_run(tell: Tell) -> None:
    story = tell(TRIP % "10s").event(0, "Start", cart="a")
    story.send(0)
    story.react(5, "opened", "write")

    story.event(6, "Start", cart="b").wait(20_000)

    assert story.told("matched") == [(10_000, "trip", 1, "opened")]


def test_in_a_loop_only_the_newest_visit_counts(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
steps:
  - {id: write, send: mail, channels: [email]}
  - {id: listen, wait_for: [{reaction: opened, of: write, next: again}], timeout: 1h, on_timeout: over}
  - {id: again, wait: 1m, next: write}
  - {id: over, end: true}
"""
    )
    story.event(0, "Start")
    story.send(0)

    story.react(5, "opened", "write").wait(60_006)  # the second mail is on its way: the first was opened, not this
    assert story.profile.runs[0].step == "listen"
    story.send(60_006)
    story.react(60_007, "opened", "write")

    assert [at for at, _, _, _ in story.told("matched")] == [5, 60_007]
    assert len({delivery.key for delivery in story.profile.runs[0].deliveries}) == 2


@pytest.mark.parametrize("step, channel", [("write", "push"), ("listen", "email"), ("nowhere", "email")])
def test_a_reaction_to_what_was_never_sent_is_noted_and_moves_nothing(tell: Tell, step: str, channel: str) -> None:
    story = tell(TRIP % "0s").event(0, "Start")
    story.send(0)

    story.react(5, "opened", step, channel)

    assert story.others() == [Unmatched(5, "sarah", "opened", f"no delivery of trip.{step} on {channel} has left")]
    assert not story.told("matched")


def test_nobody_reacts_to_what_has_not_left(tell: Tell) -> None:
    story = tell(TRIP % "0s").event(0, "Start")

    story.react(5, "opened", "write")
    (email, _) = story.claim(6)
    story.answer(6, Refused(email, "no such address")).react(7, "opened", "write")

    assert [fact.at for fact in story.others()] == [5, 7]
    assert story.told("matched") == [(6, "trip", 1, "failed")]


def test_a_reaction_is_marked_also_when_the_run_is_over(tell: Tell) -> None:
    story = tell(TRIP % "0s").event(0, "Start")
    story.send(0)

    story.react(5, "opened", "write").react(6, "clicked", "write").react(7, "clicked", "write")

    assert story.outcomes()[-3:] == [(5, "write", "delivered"), (5, "write", "opened"), (6, "write", "clicked")]


def test_whoever_reacts_has_got_what_nobody_was_sure_of(tell: Tell) -> None:
    story = tell(TRIP % "0s").event(0, "Start")
    email, _ = story.claim(0)
    story.answer(1, Ambiguous(email, "the line went dead"))

    story.react(5, "opened", "write")

    assert [outcome for _, _, outcome in story.outcomes()][-4:] == ["unknown", "sent", "delivered", "opened"]


def test_simulated_people_react_after_the_delay_of_their_crowd(tell: Tell) -> None:
    class Prompt:
        def reactions(self, key: str, channel: str) -> list[tuple[int, str]]:
            return [(7, "opened"), (7, "clicked")] if channel == "email" else []

    story = tell(TRIP % "0s", crowd=Prompt()).event(0, "Start")
    email, sms = story.claim(3)
    story.answer(3, NotSent(sms, "busy"))

    story.answer(3, Accepted(email)).wait(11)

    assert story.told("matched") == [(10, "trip", 1, "opened")]
    assert [(at, outcome) for at, _, outcome in story.outcomes()][-3:] == [
        (10, "delivered"), (10, "opened"), (10, "clicked"),
    ]  # fmt: skip


@pytest.mark.parametrize("after, way", [(3_599_999, "opened"), (3_600_000, "opened"), (3_600_001, "late")])
def test_a_simulated_reaction_goes_before_the_time_out_of_its_instant_as_any_event_does(
    tell: Tell, after: int, way: str
) -> None:
    class Slow:
        def reactions(self, key: str, channel: str) -> list[tuple[int, str]]:
            return [(after, "opened")] if channel == "email" else []

    story = tell(TRIP % "0s", crowd=Slow()).event(0, "Start")
    story.send(0)

    story.wait(4_000_000)

    assert story.steps()[-1] == (min(after, 3_600_000), way)
