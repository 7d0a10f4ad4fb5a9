"""`parcours campaign proof`: one message with a person's data, to somebody of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from tests.simulation.campaign_shop import DOCUMENTS, campaign, people, project_in, tracked
from typer.testing import CliRunner, Result

from parcours.cli import build
from parcours.testing.doubles import Reply, SmtpServer

MARION = "marion@luma.example"

STEPS = (
    {"id": "all", "read": {"where": "profile.score >= 0"}},
    {"id": "wished", "enrich": {"wish": {"table": "wishes", "take": "first", "columns": ["name"], "required": True}}},
    {"id": "mail", "send": "wish", "channels": ["email"], "window": {"time": "06:00"}},
    {"id": "opened", "reacted": {"of": "mail", "reaction": "opened", "within": "1d"}},
    {"id": "again", "from": "opened.rest", "send": "news", "channels": ["sms", "email"]},
    {"id": "both", "from": "all", "send": "news", "channels": ["sms", "email"]},
)

WISH = {
    "message": "wish",
    "email": {"subject": "For {{ profile.city }}", "text": "{{ row.wish.name | capitalize }} {{ preferences_url }}"},
}

TABLES = {
    "tables": {
        "wishes": {
            "file": "wishes.csv", "person": "mail", "match": "email", "many": True, "key": ["name"],
            "columns": {"mail": "string", "name": "string"},
        }
    }
}  # fmt: skip


def write(folder: Path, port: int | None, **changes: Any) -> None:
    """The shop with a campaign, and with a mail server if there is one."""
    (folder / "shop").mkdir(exist_ok=True)
    (folder / "shop/wishes.csv").write_text("mail,name\nu1@mail.example,mat\nu2@mail.example,ball\n")
    mail = {"host": "127.0.0.1", "port": port, "sender": "shop@luma.example", "tls": "none"}
    project = dict(DOCUMENTS["parcours"])
    project["policies"] = {"consent": {"default": "opt_in"}, "caps": [{"channels": ["email"], "max": 1, "per": "1d"}]}
    if port is not None:
        project["channels"] = {"email": mail}
    documents: dict[str, Any] = {"parcours": project, "tables": TABLES, "messages_wish": WISH, **changes}
    project_in(folder / "shop", campaign(*STEPS), **documents)


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as double:
        yield double


@pytest.fixture
def shop(tmp_path: Path, server: SmtpServer) -> Path:
    write(tmp_path, server.port)
    calls = [*people(4, city="Oslo"), tracked("u1", "Seen", 5)]
    (tmp_path / "events.ndjson").write_text("\n".join(map(json.dumps, calls)))
    return tmp_path


def proof(shop: Path, *arguments: str, step: str = "mail", person: str = "u1", to: str = MARION) -> Result:
    named = ["--step", step, "--as", person, "--to", to, "--events", str(shop / "events.ndjson")]
    given = ["campaign", "proof", str(shop / "shop"), "push", *named, *arguments]
    return CliRunner(env={"COLUMNS": "100"}).invoke(build(), given)


def subjects(server: SmtpServer) -> list[tuple[str, str, str]]:
    """(to, subject, text) of each mail."""
    mails = [(mail.to, message_from_bytes(mail.raw, policy=default)) for mail in server.mailbox]
    return [(to, str(mail["subject"]), mail.get_content().strip()) for to, mail in mails]


def test_a_proof_has_the_person_s_data_and_row_and_goes_to_the_address_alone(shop: Path, server: SmtpServer) -> None:
    done = proof(shop, "--at", "2026-01-01T10:00:00Z")

    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"A proof of push.mail with the data of u1 went to {MARION} by email")
    assert subjects(server) == [(MARION, "[Proof] For Oslo", "Mat")]


def test_each_proof_is_a_mail_of_its_own(shop: Path, server: SmtpServer) -> None:
    assert [proof(shop).exit_code, proof(shop).exit_code] == [0, 0]

    ids = [message_from_bytes(mail.raw)["message-id"] for mail in server.mailbox]
    assert len(set(ids)) == 2


def test_of_several_channels_the_first_goes_that_takes_the_address(shop: Path, server: SmtpServer) -> None:
    assert proof(shop, step="both").exit_code == 0
    assert subjects(server) == [(MARION, "[Proof] News", "Of Oslo.")]

    refused = proof(shop, "--channel", "sms", step="both")
    assert refused.exit_code == 1 and refused.stderr.count("\n") == 1
    assert f"{MARION!r} is no address on any channel of the step (sms: " in refused.stderr


@pytest.mark.parametrize(
    "asked, said",
    [
        ({"step": "mial"}, "the campaign 'push' has no step 'mial', did you mean 'mail'?"),
        (
            {"step": "wished"},
            "the step 'wished' of the campaign 'push' sends nothing; those that do are mail, again, both",
        ),
        ({"person": "u0"}, "'u0' is not in the set that 'mail' takes as of 2026-01-01T14:00:00.000Z"),
        ({"person": "nobody"}, "'nobody' is not in the set that 'mail' takes as of 2026-01-01T14:00:00.000Z"),
        (
            {"step": "again"},
            "'u1' is not in the set that 'again' takes as of 2026-01-01T14:00:00.000Z; nobody is foreseen there",
        ),
        ({"to": "+33612345678"}, "'+33612345678' is no address on any channel of the step (email: "),
    ],
)
def test_what_is_asked_wrongly_is_told_in_one_line(
    shop: Path, server: SmtpServer, asked: dict[str, str], said: str
) -> None:
    done = proof(shop, **asked)

    assert done.exit_code == 1 and done.stderr.startswith(said) and done.stderr.count("\n") == 1, done.stderr
    assert not server.mailbox


def test_a_channel_that_the_step_has_not_is_refused(shop: Path) -> None:
    done = proof(shop, "--channel", "push")

    assert done.stderr == "the step does not send to addresses on 'push'; it sends on email\n"


def test_a_channel_that_is_not_set_up_is_told(shop: Path) -> None:
    write(shop, None)

    done = proof(shop)

    assert done.stderr == ("a proof goes out by the project's own channel, and parcours.yaml has no channels.email\n")


def test_what_cannot_be_rendered_and_what_the_provider_refuses_are_told(shop: Path, server: SmtpServer) -> None:
    server.next("rcpt", Reply("550 5.1.1 nobody of that name"))
    refused = proof(shop)
    assert refused.exit_code == 1 and refused.stderr.startswith("the provider of 'email' refuses it: ")
    assert refused.stderr.count("\n") == 1

    broken = {**WISH, "email": {"subject": "Hi", "text": "{{ row.wish.name | divided_by: 0 }}"}}
    write(shop, server.port, messages_wish=broken)
    failed = proof(shop)
    assert failed.exit_code == 1
    assert failed.stderr.startswith("the message cannot be rendered for this person: ")
    assert not server.mailbox
