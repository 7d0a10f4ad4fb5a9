"""The Luma project is in order, and its journeys do over the clickstream what the shop wants of them."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest
from pydantic import BaseModel

from parcours.core.fact import DeliveryReached, Moved
from parcours.demo.clickstream import read_clickstream
from parcours.demo.people import DEAD_PREFIX, person
from parcours.demo.reactions import LUMA_CROWD
from parcours.journey.project import Project
from parcours.simulation.result_files import write_results
from parcours.simulation.simulation import Result, simulate
from parcours_channels.email_content import EmailContent
from parcours_channels.push import PushContent
from parcours_channels.sms import SmsContent

CONTENTS: dict[str, type[BaseModel]] = {"email": EmailContent, "sms": SmsContent, "push": PushContent}

SECOND, HOUR, DAY = 1_000, 3_600_000, 86_400_000


def luma() -> Path:
    return Path(str(files("parcours.demo") / "luma"))


@pytest.fixture(scope="module")
def project() -> Project:
    return Project.load(luma(), contents=CONTENTS)


@pytest.fixture(scope="module")
def result(project: Project) -> Result:
    """The whole clickstream, with people who react, in one shard."""
    return simulate(project, read_clickstream().lines, crowd=LUMA_CROWD)


def moves(result: Result, journey: str, what: str, step: str | None = None) -> list[Moved]:
    return [
        fact
        for fact in result.facts
        if isinstance(fact, Moved) and (fact.journey, fact.what) == (journey, what) and step in (None, fact.step)
    ]


def sends(result: Result, journey: str, step: str, channel: str) -> list[DeliveryReached]:
    return [
        fact
        for fact in result.facts
        if isinstance(fact, DeliveryReached)
        and (fact.journey, fact.step, fact.channel, fact.outcome) == (journey, step, channel, "sent")
    ]


def test_the_checker_has_nothing_to_say() -> None:
    assert Project.check(luma(), contents=CONTENTS) == []


def test_the_project_holds_no_secrets(project: Project) -> None:
    assert project.channels == {}


def test_every_line_of_the_clickstream_is_used(result: Result) -> None:
    events = result.summary.events

    assert events.read == events.used == 32_176
    assert (events.rejected, events.duplicate, events.undeclared) == (0, 0, 0)


def test_every_journey_is_entered_and_its_figures_add_up(result: Result) -> None:
    journeys = result.summary.journeys

    assert list(journeys) == ["checkout", "abandoned-cart", "west-coast-launch"]  # by priority
    for journey in journeys.values():
        assert all(step.inflow == step.waiting + step.gone_on + step.ended for step in journey.steps.values())
        assert all(step.inflow for step in journey.steps.values()), "the demo shows every step at work"
        assert journey.entered == sum(step.waiting + step.ended for step in journey.steps.values())


def test_the_invitation_back_goes_out_twenty_seconds_after_the_checkout(result: Result) -> None:
    entered = {(move.person, move.run or 0): move.at for move in moves(result, "checkout", "entered")}

    invitations = sends(result, "checkout", "invite-back", "email")

    assert invitations
    assert all(mail.at - entered[mail.person, mail.run] == 20 * SECOND for mail in invitations)


def test_an_order_within_twenty_seconds_is_confirmed_without_an_invitation(result: Result) -> None:
    quick = {(move.person, move.run) for move in moves(result, "checkout", "matched", "bought")}

    invited = {(mail.person, mail.run) for mail in sends(result, "checkout", "invite-back", "email")}
    confirmed = {(mail.person, mail.run) for mail in sends(result, "checkout", "confirm", "email")}

    assert quick
    assert quick <= confirmed
    assert not quick & invited


def test_a_late_order_is_confirmed_at_the_instant_of_the_purchase(result: Result) -> None:
    late = {(move.person, move.run): move.at for move in moves(result, "checkout", "matched", "bought-late")}

    mails = sends(result, "checkout", "confirm", "email")
    confirmed: dict[tuple[str, int | None], int] = {(mail.person, mail.run): mail.at for mail in mails}

    assert len(late) > 100
    assert all(confirmed[run] == at for run, at in late.items())


def test_the_text_message_follows_the_unopened_mail_by_exactly_a_day(result: Result) -> None:
    mailed = {(mail.person, mail.run): mail.at for mail in sends(result, "abandoned-cart", "remind", "email")}
    opened = {(move.person, move.run) for move in moves(result, "abandoned-cart", "matched", "opened")}

    texts = sends(result, "abandoned-cart", "text", "sms")

    assert opened
    assert texts
    assert all(text.at - mailed[text.person, text.run] == DAY for text in texts)
    assert not opened & {(text.person, text.run) for text in texts}


def test_the_last_call_follows_the_text_message_by_exactly_a_day(result: Result) -> None:
    texts = {(text.person, text.run): text.at for text in sends(result, "abandoned-cart", "text", "sms")}

    calls = sends(result, "abandoned-cart", "last-call", "push")

    assert calls
    assert all(call.at - texts[call.person, call.run] == DAY for call in calls)


def test_no_reminder_leaves_after_the_purchase(result: Result) -> None:
    bought = {(move.person, move.run): move.at for move in moves(result, "abandoned-cart", "exited")}

    assert len(bought) > 100
    assert all(
        fact.at <= bought.get((fact.person, fact.run), fact.at)
        for step, channel in (("remind", "email"), ("text", "sms"), ("last-call", "push"))
        for fact in sends(result, "abandoned-cart", step, channel)
    )


def test_everybody_in_the_audience_is_told_of_the_launch_at_once_and_nobody_else(result: Result) -> None:
    entered = moves(result, "west-coast-launch", "entered")

    people = [person(move.person) for move in entered]

    assert len(people) == 86
    assert {move.at for move in entered} == {1_715_011_200_000}  # 2024-05-06T16:00:00Z
    assert {someone.city for someone in people} == {"Atlanta", "San Francisco", "Seattle"}
    assert min(someone.birth_year for someone in people) > 1980


def test_whoever_opens_either_message_within_a_day_gets_no_second_mail(result: Result) -> None:
    entered = {move.person for move in moves(result, "west-coast-launch", "entered")}
    noticed = {move.person for move in moves(result, "west-coast-launch", "matched", "noticed")}
    followed_up = {move.person for move in moves(result, "west-coast-launch", "reached", "follow-up")}

    assert noticed
    assert followed_up
    assert not noticed & followed_up
    assert noticed | followed_up == entered


def test_thanks_follow_the_shops_own_notice(result: Result) -> None:
    thanked = moves(result, "west-coast-launch", "matched", "bought")

    assert thanked
    assert {move.why for move in thanked} == {"Thanked"}
    assert all(move.at > 1_715_011_200_000 for move in thanked)


def test_the_reminder_is_read_by_some_and_clicked_by_fewer(result: Result) -> None:
    for channel in ("email", "push"):
        outcomes = result.summary.channels[channel]
        assert outcomes["sent"] > outcomes["opened"] > outcomes["clicked"] > 0
    assert set(result.summary.channels["sms"]) == {"sent"}


def test_some_of_those_who_are_written_to_cannot_be_reached(result: Result) -> None:
    told = {fact.to for fact in result.facts if isinstance(fact, DeliveryReached) and fact.to is not None}

    assert any(address.startswith(DEAD_PREFIX) for address in told)
    assert any(".moved@" in address for address in told)


def test_three_shards_give_the_same_files(project: Project, result: Result, tmp_path: Path) -> None:
    apart = simulate(project, read_clickstream().lines, crowd=LUMA_CROWD, shards=3)

    write_results(tmp_path / "one", result.facts, result.summary)
    write_results(tmp_path / "three", apart.facts, apart.summary)

    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "three" / file.name).read_bytes()


def test_every_message_is_complete(project: Project) -> None:
    channels = Counter(channel for message in project.program.messages.values() for channel in message.contents)

    assert channels == {"email": 5, "push": 3, "sms": 1}
    for message in project.program.messages.values():
        mail = message.contents.get("email")
        assert mail is None or (mail["text"] and mail["html"])
