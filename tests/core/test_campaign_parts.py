"""What a campaign does with one person: parts at her own instants, and a run that it alone moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.core.conftest import Story

from parcours.channel import Accepted
from parcours.config import Settings
from parcours.core.fact import LimitReached
from parcours.core.input import PartTaken, PersonJoined
from parcours.core.profile import Profile, decode_profile, encode_profile
from parcours.journey.model.campaign import CampaignDocument
from parcours.journey.project import Project

HOUR = 3_600_000

CAMPAIGN: dict[str, Any] = {
    "campaign": "wishes",
    "exit": [{"event": "Bought"}],
    "goal": {"event": "Bought", "within": "7d"},
    "steps": [
        {"id": "all", "read": {"where": "profile.score > 0"}},
        {"id": "seen", "enrich": {"wish": {"table": "wishes", "take": "first", "columns": ["name"]}}},
        {"id": "mail", "send": "wish", "channels": ["email"]},
        {"id": "clicked", "reacted": {"of": "mail", "reaction": "clicked", "within": "3d"}},
        {"id": "mark", "update": {"city": "row.wish.name"}},
        {"id": "text", "send": "note", "channels": ["sms"]},
    ],
}

COMPARED = {
    "id": "half",
    "from": "clicked",
    "split": {"even": ["a", "b"]},
    "experiment": {"goal": {"event": "Bought", "within": "1d"}, "control": "b"},
}


def project_with(new_project: Callable[..., Project], **changes: Any) -> Project:
    messages = """
- {message: wish, class: marketing, email: {text: "{{ row.wish.name }} {{ profile.score }}"}}
- {message: note, class: marketing, sms: {text: hi}}
"""
    tables = {
        "wishes": {
            "file": "wishes.csv",
            "person": "mail",
            "match": "email",
            "columns": {"mail": "string", "name": "string"},
        }
    }
    return new_project(
        messages=messages, tables=tables, campaigns=[CampaignDocument.model_validate({**CAMPAIGN, **changes})]
    )


@pytest.fixture
def story(shop_with_campaigns: Callable[..., Project]) -> Story:
    """Somebody with an address on each channel."""
    told = Story(project_with(shop_with_campaigns).program)
    return told.identify(1, email="sarah@luma.example", phone="+33612345678", score=3)


def part(at: int, step: str | None, due: int | None = None, *, run: int = 4, **more: Any) -> PartTaken:
    return PartTaken(at, "wishes", 1, run, step, at if due is None else due, **more)


def test_a_part_opens_her_run_and_is_carried_out_when_she_is_due(story: Story) -> None:
    story.give(part(100, "mail", 250, row={"wish": {"name": "mat"}}))
    assert story.moves() == [("entered", None, "campaign"), ("waiting", None, "1970-01-01T00:00:00.250Z")]

    story.wait(250)
    assert not story.outbox
    story.wait(251)

    (outgoing,) = story.outbox.values()
    assert (outgoing.journey, outgoing.run, outgoing.step, outgoing.at) == ("wishes", 4, "mail", 250)
    assert outgoing.context == {"row": {"wish": {"name": "mat"}}, "profile": {"score": 3}}
    assert story.steps() == [(250, "mail")]
    (run,) = story.profile.runs
    assert (run.journey, run.number, run.step, run.ended_at) == ("wishes", 4, "mail", None)


def test_nothing_comes_of_what_was_due_once_she_has_left_by_an_exit(story: Story) -> None:
    story.give(part(100, "mail", 250)).event(180, "Bought").wait(1_000)

    assert not story.outbox
    assert story.moves("exited", "goal") == [("goal", None, None), ("exited", None, "Bought")]
    story.give(part(2_000, "text")).wait(3_000)
    assert not story.outbox and not story.profile.runs, "she is never brought back into the same run"
    story.give(part(4_000, "text", run=5)).wait(5_000)
    assert [each.run for each in story.outbox.values()] == [5]


def test_a_run_stays_until_the_campaign_ends_it(story: Story) -> None:
    story.give(part(100, "mail")).wait(101)
    story.send(110)
    story.give(part(200, "clicked")).wait(400)
    (run,) = story.profile.runs
    assert run.step == "clicked"

    story.give(part(500, None))

    assert not story.profile.runs
    assert story.moves("ended") == [("ended", "clicked", "campaign")]
    story.event(1_000, "Bought")
    assert story.told("goal") == [(1_000, "wishes", 4, None)]


def test_an_update_takes_values_of_the_row(story: Story) -> None:
    story.give(part(100, "mark", row={"wish": {"name": "Oslo"}}))

    assert story.profile.traits["city"] == "Oslo"
    assert story.moves("updated") == [("updated", "mark", "city")]


def test_a_step_takes_her_once(story: Story) -> None:
    story.give(part(100, "mail", 200)).give(part(100, "mail", 300)).wait(500)

    assert [each.at for each in story.outbox.values()] == [200]


def test_a_split_that_is_compared_tells_her_part_once(shop_with_campaigns: Callable[..., Project]) -> None:
    told = Story(project_with(shop_with_campaigns, steps=[*CAMPAIGN["steps"], COMPARED]).program)
    told.identify(1, score=3)

    told.give(part(100, "half", 400, part=1)).give(part(110, "half", 400, part=0)).give(
        part(120, "half", run=5, part=0)
    )

    assert told.told("split") == [(100, "wishes", 4, "1"), (120, "wishes", 5, "0")]
    assert told.moves("split") == [("split", "half", "1"), ("split", "half", "0")]
    told.event(200, "Bought").give(part(300, "half", run=4, part=0))
    assert len(told.moves("split")) == 2, "who has left her run takes no part"


def test_whom_a_gate_holds_is_released_later_by_her_delay_once(
    shop_with_campaigns: Callable[..., Project],
) -> None:
    policies = """
consent: {default: opt_out}
quiet_hours: [{from: "20:00", until: "08:00", channels: [email]}]
"""
    told = Story(project_with(lambda **more: shop_with_campaigns(policies=policies, **more)).program)
    told.identify(1, email="sarah@luma.example", score=3, timezone="UTC")

    told.give(part(21 * HOUR, "mail", delay=1_500, row={"wish": {"name": "mat"}})).wait(33 * HOUR)

    assert told.gates() == [(21 * HOUR, "email", "held", "quiet_hours"), (32 * HOUR + 1_500, "email", "queued", None)]


def test_a_pause_keeps_what_falls_due_and_a_stop_ends_it(
    begin: Any, shop_with_campaigns: Callable[..., Project]
) -> None:
    control = begin(project_with(shop_with_campaigns))
    story = control.story
    story.give(part(100, "mail", 250)).wait(200)
    control.change(210, "pause", "wishes")
    story.wait(400)
    assert not story.outbox

    control.change(500, "resume", "wishes")
    assert [each.at for each in story.outbox.values()] == [250]

    story.give(part(600, "text", 800)).wait(700)
    control.change(710, "stop", "wishes")
    story.wait(900)
    assert not story.profile.runs and not story.profile.timers and not story.outbox
    assert story.moves("ended")[-1] == ("ended", "mail", "stopped")


def test_who_becomes_somebody_is_in_one_run_once(story: Story) -> None:
    visitor = Story(story.program, person="@anonymous/7f3a").identify(1, score=1)
    visitor.give(part(100, "mail", 900)).give(part(100, "text", 900, run=5)).wait(200)
    story.give(part(100, "mail", 900)).wait(200)

    story.give(PersonJoined(300, visitor.person, "identify", decode_profile(visitor.state))).wait(1_000)

    assert [(run.number, run.ended_at) for run in story.profile.runs] == [(4, None)], "what was before is not used"
    assert [(each.run, each.step) for each in story.outbox.values()] == [(4, "mail")]


def test_no_more_runs_are_opened_than_a_person_may_have(shop_with_campaigns: Callable[..., Project]) -> None:
    story = Story(project_with(shop_with_campaigns).program, Settings(open_runs_max=1))
    story.identify(1, email="sarah@luma.example", score=3)
    story.give(part(100, "mail")).give(part(100, "mail", run=5)).wait(200)

    assert [each.run for each in story.outbox.values()] == [4]
    (limit,) = [fact for fact in story.facts if isinstance(fact, LimitReached)]
    assert limit.setting == "open_runs_max" and "'wishes' was not entered" in limit.why


def test_the_key_of_a_delivery_is_the_same_in_every_life(story: Story) -> None:
    twin = Story(story.program, state=encode_profile(Profile())).identify(
        1, email="sarah@luma.example", phone="+33612345678", score=3
    )
    keys = [list(each.give(part(100, "mail")).wait(200).outbox) for each in (story, twin)]

    assert keys[0] == keys[1] and len(keys[0]) == 1
    assert story.answer(300, Accepted(keys[0][0])) is story


def test_what_an_event_says_under_the_name_of_a_step_delays_no_release(shop: Callable[..., Project]) -> None:
    journeys = """
journey: trip
entry: {event: Ordered, when: event.remind.delay > 0}
steps: [{id: remind, send: mail, channels: [email]}]
"""
    events = "Ordered: {properties: {remind.delay: number}}"
    messages = '- {message: mail, class: marketing, email: {text: "{{ entry.remind.delay }}"}}'
    policies = """
consent: {default: opt_out}
quiet_hours: [{from: "00:00", until: "08:00", channels: [email]}]
"""
    project = shop(journeys, policies, events=events, messages=messages)
    story = Story(project.program).identify(1, email="sarah@luma.example", timezone="UTC")

    story.event(1_000, "Ordered", remind={"delay": 5}).wait(9 * 3_600_000)

    assert [(at, outcome) for at, _, outcome, _ in story.gates()] == [(1_000, "held"), (8 * 3_600_000, "queued")]
