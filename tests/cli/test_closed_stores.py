"""Previews, proofs and audiences of a store that no engine has open: as of its end, and without a change of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from tests.simulation.campaign_shop import DOCUMENTS, campaign, project_in
from typer.testing import CliRunner, Result

from parcours import Engine
from parcours.cli import build
from parcours.journey.project import Project
from parcours.testing.doubles import SmtpServer

STEPS = (
    {"id": "seen", "read": "seen"},
    {"id": "keen", "filter": 'count("Seen", "30d") > 1'},
    {"id": "first", "dedupe": {"by": ["profile.city"], "order": [{"by": "profile.score", "highest": True}]}},
    {"id": "mail", "send": "news", "channels": ["email"]},
)

JOURNEY: Mapping[str, Any] = {
    "journey": "welcome",
    "entry": {"event": "Seen"},
    "steps": [{"id": "pause", "wait": "1h"}, {"id": "hello", "send": "news", "channels": ["email"]}],
}


def shop(folder: Path, *campaigns: Mapping[str, Any], **documents: Mapping[str, Any]) -> Project:
    audiences = {"audiences": {"seen": 'count("Seen", "30d") > 0'}}
    return project_in(folder, *campaigns, audiences=audiences, journeys_welcome=JOURNEY, **documents)


@pytest.fixture(params=[1, 3])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder with a store that an engine has left, and the project of before, to which a campaign has come."""
    project = shop(tmp_path / "shop")
    address = f"sqlite:///{tmp_path / 'store'}"
    with Engine.open(project, address, shards=request.param, runtime="local", records=["email", "sms"]) as engine:
        for number in range(6):
            person = f"u{number}"
            city = "Oslo" if number % 2 else "Rome"
            engine.identify(person, {"email": f"{person}@mail.example", "city": city, "score": number}).result()
            for _ in range(min(number, 2)):
                engine.track(person, "Seen").result()
        engine.consent("u5", "email", granted=False).result()
        engine.track(None, "Seen", anonymous_id="visitor").result()
        engine.identify("u4", {}, anonymous_id="visitor").result()
        engine.drain(timeout_s=30)  # a visitor may have to come from another shard
    shop(tmp_path / "shop", campaign(*STEPS))
    return tmp_path


def run(place: Path, *arguments: str) -> Result:
    given = [
        {"SHOP": str(place / "shop"), "STORE": f"sqlite:///{place / 'store'}"}.get(each, each) for each in arguments
    ]
    return CliRunner(env={"COLUMNS": "100"}).invoke(build(), given)


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): blake2b(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_preview_of_a_store_is_as_of_its_end_and_leaves_it_as_it_is(place: Path) -> None:
    before = digest(place / "store")

    shown = run(place, "campaign", "preview", "SHOP", "push", "--store", "STORE", "--format", "json")

    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.stdout)
    assert {name: step["outputs"] for name, step in found["steps"].items()} == {
        "seen": {"main": 5},
        "keen": {"main": 4, "rest": 1},
        "first": {"main": 2, "rest": 2},
        "mail": {"main": 2, "refused": 1},
    }
    assert found["steps"]["mail"]["gates"] == {"consent": 1}
    assert [each["person"] for each in found["sample"]["mail"]] == ["u4", "u5"]
    assert digest(place / "store") == before
    again = run(place, "campaign", "preview", "SHOP", "push", "--store", "STORE", "--format", "json")
    assert again.stdout == shown.stdout


def test_an_audience_of_a_store_is_shown_also_one_that_the_store_does_not_know(place: Path) -> None:
    shown = run(place, "audience", "show", "SHOP", "seen", "--store", "STORE", "--json")
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout)["size"] == 5

    audiences = {"audiences": {"seen": 'count("Seen", "30d") > 1', "north": 'profile.city == "Oslo"'}}
    project_in(place / "shop", audiences=audiences, journeys_welcome=JOURNEY)
    sizes = {}
    for name in ("seen", "north"):
        found = json.loads(run(place, "audience", "show", "SHOP", name, "--store", "STORE", "--json").stdout)
        sizes[name] = (found["size"], [each["person"] for each in found["sample"]])
    assert sizes == {"seen": (4, ["u2", "u3", "u4", "u5"]), "north": (3, ["u1", "u3", "u5"])}


def test_a_proof_of_a_store_has_the_data_of_its_people(place: Path) -> None:
    with SmtpServer() as server:
        settings = {"host": "127.0.0.1", "port": server.port, "sender": "shop@luma.example", "tls": "none"}
        shop(place / "shop", campaign(*STEPS), parcours={**DOCUMENTS["parcours"], "channels": {"email": settings}})
        before = digest(place / "store")

        done = run(
            place, "campaign", "proof", "SHOP", "push", "--step", "mail", "--as", "u5", "--to", "marion@luma.example",
            "--store", "STORE",
        )  # fmt: skip

        assert done.exit_code == 0, done.output
        assert [(mail.to, b"Of Oslo." in mail.raw) for mail in server.mailbox] == [("marion@luma.example", True)]
    assert digest(place / "store") == before


def test_who_was_merged_is_one_person(place: Path) -> None:
    everybody = {"id": "all", "read": {"where": "true"}}
    shop(place / "shop", campaign(everybody, {"id": "mail", "send": "news", "channels": ["email"]}))

    shown = run(place, "campaign", "preview", "SHOP", "push", "--store", "STORE", "--format", "json")

    assert json.loads(shown.stdout)["steps"]["all"]["outputs"] == {"main": 6}


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((), "choose one of --events, --store and --url"),
        (("--store", "STORE", "--at", "2026-01-01T00:00:00Z"), "it goes with --events"),
        (("--store", "sqlite:///nowhere/at/all"), "there is no store sqlite:///nowhere/at/all"),
        (("--store", "memory:"), "lies in the memory of the process that uses it"),
    ],
)
def test_what_is_asked_of_is_named_once(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    shop(tmp_path / "shop", campaign(*STEPS))

    for command in (["campaign", "preview", "SHOP", "push"], ["audience", "show", "SHOP", "seen"]):
        done = run(tmp_path, *command, *arguments)
        assert done.exit_code != 0 and said in " ".join(done.stderr.split())


def test_a_store_that_an_engine_uses_is_busy(tmp_path: Path) -> None:
    project, address = shop(tmp_path / "shop"), f"sqlite:///{tmp_path / 'store'}"
    with Engine.open(project, address, shards=1, runtime="local", records=["email", "sms"]):
        done = run(tmp_path, "audience", "show", "SHOP", "seen", "--store", "STORE")

    assert done.exit_code == 1 and done.stderr.count("\n") == 1, done.stderr
