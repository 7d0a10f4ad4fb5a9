"""Clicks by links are a person's only if a person can have made them, and what machines do moves nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.channel import Accepted, Ambiguous
from parcours.core.fact import DeliveryReached, Moved
from parcours.core.input import FeedbackArrived
from parcours.core.profile import DeliveryState

if TYPE_CHECKING:
    from tests.core.conftest import Story, Tell

TRIP = """
journey: trip
entry: {event: Start}
steps:
  - {id: write, send: mail, channels: [email]}
  - id: clicked
    wait_for:
      - {reaction: clicked, of: write, next: liked}
      - {reaction: opened, of: write, next: seen}
    timeout: 1d
    on_timeout: over
  - {id: over, end: true}
  - {id: seen, end: true}
  - {id: liked, end: true}
"""

SENT = 1_000
SHOP, HELP = "https://shop.example", "https://shop.example/help"


def sent(tell: Tell) -> tuple[Story, str]:
    """Somebody whose mail has left at SENT."""
    story = tell(TRIP)
    story.event(0, "Start")
    (key,) = story.claim(1)
    story.answer(SENT, Accepted(key))
    return story, key


def click(story: Story, at: int, key: str, link: str = SHOP) -> None:
    story.give(FeedbackArrived(at, key, "clicked", link, by_link=True))


def delivery(story: Story) -> DeliveryState:
    runs = [*story.profile.runs, *story.profile.past]
    return runs[0].deliveries[0]


def last_step(story: Story) -> str | None:
    """The step that the run has reached last."""
    return [fact.step for fact in story.facts if isinstance(fact, Moved) and fact.what == "reached"][-1]


def told(story: Story) -> list[tuple[int, str, str | None, bool]]:
    """What the facts say of opens and clicks: when, what, on which link, and whether by a machine."""
    return [
        (fact.at, fact.outcome, fact.link, fact.machine)
        for fact in story.facts
        if isinstance(fact, DeliveryReached) and fact.outcome in ("opened", "clicked")
    ]


def test_a_click_counts_a_second_after_it_came(tell: Tell) -> None:
    story, key = sent(tell)

    click(story, SENT + 5_000, key)
    story.wait(SENT + 6_000)
    assert not delivery(story).links
    story.wait(SENT + 6_001)

    assert delivery(story).links == {SHOP: SENT + 6_000}
    assert told(story) == [(SENT + 6_000, "clicked", SHOP, False)]
    assert last_step(story) == "liked"


@pytest.mark.parametrize("after_ms, by_machine", [(0, True), (1_999, True), (2_000, False)])
def test_a_click_is_a_machine_s_that_comes_before_anybody_can_have_read(
    tell: Tell, after_ms: int, by_machine: bool
) -> None:
    story, key = sent(tell)

    click(story, SENT + after_ms, key)
    story.wait(SENT + 10_000)

    assert [each[1:] for each in told(story)] == [("clicked", SHOP, by_machine)]
    assert ("clicked" in delivery(story).marks) != by_machine
    assert (delivery(story).state == "delivered") != by_machine


@pytest.mark.parametrize("after_ms, by_machine", [(1, True), (1_000, True), (1_001, False)])
def test_clicks_on_two_links_at_once_are_both_a_machine_s(tell: Tell, after_ms: int, by_machine: bool) -> None:
    story, key = sent(tell)

    click(story, SENT + 5_000, key)
    click(story, SENT + 5_000 + after_ms, key, HELP)
    story.wait(SENT + 20_000)

    by_machines, by_her = set(delivery(story).machines), set(delivery(story).links)
    assert (by_machines, by_her) == (({SHOP, HELP}, set()) if by_machine else (set(), {SHOP, HELP}))
    assert {each[3] for each in told(story)} == {by_machine}


def test_a_machine_may_follow_many_links_one_after_the_other(tell: Tell) -> None:
    story, key = sent(tell)

    links = [f"{SHOP}/{number}" for number in range(5)]
    for number, link in enumerate(links):
        click(story, SENT + 5_000 + 900 * number, key, link)
    story.wait(SENT + 20_000)

    assert list(delivery(story).machines) == links
    assert delivery(story).marks == {}


def test_a_double_click_is_one(tell: Tell) -> None:
    story, key = sent(tell)

    click(story, SENT + 5_000, key)
    click(story, SENT + 5_300, key)
    story.wait(SENT + 20_000)

    assert told(story) == [(SENT + 6_000, "clicked", SHOP, False)]


def test_a_person_may_click_where_a_machine_has_been_before_her(tell: Tell) -> None:
    story, key = sent(tell)

    click(story, SENT + 1, key)
    click(story, SENT + 60_000, key)
    story.wait(SENT + 70_000)

    assert told(story) == [(SENT + 1, "clicked", SHOP, True), (SENT + 61_000, "clicked", SHOP, False)]
    assert last_step(story) == "liked"


def test_what_is_clicked_before_its_receipt_has_come_is_a_machine_s(tell: Tell) -> None:
    story = tell(TRIP)
    story.event(0, "Start")
    (key,) = story.claim(1)

    click(story, 50_000, key)
    story.answer(50_100, Accepted(key))
    story.wait(60_000)

    assert [each[1:] for each in told(story)] == [("clicked", SHOP, True)]


def test_of_what_may_have_left_the_doubt_is_the_instant(tell: Tell) -> None:
    story = tell(TRIP)
    story.event(0, "Start")
    (key,) = story.claim(1)
    story.answer(SENT, Ambiguous(key, "the line went dead"))

    click(story, SENT + 2_000, key)
    story.wait(SENT + 9_000)

    assert delivery(story).state == "delivered"


def test_what_a_machine_opens_is_told_once_and_heard_by_nobody(tell: Tell) -> None:
    story, key = sent(tell)

    for at in (SENT + 1, SENT + 50_000):
        story.give(FeedbackArrived(at, key, "opened", machine=True, by_link=True))

    assert told(story) == [(SENT + 1, "opened", None, True)]
    assert (delivery(story).state, delivery(story).marks) == ("sent", {})
    assert last_step(story) == "clicked"
    story.give(FeedbackArrived(SENT + 60_000, key, "opened", by_link=True))
    assert last_step(story) == "seen"


def test_a_click_by_a_provider_s_word_counts_at_once(tell: Tell) -> None:
    story, key = sent(tell)

    story.give(FeedbackArrived(SENT + 1, key, "clicked", SHOP))

    assert told(story) == [(SENT + 1, "clicked", SHOP, False)]


def test_a_click_counts_though_its_run_has_ended_meanwhile(tell: Tell) -> None:
    story, key = sent(tell)
    day = 24 * 60 * 60 * 1_000

    click(story, day - 500, key)
    story.wait(2 * day)

    assert last_step(story) == "over"
    assert told(story) == [(day + 500, "clicked", SHOP, False)]


def test_what_machines_follow_takes_no_more_room_than_what_people_do(tell: Tell) -> None:
    story, key = sent(tell)

    for number in range(100):
        click(story, SENT + 5_000 + number, key, f"{SHOP}/{number:0100}")

    assert sum(map(len, delivery(story).machines)) <= story.settings.links_bytes_max
    assert len([timer for timer in story.profile.timers if timer.kind == "click"]) == 1
