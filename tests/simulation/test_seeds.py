"""Seeds of campaigns: each address of one's own gets each send once, with somebody's data, and nobody counts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.simulation.campaign_shop import (
    BEGIN_MS,
    HOUR_MS,
    Told,
    campaign,
    identified,
    people,
    project_in,
    reacted,
    told,
    tracked,
)

from parcours.core.fact import CopyReached, Published
from parcours.dispatch.recorded_rendering import RecordedRendering
from parcours.insight.explain import explain
from parcours.insight.explain_text import explanation_text
from parcours.journey.project import Project
from parcours.simulation.result_files import ResultFiles
from parcours.testing.doubles import SmtpServer

ALL = {"id": "all", "read": {"where": "profile.score >= 0"}}
MAIL = {"id": "mail", "send": "news", "channels": ["email"]}
MARION = "marion@luma.example"


def copies(found: Told) -> list[tuple[str, int, str, str, str, str]]:
    """(step, ms after the beginning, whose data, channel, address, what became of it)"""
    return [
        (fact.step, fact.at - BEGIN_MS, fact.person, fact.channel, fact.to, fact.outcome)
        for fact in found.facts
        if isinstance(fact, CopyReached)
    ]


def seeded(folder: Path, *steps: dict[str, Any], seeds: Any = ({"email": MARION},), **more: Any) -> Project:
    return project_in(folder, campaign(*steps, seeds=list(seeds), **more))


def test_a_seed_gets_each_send_once_with_the_data_of_the_first_or_of_whom_it_names(tmp_path: Path) -> None:
    seeds = [
        {"email": MARION},
        {"email": "paul@luma.example", "sms": "+33612345678", "as": "u3"},
        {"email": "zoe@luma.example", "as": "nobody"},
    ]
    later = {"id": "later", "send": "news", "channels": ["sms"]}
    project = seeded(tmp_path, ALL, {**MAIL, "rate": "1/s"}, later, seeds=seeds)

    found = told(project, people(5))

    assert sorted(copies(found)) == [
        ("later", HOUR_MS + 4_000, "u3", "sms", "+33612345678", "sent"),
        ("mail", HOUR_MS, "u0", "email", MARION, "sent"),
        ("mail", HOUR_MS, "u0", "email", "zoe@luma.example", "sent"),
        ("mail", HOUR_MS + 3_000, "u3", "email", "paul@luma.example", "sent"),
    ]


@pytest.mark.parametrize("shards", [1, 3])
def test_seeds_change_nothing_else_that_is_told_or_counted(shards: int, tmp_path: Path) -> None:
    steps = (
        {"id": "all", "read": {"where": "profile.score >= 0"}},
        {**MAIL, "waves": {"parts": 2, "every": "1m"}},
        {"id": "opened", "reacted": {"of": "mail", "reaction": "opened", "within": "1h"}},
        {"id": "again", "from": "opened.rest", "send": "news", "channels": ["email"]},
    )
    head: dict[str, Any] = {"exit": [{"event": "Bought"}], "goal": {"event": "Bought", "within": "7d"}}
    calls = [*people(6), tracked("u0", "Bought", 1.2, total=3), reacted("u1", "opened", "mail", 1.5)]
    without = told(project_in(tmp_path / "without", campaign(*steps, **head)), calls)

    found = told(seeded(tmp_path / "with", *steps, **head), calls, shards=shards)

    assert [step for step, *_ in copies(found)] == ["mail", "again"]
    assert found.result.summary == without.result.summary
    assert found.lines == without.lines
    theirs = [fact for fact in found.facts if not isinstance(fact, CopyReached | Published)]
    expected = [fact for fact in without.facts if not isinstance(fact, Published)]
    assert sorted(map(repr, theirs)) == sorted(map(repr, expected))


def test_a_copy_asks_neither_for_consent_nor_caps_nor_whether_she_is_still_there(tmp_path: Path) -> None:
    refused = {"type": "consent", "userId": "u0", "channel": "email", "granted": False}
    calls = [*people(2), {**refused, "timestamp": "2026-01-01T09:30:00Z"}, tracked("u0", "Bought", 1.2, total=3)]
    wait = {"id": "wait", "wait": "1h"}
    project = seeded(tmp_path, ALL, {**MAIL, "waves": {"parts": 2, "every": "1h"}}, wait, exit=[{"event": "Bought"}])

    found = told(project, calls)

    assert [(step, person, outcome) for step, _, person, _, _, outcome in copies(found)] == [("mail", "u0", "sent")]
    assert "u0" not in found.sent("mail")


def test_of_channels_of_which_one_is_chosen_a_seed_gets_one(tmp_path: Path) -> None:
    first = {"id": "mail", "send": "news", "channels": {"first": ["sms", "email"]}}
    seeds = [{"email": MARION}, {"email": "paul@luma.example", "sms": "+33612345678"}]

    found = told(seeded(tmp_path, ALL, first, seeds=seeds), people(1))

    assert [(channel, to) for _, _, _, channel, to, _ in copies(found)] == [
        ("email", MARION),
        ("sms", "+33612345678"),
    ]


def test_each_run_sends_to_its_seeds_and_an_empty_set_to_none(tmp_path: Path) -> None:
    schedule = {"at": "2026-01-01T10:00:00Z", "rule": "FREQ=DAILY;COUNT=3"}
    new = {"id": "all", "read": {"where": "profile.score >= 0"}, "new": True}
    found = told(seeded(tmp_path, new, MAIL, schedule=schedule), [*people(1), identified("u1", 20, score=3)])

    assert [(at // HOUR_MS, person) for _, at, person, *_ in copies(found)] == [(1, "u0"), (25, "u1")]


def test_the_files_of_a_simulation_show_copies_as_such(tmp_path: Path) -> None:
    project = seeded(tmp_path / "shop", ALL, MAIL)
    with ResultFiles(tmp_path / "out") as files:
        found = told(project, people(1))
        files.add(found.facts)
        files.write(found.result.summary)

    lines = [json.loads(line) for line in (tmp_path / "out/deliveries.ndjson").read_text().splitlines()]
    shown = sorted((line["to"], line["outcome"], line.get("seed")) for line in lines)
    assert shown == [(MARION, "sent", True), ("u0@mail.example", "sent", None)]


def test_a_person_s_explanation_names_the_copies_with_her_data(tmp_path: Path) -> None:
    found = told(seeded(tmp_path, ALL, MAIL), people(2))

    assert f"push.mail: the copy with her data for the seed {MARION} on email: sent" in explanation_text(
        explain(found.facts, "u0")
    )
    assert MARION not in explanation_text(explain(found.facts, "u1"))


def test_a_copy_says_what_its_person_s_mail_says_and_is_no_remark_of_the_channel(tmp_path: Path) -> None:
    project = seeded(tmp_path, ALL, MAIL)
    rendering, plain = RecordedRendering.of(project), RecordedRendering.of(project)
    found = told(project, [identified("u0", score=1, city="Oslo")], rendering=rendering)
    said = rendering.collect()

    assert [each["text"] for each in said.values()] == ["Of Oslo.", "Of Oslo."]
    without = told(project_in(tmp_path / "without", campaign(ALL, MAIL)), [identified("u0", score=1)], rendering=plain)
    assert found.result.remarks == without.result.remarks


def test_a_copy_leaves_by_the_real_channel_to_the_seed_alone(tmp_path: Path) -> None:
    with SmtpServer() as server:
        settings = {"host": "127.0.0.1", "port": server.port, "sender": "shop@luma.example", "tls": "none"}
        found = told(seeded(tmp_path, ALL, MAIL), people(2), channels={"email": settings})

        assert sorted(mail.to for mail in server.mailbox) == [
            MARION,
            "u0@mail.example",
            "u1@mail.example",
        ]
    assert [outcome for *_, outcome in copies(found)] == ["sent"]


def test_a_seed_of_which_the_channel_refuses_the_address_is_told(tmp_path: Path) -> None:
    project = seeded(tmp_path, ALL, MAIL, seeds=[{"email": "marion@luma..example"}])

    found = told(project, people(1))

    (fact,) = [fact for fact in found.facts if isinstance(fact, CopyReached)]
    assert fact.outcome == "failed" and str(fact.reason).startswith("the address is not well formed: ")
    assert [each.person for each in found.deliveries("sent")] == ["u0"]


def test_nothing_more_goes_to_a_seed_once_the_run_has_failed(tmp_path: Path) -> None:
    bad = {"file": "bad.csv", "person": "mail", "match": "email", "columns": {"mail": "string", "n": "integer"}}
    (tmp_path / "bad.csv").parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "bad.csv").write_text("mail,n\na@b.example,x\n")
    rest = (
        {"id": "wait", "from": "all", "wait": "1m"},
        {"id": "more", "enrich": {"n": {"table": "bad", "sum": "row.n"}}},
    )
    project = project_in(
        tmp_path,
        campaign(ALL, {**MAIL, "window": {"time": "12:00"}}, *rest, seeds=[{"email": MARION, "as": "u2"}]),
        tables={"tables": {"bad": bad}},
    )

    found = told(project, people(3))

    assert [line.output for line in found.lines if line.step == "more"] == ["failed"]
    assert [outcome for *_, outcome in copies(found)] == ["cancelled"]
