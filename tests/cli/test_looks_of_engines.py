"""`campaign preview`, `campaign proof` and `audience show` of a running engine say what they say of its events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cli.conftest import Ask
from tests.ingress.served import Served, served
from tests.simulation.campaign_shop import DOCUMENTS, campaign, project_in

from parcours.testing.doubles import SmtpServer

MARION = "marion@luma.example"

STEPS: tuple[dict[str, Any], ...] = (
    {"id": "all", "read": {"where": "has(profile.score)"}},
    {"id": "once", "dedupe": {"by": ["profile.city"], "order": [{"by": "profile.score", "highest": True}]}},
    {"id": "halves", "from": "all", "split": {"even": ["left", "right"]}},
    {"id": "mail", "from": "all", "send": "news", "channels": ["email"]},
    {"id": "later", "wait": "1h"},
)


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as double:
        yield double


@pytest.fixture
def project(tmp_path: Path, server: SmtpServer) -> Path:
    document = campaign(*STEPS)
    del document["schedule"]
    mail = {"host": "127.0.0.1", "port": server.port, "sender": "shop@luma.example", "tls": "none"}
    project_in(tmp_path / "shop", document, parcours={**DOCUMENTS["parcours"], "channels": {"email": mail}})
    return tmp_path / "shop"


@pytest.fixture
def calls() -> list[dict[str, Any]]:
    people = [
        {"type": "identify", "userId": f"u{number}", "traits": {"email": f"u{number}@shop.example", "score": number}}
        for number in range(4)
    ]
    seen = [{"type": "track", "userId": "u1", "event": "Seen"}]
    refused = [{"type": "consent", "userId": "u2", "channel": "email", "granted": False}]
    return [*people, *seen, *refused]


@pytest.fixture
def door(project: Path, calls: list[dict[str, Any]], tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "serve.yaml").write_text(f"notice_s: 0\ntest_addresses: [{MARION}]\n")
    options = ["--config", str(tmp_path / "serve.yaml"), "--record", "sms"]
    with served(project, f"sqlite:///{tmp_path}/store", *options, folder=tmp_path) as door:
        sent = httpx.post(f"{door.address}/v1/batch", json={"batch": calls})
        assert sent.json()["accepted"] == len(calls), sent.text
        yield door


def test_the_engine_says_what_its_events_say(
    door: Served, ask: Ask, project: Path, calls: list[dict[str, Any]], tmp_path: Path
) -> None:
    at = "2026-01-01T10:00:00Z"
    (tmp_path / "events.ndjson").write_text("\n".join(json.dumps({**call, "timestamp": at}) for call in calls))
    url, events = ["--url", door.address], ["--events", str(tmp_path / "events.ndjson")]

    for command in (["campaign", "preview", project, "push", "--format", "json"],
                    ["campaign", "preview", project, "push", "--format", "mermaid"]):  # fmt: skip
        live, recorded = ask(*command, *url), ask(*command, *events)
        assert (live.exit_code, recorded.exit_code) == (0, 0), live.output
        assert live.stdout == recorded.stdout
    table = ask("campaign", "preview", project, "push", *url, "--sample", "1")
    assert "What follows on later is not foreseen" in table.stdout and "nobody is sent anything" in table.stdout

    command = ["audience", "show", project, "seen", "--json"]
    live, recorded = (json.loads(ask(*command, *of).stdout) for of in (url, events))
    assert {**live, "at": 0} == {**recorded, "at": 0}
    assert (live["size"], live["at"] > recorded["at"]) == (1, True)
    assert "1 person is in seen as of" in ask(*command[:-1], *url).stdout


def test_a_proof_is_sent_by_the_engine(door: Served, ask: Ask, project: Path, server: SmtpServer) -> None:
    named = ["--step", "mail", "--as", "u2", "--url", door.address]

    sent = ask("campaign", "proof", project, "push", *named, "--to", MARION)
    elsewhere = ask("campaign", "proof", project, "push", *named, "--to", "u2@shop.example")

    assert sent.exit_code == 0, sent.output
    assert sent.stdout.startswith(f"A proof of push.mail with the data of u2 went to {MARION} by email, which")
    assert [mail.to for mail in server.mailbox] == [MARION]
    assert (elsewhere.exit_code, "test_addresses" in elsewhere.stderr) == (1, True)


def test_what_cannot_be_asked_is_told_in_a_sentence(ask: Ask, project: Path) -> None:
    nowhere = ["--url", "http://127.0.0.1:1"]
    for command in (["campaign", "preview", project, "push"], ["audience", "show", project, "seen"]):
        assert "does not answer" in ask(*command, *nowhere).stderr
        for more in (["--store", "memory:"], ["--at", "2026-01-01T00:00:00Z"]):
            assert ask(*command, *nowhere, *more).exit_code == 2
