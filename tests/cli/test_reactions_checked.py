"""A journey that waits for what nobody would tell is warned of, by the settings of the door that it runs behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.projects import write_texts
from typer.testing import CliRunner

from parcours.cli import build

FILES = {
    "parcours.yaml": "project: shop\n",
    "profile.yaml": "traits: {email: string, phone: string, push_token: string}\n",
    "events.yaml": "events: {Started: {}}\n",
    "messages/news.yaml": "message: news\nemail: {subject: Hi, text: Hi}\nsms: {text: Hi}\npush: {title: Hi}\n",
    "messages/receipt.yaml": "message: receipt\nclass: transactional\nemail: {subject: Hi, text: Hi}\n",
    "messages/tracked.yaml": "message: tracked\nclass: transactional\ntrack: true\nemail: {subject: Hi, text: Hi}\n",
}

OUTSIDE = "host: 0.0.0.0\nunsubscribe: elsewhere\n"
KEYS = f"keys: [{{name: shop, sha256: {'a' * 64}, scopes: [ingest]}}]\n"
PUBLIC = "public_url: https://door.example\n"


def warnings(folder: Path, message: str, channels: str, reaction: str, config: str | None) -> list[str]:
    """What `check` says of a journey that sends this message and waits for this reaction to it."""
    journey = (
        "journey: j\nentry: {event: Started}\nsteps:\n"
        f"  - {{id: write, send: {message}, channels: [{channels}]}}\n"
        f"  - {{id: heard, wait_for: [{{reaction: {reaction}, of: write}}], timeout: 1d}}\n"
    )
    write_texts(folder / "shop", {**FILES, "journeys/j.yaml": journey})
    (folder / "serve.yaml").write_text(config or "")
    options = [] if config is None else ["--config", str(folder / "serve.yaml")]

    result = CliRunner().invoke(build(), ["check", str(folder / "shop"), *options])

    assert result.exit_code == 0, result.output
    return [line for line in result.stdout.splitlines() if "nobody tells" in line]


@pytest.mark.parametrize(
    "message, channels, reaction, config",
    [
        ("news", "sms", "opened", PUBLIC),  # today everybody would get what comes after the time-out
        ("news", "sms", "clicked", PUBLIC),
        ("news", "email", "replied", PUBLIC),
        ("news", "email", "opened", OUTSIDE),  # nothing would lead to the door
        ("receipt", "email", "opened", PUBLIC),  # it is not tracked
        ("news", "email", "bounced", PUBLIC + KEYS),  # no mail server can report it
        ("news", "push", "bounced", PUBLIC),
        ("news", "push", "opened", OUTSIDE),
    ],
)
def test_a_reaction_that_nobody_tells_is_warned_of(
    message: str, channels: str, reaction: str, config: str, tmp_path: Path
) -> None:
    (told,) = warnings(tmp_path, message, channels, reaction, config)

    assert told == (
        f"journeys/j.yaml:5: warning: steps[1].wait_for[0].reaction: nobody tells of {reaction!r} on {channels}, "
        "so nobody goes on by it"
    )


@pytest.mark.parametrize(
    "message, channels, reaction, config",
    [
        ("news", "email", "opened", PUBLIC),
        ("news", "email", "opened", ""),  # on this machine alone the door finds its own address
        ("tracked", "email", "clicked", PUBLIC),
        ("news", "email, sms", "opened", PUBLIC),  # at least one of them tells
        ("news", "email", "bounced", PUBLIC + KEYS + "bounces: {domain: bounces.example}\n"),
        ("news", "email", "bounced", PUBLIC + KEYS.replace("ingest", "feedback")),
        ("news", "email", "failed", OUTSIDE),
        ("news", "sms", "delivered", PUBLIC),
        ("news", "push", "opened", PUBLIC),
        ("news", "sms", "opened", None),  # nobody has said where it is to run
    ],
)
def test_a_reaction_that_somebody_tells_is_not(
    message: str, channels: str, reaction: str, config: str | None, tmp_path: Path
) -> None:
    assert warnings(tmp_path, message, channels, reaction, config) == []
