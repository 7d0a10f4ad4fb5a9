"""Copies of a campaign's sends for its seeds: with a person's data, and none of her business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.core.conftest import Story
from tests.core.test_campaign_parts import project_with

from parcours.channel import Accepted, Ambiguous, NotSent, Refused
from parcours.core.delivery.delivery_key import is_copy
from parcours.core.fact import CopyReached, Unmatched
from parcours.core.input import (
    DeliveryRecorded,
    FeedbackArrived,
    Input,
    Interrupted,
    JourneyResumed,
    JourneyStopped,
    PartTaken,
    PersonJoined,
    Settlement,
    TimerSetAside,
)
from parcours.core.profile import Profile, decode_profile, encode_profile
from parcours.core.totals import FactCounter
from parcours.journey.project import Project

SEED = ("email", "marion@luma.example")


@pytest.fixture
def story(shop_with_campaigns: Callable[..., Project]) -> Story:
    told = Story(project_with(shop_with_campaigns).program)
    return told.identify(1, email="sarah@luma.example", score=3)


def part(at: int, due: int | None = None, **more: Any) -> PartTaken:
    row: dict[str, object] = {"wish": {"name": "mat"}}
    return PartTaken(at, "wishes", 1, 4, "mail", at if due is None else due, row, seeds=(SEED,), **more)


def ended(at: int, *, cut: bool = False) -> PartTaken:
    return PartTaken(at, "wishes", 1, 4, None, at, cut=cut)


def copies(story: Story) -> list[str]:
    return [key for key, each in story.outbox.items() if each.is_copy]


def told(story: Story) -> list[tuple[int, str, str | None]]:
    return [(fact.at, fact.outcome, fact.reason) for fact in story.facts if isinstance(fact, CopyReached)]


def test_a_copy_has_her_data_and_goes_to_the_seed_when_she_is_due(story: Story) -> None:
    story.give(part(100, 250))
    assert not story.outbox and [each.state for each in story.profile.copies] == ["waiting"]

    story.wait(251)

    (key,) = copies(story)
    (hers,) = [each for each in story.outbox.values() if not each.is_copy]
    copy = story.outbox[key]
    assert (copy.to, hers.to) == ("marion@luma.example", "sarah@luma.example")
    assert (copy.context, copy.at, copy.run, copy.step) == (hers.context, 250, 4, "mail")
    story.claim(300)
    assert (key, 1) in story.claimed
    story.answer(400, Accepted(key))
    assert told(story) == [(400, "sent", None)] and key not in story.outbox


def test_a_part_that_is_given_again_makes_no_other_copy_until_the_run_is_over(story: Story) -> None:
    story.give(part(100)).send(200)
    story.give(part(300))
    assert told(story) == [(200, "sent", None)] and not copies(story)

    story.give(ended(400))
    assert not story.profile.copies, "nothing is kept of a run that is over"


def test_nothing_is_kept_of_a_copy_that_is_sent_when_its_run_is_over(story: Story) -> None:
    (key,) = copies(story.give(part(100)))
    story.claim(150)
    story.give(ended(200))
    assert [each.state for each in story.profile.copies] == ["claimed"]

    story.answer(300, Accepted(key))

    assert told(story) == [(300, "sent", None)] and not story.profile.copies


def test_neither_gates_nor_her_leaving_keep_a_copy_back(story: Story) -> None:
    story.consent(10, "email", granted=False).give(part(100, 250)).event(180, "Bought").wait(300)

    assert len(copies(story)) == len(story.outbox) == 1
    story.give(part(400))
    assert story.outbox[copies(story)[0]].at == 250, "she was taken there once, and so is her copy"


def test_a_copy_is_in_no_count(story: Story) -> None:
    without = Story(story.program).identify(1, email="sarah@luma.example", score=3)
    without.give(PartTaken(100, "wishes", 1, 4, "mail", 100, {"wish": {"name": "mat"}}))
    story.give(part(100))
    (key,) = copies(story)
    story.give(DeliveryRecorded(100, Accepted(key)))

    counters = [FactCounter(1_000, 1_000), FactCounter(1_000, 1_000)]
    for counter, each in zip(counters, (story, without), strict=True):
        counter.add([fact for fact in each.facts if not isinstance(fact, CopyReached)])
        counter.add([fact for fact in each.facts if isinstance(fact, CopyReached)])
    counted, expected = (counter.totals() for counter in counters)
    assert (counted.deliveries, counted.steps, counted.ways) == (expected.deliveries, expected.steps, expected.ways)
    assert story.profile.reservations == without.profile.reservations
    assert [run.deliveries for run in story.profile.runs] == [run.deliveries for run in without.profile.runs]


def test_what_is_reported_of_a_copy_says_nothing_of_her(story: Story) -> None:
    story.give(part(100))
    (key,) = copies(story)
    assert key in story.claim(100)
    story.answer(200, Accepted(key))
    assert is_copy(key)

    before = encode_profile(story.profile)
    story.give(FeedbackArrived(300, key, "unsubscribed")).give(FeedbackArrived(310, key, "bounced", code="5.1.1"))

    assert encode_profile(story.profile) == before
    assert not [fact for fact in story.facts if isinstance(fact, Unmatched)]


@pytest.mark.parametrize(
    "receipt, outcome",
    [
        (lambda key: Refused(key, "no such mailbox", permanent=True, code="5.1.1"), "failed"),
        (lambda key: Ambiguous(key, "connection lost"), "unknown"),
        (lambda key: Interrupted(key, "the engine stopped"), "unknown"),
    ],
)
def test_what_cannot_be_sent_surely_is_not_sent_again(
    story: Story, receipt: Callable[[str], Settlement], outcome: str
) -> None:
    story.give(part(100))
    (key,) = copies(story)
    story.claim(100)
    story.answer(200, receipt(key)).wait(10**9)

    assert [each[1] for each in told(story)] == [outcome]
    assert key not in story.outbox and not story.profile.suppressed, "the address is not hers"


def test_what_was_certainly_not_sent_is_tried_again_as_often_as_a_delivery(story: Story) -> None:
    story.give(part(100))
    (key,) = copies(story)
    now = 100
    for _ in range(story.settings.attempts_max):
        assert key in story.claim(now)
        story.answer(now, NotSent(key, "busy"))
        now += max(story.settings.retry_delays_ms) + 1
        story.wait(now)

    assert told(story)[-1][1:] == ("failed", f"not sent in {story.settings.attempts_max} attempts: busy")
    assert key not in story.outbox


def paused(story: Story) -> Story:
    story.program = replace(story.program, paused={"wishes": 20})
    return story


@pytest.mark.parametrize(
    "change, expected",
    [
        (JourneyResumed(400, 1, "wishes"), (500, "sent", None)),
        (JourneyStopped(400, 1, "wishes"), (400, "cancelled", "the run was ended")),
    ],
    ids=["resumed", "stopped"],
)
def test_a_pause_holds_a_copy_and_a_stop_ends_it(
    story: Story, change: Input, expected: tuple[int, str, str | None]
) -> None:
    before = story.program
    paused(story).give(part(100, 250)).wait(300)
    assert not story.outbox

    story.program = before
    story.give(change).send(500)

    assert told(story) == [expected] and not story.profile.kept
    assert bool(story.profile.copies) == isinstance(change, JourneyResumed), "while the run goes on it is known"


def test_a_claim_in_a_pause_is_made_when_it_is_over(story: Story) -> None:
    before = story.program
    (key,) = copies(story.give(part(100)))
    assert key not in paused(story).claim(200)

    story.program = before
    story.give(JourneyResumed(300, 1, "wishes"))

    assert key in story.claim(400)


def test_a_copy_is_sent_when_it_is_due_also_where_the_run_is_over_sooner(story: Story) -> None:
    story.give(part(100, 250)).event(150, "Bought").give(ended(200)).wait(300)

    assert copies(story)


def test_a_run_that_is_cut_short_cancels_copies_that_were_not_due(story: Story) -> None:
    story.give(part(100, 250)).give(ended(200, cut=True)).wait(300)

    assert not story.outbox
    assert told(story) == [(200, "cancelled", "the run was ended")]


def test_a_copy_that_is_queued_goes_out_though_the_run_has_ended(story: Story) -> None:
    story.give(part(100)).give(ended(200))

    (key,) = copies(story)
    assert key in story.claim(300)


def test_somebody_who_is_merged_takes_her_copies_along(story: Story) -> None:
    story.give(part(100, 250)).give(
        PartTaken(110, "wishes", 1, 4, "mail", 110, {}, seeds=(("email", "jo@luma.example"),))
    )
    (key,) = copies(story)
    other = Story(story.program, person="sarah2").identify(1, email="b@luma.example", score=1)

    other.outbox |= story.outbox
    other.give(PersonJoined(200, "sarah", "merge", decode_profile(story.state)))
    other.wait(300)

    assert len(copies(other)) == 2
    other.give(DeliveryRecorded(300, Accepted(key)))
    assert [fact.person for fact in other.facts if isinstance(fact, CopyReached)] == ["sarah2"]


def test_a_copy_whose_timer_is_set_aside_has_failed(story: Story) -> None:
    story.give(part(100, 250))
    profile: Profile = story.profile
    (timer,) = [each for each in profile.timers if each.kind == "retry"]
    profile.timers = [timer]
    story.state = encode_profile(profile)

    story.give(TimerSetAside(250, "it broke the engine"))

    assert told(story) == [(250, "failed", "it broke the engine")]
