"""The checker names everything that is wrong with a campaign, at its place, with what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest
from ruamel.yaml import YAML

from parcours.config import Settings
from parcours.journey.compile.campaigns.limits import beyond_limits
from parcours.journey.project import Project

CELLAR = Path(__file__).parent / "wishlist"

READ = "{id: all, read: {where: 'has(profile.email)'}}"
ROWS = "{id: rows, read: {table: bills}}"
SPLIT = "{id: risk, split: [{name: low, when: profile.churn < 0.3}, {name: high, otherwise: true}]}"
MAIL = "{id: mail, send: plain, channels: [email]}"

Change = Callable[..., Path]


@pytest.fixture
def cellar(tmp_path: Path) -> Change:
    """Copies the sample project and puts other texts in place of some of its files."""

    def change(files: dict[str, str]) -> Path:
        folder = tmp_path / "changed"
        copytree(CELLAR, folder)
        for name, text in {"messages/plain.yaml": PLAIN, **files}.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    return change


PLAIN = "message: plain\nemail: {subject: Wine, text: '{{ profile.first_name }}'}\nsms: {text: Wine}\n"


def second(*steps: str, head: str = "") -> dict[str, str]:
    """A second campaign with these steps: the first one stands in line 3, if there is no head."""
    lines = ["campaign: second", *head.splitlines(), "steps:", *(f"  - {step}" for step in steps)]
    return {"campaigns/second.yaml": "\n".join(lines) + "\n"}


def report(folder: Path) -> list[str]:
    """What is said of the second campaign, and of everything but the first."""
    return [str(each) for each in Project.check(folder) if each.file != "campaigns/autumn.yaml"]


def test_the_sample_project_has_nothing_wrong_but_a_set_that_nobody_takes() -> None:
    assert list(map(str, Project.check(CELLAR))) == [
        "campaigns/autumn.yaml:32: warning: steps[9]: no step takes the set 'clicked'"
    ]


MISTAKES = YAML(typ="safe").load(Path(__file__).with_name("campaign_mistakes.yaml"))


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case["steps"][-1])
def test_each_mistake_is_told_where_it_is(cellar: Change, case: dict[str, list[str]]) -> None:
    found = [each.removeprefix("campaigns/second.yaml:") for each in report(cellar(second(*case["steps"])))]

    assert [re.sub(r" \(found [{\[].*\)$", "", each) for each in found] == case["said"]


def test_a_head_is_checked_like_that_of_a_journey(cellar: Change) -> None:
    head = "\n".join(
        [
            "starts: 2026-11-01",
            "ends: 2026-11-30",
            'schedule: {at: 2026-12-01T09:00:00, rule: "FREQ=WEEKLY"}',
            "exit: [{event: Case Orderd}, {audience: tastrs}]",
            "goal: {event: Case Ordered, when: event.totl > 3}",
            "seeds: [{as: sarah}]",
            "timezone: Europe/Pari",
        ]
    )

    assert report(cellar(second(READ, MAIL, head=head))) == [
        (
            "campaigns/second.yaml:4: schedule.rule: no run begins: all instants of the schedule lie outside the dates"
            " of the campaign"
        ),
        "campaigns/second.yaml:5: exit[0].event: unknown event 'Case Orderd', did you mean 'Case Ordered'?",
        "campaigns/second.yaml:5: exit[1].audience: unknown audience 'tastrs', did you mean 'tasters'?",
        (
            "campaigns/second.yaml:6: goal.when: unknown name event.totl, did you mean 'event.total'? (column 1)"
            " (found event.totl > 3)"
        ),
        "campaigns/second.yaml:7: seeds[0]: give an address, as in {email: marion@example.com} (found {'as': 'sarah'})",
        (
            "campaigns/second.yaml:8: timezone: a time zone is an IANA name such as Europe/Paris, did you mean"
            " 'Europe/Paris'? (found 'Europe/Pari')"
        ),
    ]


def test_journeys_and_campaigns_share_one_name_space(cellar: Change) -> None:
    journey = "journey: autumn\nentry: {event: Case Ordered}\nsteps: [{id: done, end: true}]\n"

    assert [
        str(each) for each in Project.check(cellar({"journeys/autumn.yaml": journey})) if "warning" not in str(each)
    ] == ["campaigns/autumn.yaml:1: campaign: the journey in journeys/autumn.yaml has this name already"]


def test_a_message_that_names_a_row_is_one_of_campaigns_alone(cellar: Change) -> None:
    journey = "journey: second\nentry: {event: Case Ordered}\nsteps: [{id: mail, send: autumn}]\n"
    unused = "message: unused\nemail: {subject: Wine, text: '{{ row.noted.size }}'}\n"

    assert report(cellar({"journeys/second.yaml": journey, "messages/unused.yaml": unused})) == [
        (
            "messages/autumn.yaml:1: row.noted is a column of a campaign's set, and the journey 'second' sends this"
            " message as well"
        ),
        "messages/unused.yaml:1: row.noted.size is a column of a campaign's set, and no campaign sends this message",
    ]


def test_a_message_that_names_an_event_is_none_of_a_campaign(cellar: Change) -> None:
    message = "message: booked\nemail: {subject: Wine, text: '{{ entry.wine }}'}\n"

    assert report(cellar({"messages/booked.yaml": message, **second(READ, "{id: m, send: booked}")})) == [
        (
            "campaigns/second.yaml:4: steps[1].send: the message 'booked' names entry.wine, and no event has begun"
            " a campaign"
        )
    ]


def test_a_campaign_without_a_rule_is_not_published_once_its_time_is_past(cellar: Change) -> None:
    folder = cellar(second(READ, MAIL, head="schedule: {at: 2026-12-01T09:00:00}"))
    at_nine, a_moment_later = 1_796_112_000_000, 1_796_112_000_001

    assert "second" not in " ".join(map(str, Project.check(folder, now_ms=at_nine)))
    said = [each for each in Project.check(folder, now_ms=a_moment_later) if each.severity == "draft"]
    assert list(map(str, said)) == [
        (
            "campaigns/second.yaml:2: schedule.at: no run would begin: 2026-12-01T08:00:00.000Z is past, and there is"
            " no rule"
        )
    ]


def test_limits_are_those_of_the_settings(cellar: Change) -> None:
    many = "{id: e, enrich: {notes: {table: cellar, take: 200}}}"
    project = Project.load(cellar(second(READ, many, MAIL)))
    campaign = next(each for each in project.program.campaigns if each.name == "second")

    assert [said for _, said in beyond_limits(campaign, Settings())] == [
        "these are 200 rows a person, and enrich_rows_max allows 100"
    ]
    assert list(beyond_limits(campaign, Settings(enrich_rows_max=200))) == []
    assert [path for path, _ in beyond_limits(campaign, Settings(campaign_steps_max=2, enrich_rows_max=200))] == [
        ("steps",)
    ]


def test_one_mistake_hides_no_other_and_brings_no_other(cellar: Change) -> None:
    steps = (
        READ,
        "{id: once, dedup: {by: [person]}}",
        "{id: f, from: once.rest, filter: row.x > 1}",
        "{id: m, send: plai}",
    )

    assert [each.partition(" (found")[0] for each in report(cellar(second(*steps)))] == [
        (
            "campaigns/second.yaml:4: steps[1]: a step is one of read, filter, dedupe, split, union, intersect,"
            " exclude, enrich, save, update, export, wait, test, reacted and send, did you mean 'dedupe'?"
        ),
        "campaigns/second.yaml:6: steps[3].send: unknown message 'plai', did you mean 'plain'?",
    ]


def test_reactions_of_which_nobody_tells_are_warned_of(cellar: Change) -> None:
    reacted = "{id: seen, reacted: {of: mail, reaction: opened, within: 1d}}"
    folder = cellar(second(READ, MAIL, reacted, "{id: text, send: plain, channels: [sms]}"))

    found = Project.check(folder, reported=lambda channel, tracked: frozenset({"delivered"}))

    assert [str(each) for each in found if "second" in each.file] == [
        (
            "campaigns/second.yaml:5: warning: steps[2].reacted.reaction: nobody tells of 'opened' on email, so it"
            " keeps nobody"
        )
    ]


@pytest.mark.parametrize(
    "window, said",
    [
        (
            '{from: "19:09", to: "19:10"}',
            "an opening of the window has room for 60 people at this rate: where more wait",
        ),
        (
            '{from: "20:00", to: "08:00"}',
            "an opening of the window has room for 43,200 people at this rate: where more",
        ),
        ('{time: "09:00"}', "whoever waits for a time of day is due at it, whatever the rate"),
    ],
)
def test_a_rate_that_a_window_may_make_faster_is_warned_of(cellar: Change, window: str, said: str) -> None:
    mail = f"{{id: mail, send: plain, channels: [sms], rate: 1/s, window: {window}}}"

    (found,) = report(cellar(second(READ, mail)))

    assert f"warning: steps[1].rate: {said}" in found


def test_a_rate_at_which_a_million_fit_into_a_window_is_not_warned_of(cellar: Change) -> None:
    mail = '{id: mail, send: plain, channels: [sms], rate: 50/s, window: {from: "09:00", to: "18:00"}}'

    assert report(cellar(second(READ, mail))) == []


def test_a_journey_may_be_asked_for_reactions(cellar: Change) -> None:
    journey = "journey: taste\nentry: {event: Tasting Booked}\nsteps: [{id: text, send: plain, channels: [sms]}]\n"
    of = "{journey: taste, step: text}"
    steps = (READ, f"{{id: a, reacted: {{of: {of}, reaction: replied, runs: last}}}}", "{id: m, send: plain}")
    wrong = (READ, f"{{id: a, reacted: {{of: {of}, reaction: replied, channel: email}}}}", "{id: m, send: plain}")

    folder = cellar({"journeys/taste.yaml": journey, **second(*steps)})
    assert report(folder) == []

    (folder / "campaigns/second.yaml").write_text(second(*wrong)["campaigns/second.yaml"])
    assert report(folder) == [
        "campaigns/second.yaml:4: steps[1].reacted.channel: the step 'text' does not send on 'email'"
    ]


@pytest.mark.parametrize(
    "seeds, said",
    [
        ("{email: marion}", ["seeds[0].email: a mail goes to an address such as marion@example.com"]),
        (
            '{sms: "0612345678"}',
            ["seeds[0].sms: a text message goes to a number with its country, such as +33612345678"],
        ),
        ('{push: "a token"}', ["seeds[0].push: a push message goes to the token of a device, which has no spaces"]),
        ("{email: a@b.example, fax: 3}", ["seeds[0].fax: unknown key"]),
        (
            "{email: a@b.example}, {email: a@b.example, as: sarah}, {push: token, email: c@b.example}",
            ["seeds[1].email: a@b.example is a seed already, and each gets every send once"],
        ),
        (
            "{push: token}",
            ["warning: seeds[0]: it has no address for any of the campaign's sends: they go by email"],
        ),
    ],
)
def test_seeds_have_addresses_that_some_send_goes_to(cellar: Change, seeds: str, said: list[str]) -> None:
    found = report(cellar(second(READ, MAIL, head=f"seeds: [{seeds}]")))

    assert [each.partition(" (found")[0].partition(": ")[2] for each in found] == said
