"""The window of a campaign's send where something comes too late for it: a pause, an outage, or another time zone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.core.conftest import Begin, Control, Story

from parcours.channel import NotSent
from parcours.core.input import PartTaken
from parcours.journey.model.campaign import CampaignDocument
from parcours.journey.project import Project

HOUR = 3_600_000
DAY = 24 * HOUR
OPENS, CLOSES = 9 * HOUR, 17 * HOUR
LATE = 20 * HOUR
NEXT = DAY + OPENS

NEWS = "- {message: news, class: marketing, email: {text: hi}}"
RECEIPT = "- {message: news, class: transactional, email: {text: hi}}"
OPENING = {"from": "09:00", "to": "17:00"}
NOON = {"time": "12:00"}
ALL = {"id": "all", "read": {"where": "profile.score > 0"}}


@pytest.fixture
def writing(shop_with_campaigns: Callable[..., Project]) -> Callable[..., Project]:
    """A project with a campaign that sends within a window of the day."""

    def make(window: dict[str, Any], quiet: str = "", messages: str = NEWS) -> Project:
        mail = {"id": "mail", "send": "news", "channels": ["email"], "window": window}
        campaign = CampaignDocument.model_validate({"campaign": "news", "steps": [ALL, mail]})
        policies = "consent: {default: opt_out}\n" + quiet
        return shop_with_campaigns(policies=policies, messages=messages, campaigns=[campaign])

    return make


def part(at: int, due: int, delay: int = 0) -> PartTaken:
    return PartTaken(at, "news", 1, 1, "mail", due, delay=delay)


def somebody(project: Project) -> Story:
    return Story(project.program).identify(0, email="sarah@mail.example", timezone="UTC")


def under_control(begin: Begin, project: Project) -> Control:
    control = begin(project)
    control.story.identify(1, timezone="UTC")
    return control


@pytest.mark.parametrize("messages", [NEWS, RECEIPT])
def test_who_was_due_in_an_outage_that_passed_the_end_of_the_window_leaves_at_its_next_opening(
    writing: Callable[..., Project], messages: str
) -> None:
    story = somebody(writing(OPENING, messages=messages)).give(part(10 * HOUR, 16 * HOUR, delay=1_500))

    story.wait(LATE)

    assert story.steps() == [(16 * HOUR, "mail")], "what was due goes by its own instant"
    assert story.send(LATE) == []
    story.wait(NEXT + 1_500)
    assert story.send(NEXT + 1_500) == []
    story.wait(NEXT + 1_501)
    assert len(story.send(NEXT + 1_501)) == 1
    assert story.gates() == [
        (16 * HOUR, "email", "queued", None),
        (LATE, "email", "held", "window"),
        (NEXT + 1_500, "email", "queued", None),
    ]


def test_an_outage_at_each_opening_sends_nobody_outside_of_one(writing: Callable[..., Project]) -> None:
    story = somebody(writing(OPENING)).give(part(10 * HOUR, 16 * HOUR))

    for day in range(3):
        assert story.wait(LATE + day * DAY).send(LATE + day * DAY) == []
    assert len(story.wait(3 * DAY + OPENS + 1).send(3 * DAY + OPENS + 1)) == 1


def test_another_attempt_leaves_within_the_window_too(writing: Callable[..., Project]) -> None:
    story = somebody(writing(OPENING)).give(part(10 * HOUR, 16 * HOUR)).wait(16 * HOUR + 1)
    (key,) = story.claim(16 * HOUR + 1)

    story.answer(16 * HOUR + 2, NotSent(key, "busy", retry_after_s=7_200)).wait(LATE)

    assert story.send(LATE) == []
    assert story.wait(NEXT + 1).send(NEXT + 1) == [key]


def test_who_was_due_in_a_pause_is_due_at_the_next_opening(writing: Callable[..., Project], begin: Begin) -> None:
    control = under_control(begin, writing(OPENING))
    control.story.give(part(10 * HOUR, 16 * HOUR, delay=1_500))

    control.change(15 * HOUR, "pause", "news").change(LATE, "resume", "news")

    assert control.story.send(LATE) == [] and not control.story.steps()
    assert control.story.moves("waiting")[-1] == ("waiting", None, "1970-01-02T09:00:01.500Z")
    control.story.wait(NEXT + 1_501)
    assert control.story.steps() == [(NEXT + 1_500, "mail")]
    assert len(control.story.send(NEXT + 1_501)) == 1


def test_who_was_due_in_a_pause_leaves_at_the_resume_while_the_window_is_open(
    writing: Callable[..., Project], begin: Begin
) -> None:
    control = under_control(begin, writing(OPENING))
    control.story.give(part(10 * HOUR, 11 * HOUR))

    control.change(10 * HOUR + 1, "pause", "news").change(16 * HOUR, "resume", "news")

    assert control.story.steps() == [(11 * HOUR, "mail")]
    assert len(control.story.send(16 * HOUR)) == 1


def test_what_a_pause_kept_at_its_claim_leaves_at_the_next_opening(
    writing: Callable[..., Project], begin: Begin
) -> None:
    control = under_control(begin, writing(OPENING))
    control.story.give(part(10 * HOUR, 10 * HOUR))

    control.change(10 * HOUR + 1, "pause", "news")
    assert control.story.send(11 * HOUR) == []
    control.change(LATE, "resume", "news")

    assert control.story.send(LATE) == []
    assert len(control.story.wait(NEXT + 1).send(NEXT + 1)) == 1


def test_who_missed_her_time_of_day_is_due_on_the_next_day_after_a_pause_and_at_once_after_an_outage(
    writing: Callable[..., Project], begin: Begin
) -> None:
    control = under_control(begin, writing(NOON))
    control.story.give(part(10 * HOUR, 10 * HOUR))
    control.change(11 * HOUR, "pause", "news").change(13 * HOUR, "resume", "news")
    assert control.story.send(13 * HOUR) == []
    assert len(control.story.wait(36 * HOUR + 1).send(36 * HOUR + 1)) == 1

    story = somebody(writing(NOON)).give(part(10 * HOUR, 10 * HOUR)).wait(13 * HOUR)
    assert story.steps() == [(12 * HOUR, "mail")]
    assert len(story.send(13 * HOUR)) == 1


# Quiet hours that end before the window, within it, and on the next day before it opens.
@pytest.mark.parametrize("until", [10, 16, 20])
def test_whom_another_gate_holds_is_released_when_that_opens(writing: Callable[..., Project], until: int) -> None:
    quiet = f'quiet_hours: [{{from: "08:00", until: "{until}:00"}}]'
    story = somebody(writing(OPENING, quiet)).give(part(OPENS, OPENS)).wait(until * HOUR + 1)

    assert len(story.send(until * HOUR + 1)) == 1
    assert story.gates() == [(OPENS, "email", "held", "quiet_hours"), (until * HOUR, "email", "queued", None)]


def test_whom_another_gate_held_within_the_window_does_not_leave_after_its_end(
    writing: Callable[..., Project], begin: Begin
) -> None:
    control = under_control(begin, writing(OPENING, 'quiet_hours: [{from: "08:00", until: "10:00"}]'))
    control.story.give(part(OPENS, OPENS))

    control.change(OPENS + 1, "pause", "news").change(LATE, "resume", "news")

    assert control.story.gates()[1:] == [(LATE, "email", "held", "window")]
    control.story.wait(DAY + 10 * HOUR + 1)
    assert control.story.gates()[2:] == [
        (NEXT, "email", "held", "quiet_hours"),
        (DAY + 10 * HOUR, "email", "queued", None),
    ]


def test_a_window_is_that_of_the_zone_in_which_she_is_when_she_is_due(writing: Callable[..., Project]) -> None:
    story = somebody(writing(OPENING)).give(part(10 * HOUR, 16 * HOUR))

    story.identify(12 * HOUR, timezone="Asia/Tokyo").wait(2 * DAY)

    assert story.steps() == [(DAY, "mail")]  # 09:00 in Tokyo


def test_whom_a_gate_held_past_her_window_waits_for_it_where_she_is_once_that_gate_lets_her_go(
    writing: Callable[..., Project],
) -> None:
    quiet = 'quiet_hours: [{from: "08:00", until: "20:00"}]'
    story = somebody(writing(OPENING, quiet)).give(part(OPENS, OPENS))

    story.identify(13 * HOUR, timezone="Asia/Tokyo")  # where it is 22:00

    assert story.gates() == [(OPENS, "email", "held", "quiet_hours"), (13 * HOUR, "email", "held", "window")]
    story.wait(DAY).wait(DAY + 11 * HOUR + 1)
    assert story.gates()[2:] == [(DAY, "email", "held", "quiet_hours"), (DAY + 11 * HOUR, "email", "queued", None)]
