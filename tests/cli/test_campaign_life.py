"""The commands for campaigns of a running engine, against a door that is really served, and then over its store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cli.conftest import Ask
from tests.ingress.served import Served, served, until
from tests.simulation.campaign_shop import campaign, project_in
from typer.testing import CliRunner

from parcours.cli import build

STEPS: tuple[dict[str, Any], ...] = (
    {"id": "all", "read": {"where": "has(profile.score)"}},
    {"id": "once", "dedupe": {"by": ["profile.city"], "order": [{"by": "profile.score", "highest": True}]}},
    {"id": "mail", "from": "all", "send": "news", "channels": ["email"]},
    {"id": "later", "wait": "1h"},
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A campaign `push` that nobody has scheduled, `short` that does not wait, and a journey beside them."""
    push, short = campaign(*STEPS), {**campaign(*STEPS[:3]), "campaign": "short"}
    del push["schedule"], short["schedule"]
    journey = {
        "journey": "hello",
        "entry": {"event": "Seen"},
        "steps": [{"id": "greet", "send": "news", "channels": ["email"]}],
    }
    project_in(tmp_path / "shop", push, short, journeys_hello=journey)
    return tmp_path / "shop"


@pytest.fixture
def door(project: Path, tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "serve.yaml").write_text("notice_s: 0\nsettings: {campaign_lead_ms: 20}\n")
    options = ["--config", str(tmp_path / "serve.yaml"), "--record", "email", "--record", "sms"]
    with served(project, f"sqlite:///{tmp_path}/store", *options, folder=tmp_path) as door:
        for number in range(3):
            traits = {"email": f"u{number}@shop.example", "score": number, "city": "Paris"}
            call = {"type": "identify", "userId": f"u{number}", "traits": traits}
            sent = httpx.post(f"{door.address}/v1/batch", json={"batch": [call]})
            assert sent.json()["accepted"] == 1, sent.text
        yield door


def over(door: Served, name: str, state: str = "done") -> None:
    """Wait until the campaign's run has ended so."""

    def ended() -> bool:
        told = httpx.get(f"{door.address}/campaigns/{name}/runs/1").json()
        return bool(told["state"] == state)

    until(ended, f"that the run of {name} is {state}")


def words(text: str) -> list[str]:
    """The lines of a text, with one blank between two words."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_a_campaign_is_begun_and_shown_by_commands(door: Served, ask: Ask, project: Path, tmp_path: Path) -> None:
    url = ["--url", door.address]

    begun = ask("campaign", "run", "short", *url)
    assert (begun.exit_code, begun.stdout) == (0, "Run 1 of short is under way.\n"), begun.output
    over(door, "short")
    shown = ask("campaign", "show", "short", *url)
    assert shown.exit_code == 0, shown.output
    lines = words(shown.stdout)
    assert lines[:2] == ["short version 1, open", "1 run · goal reached by 0"]
    for row in (r"20\S+Z 20\S+Z anybody done 1", r"once 20\S+Z 3 main 1", r"begins 20\S+Z refused 0"):
        assert any(re.fullmatch(row, line) for line in lines), shown.stdout
    told = json.loads(ask("campaign", "show", "short", *url, "--run", "1", "--json").stdout)
    assert told["campaign"]["kept"][0]["run"] == told["run"]["run"] == 1
    assert told["run"]["steps"]["once"]["outputs"] == {"main": 1, "rest": 2}
    assert "did you mean 'short'" in ask("campaign", "show", "shrot", *url).stderr
    assert ask("campaign", "show", "short", *url, "--run", "7").exit_code == 1
    assert ask("campaign", "show", "push", *url).stdout == "push  version 1, open\n0 runs · goal reached by 0\n"

    # the report and an explanation are the same once the store is closed
    live, why = ask("report", *url), ask("explain", "u0", *url)
    assert door.stop() == 0
    store = ["--store", f"sqlite:///{tmp_path}/store"]
    kept, stored = ask("report", *store), ask("explain", project, "u0", *store)
    for report in (live, kept):
        headings = [line.split()[0] for line in report.stdout.splitlines() if re.search(r"^\S+  version 1", line)]
        assert headings == ["hello", "push", "short"], report.output
        assert "1 run · goal reached by 0" in report.stdout
    for explained in (why, stored):
        assert "sets of short, run 1" in explained.stdout, explained.output
        assert "once: rest (gave way to u2 (same profile.city))" in explained.stdout
    assert ask("explain", project, "nobody", *store).exit_code == 1
    told = json.loads(ask("explain", project, "u2", *store, "--json").stdout)
    assert [(each["step"], each["outputs"]) for each in told["sets"]] == [
        (step, ["main"]) for step in ("all", "once", "mail")
    ]


def test_a_campaign_is_changed_by_commands(door: Served, ask: Ask, project: Path) -> None:
    url = ["--url", door.address]

    assert json.loads(ask("campaign", "run", "push", *url, "--json").stdout) == {"name": "push", "run": 1}
    again = ask("campaign", "run", "push", *url)
    assert again.exit_code == 1
    assert again.stderr.startswith("Run 1 of the campaign 'push' is under way"), again.stderr
    dry = ask("campaign", "pause", "push", *url, "--dry")
    assert (dry.exit_code, "Nothing has been changed; the newest change is number 1." in dry.stdout) == (0, True)
    assert ask("campaign", "pause", "push", *url, "--ledger", "1").exit_code == 0
    assert ask("campaign", "pause", "push", *url, "--ledger", "1").exit_code == 1
    assert ask("campaign", "resume", "push", *url).exit_code == 0
    assert ask("campaign", "close", "push", *url).exit_code == 0
    stopped = json.loads(ask("campaign", "stop", "push", *url, "--json").stdout)
    assert stopped["changes"] == [
        "the runs of 'push' end where they are, nothing more is sent for them, and none begins any more"
    ]
    over(door, "push", "stopped")
    refused = ask("campaign", "pause", "push", *url)
    assert (refused.exit_code, "the campaign 'push' is stopped" in refused.stderr) == (1, True)

    # one is published alone, and is open again
    assert "the campaign 'push' is open again" in ask("publish", project, "push", *url).stdout
    document = project / "campaigns" / "short.yaml"
    document.write_text(json.dumps({**json.loads(document.read_text()), "description": "A short one."}))
    assert "the campaign 'short' has changed" in ask("publish", project, "push", *url, "--dry").stderr
    assert "the campaign 'short' has changed: runs go by version 2" in ask("publish", project, "short", *url).stdout
    wrong = ask("publish", project, "shrot", *url)
    assert (wrong.exit_code, "no journey or campaign 'shrot', did you mean 'short'?" in wrong.stderr) == (1, True)

    wrong = ask("stop", "push", *url)
    assert (wrong.exit_code, "a campaign of this name" in wrong.stderr) == (1, True)
    wrong = ask("campaign", "stop", "hello", *url)
    assert (wrong.exit_code, "'hello' is a journey and no campaign" in wrong.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["run", "push"], 2, "--url"),
        (["show", "push"], 2, "--url"),
        (["stop", "push", "--url", "ftp://here"], 2, "an address such as"),
        (["run", "push", "--url", "http://127.0.0.1:1"], 1, "does not answer"),
        (["run", "push", "--url", "http://127.0.0.1:1", "--key", "sk_secret"], 2, "env:NAME or file:PATH"),
        (["show", "push", "--url", "http://127.0.0.1:1", "--run", "0"], 2, "--run"),
    ],
)
def test_what_cannot_be_asked_is_told_in_a_sentence(ask: Ask, arguments: list[str], code: int, told: str) -> None:
    result = ask("campaign", *arguments)

    assert result.exit_code == code, result.output
    assert told in " ".join(result.stderr.replace("│", " ").split())
    assert "Traceback" not in result.output


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_names_nothing_is_not_asked_for(name: str) -> None:
    told = CliRunner().invoke(build(), ["campaign", "show", name, "--url", "http://127.0.0.1:9"])

    assert told.exit_code == 2
    assert "a name is expected" in told.output
