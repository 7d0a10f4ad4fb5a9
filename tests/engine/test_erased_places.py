"""Whoever is erased is in no place where a life leaves something: calls, inboxes, what a pause keeps, kept inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from tests.engine.canaries import PERSON, SETTINGS, done, found

from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.testing.doubles import HttpServer

AskingShop = Callable[[str], Project]

PEOPLE = {"canary": PERSON, "other": "u1"}
"""By their words."""

CANARIES = {f"canary-{word}".encode() for word in ("name", "mail", "seen", "kept", "answer", "message", "trait")}

OFFER = {"message": "offer", "class": "transactional", "inapp": {"body": "{{ entry.page }} and {{ profile.email }}"}}
OFFERS = {"journey": "offers", "entry": {"event": "Seen"}, "steps": [{"id": "offer", "send": "offer"}]}
HOLDS = {
    "journey": "holds",
    "entry": {"event": "Started"},
    "steps": [
        {"id": "wait", "wait_for": [{"event": "Bought"}]},
        {"id": "look", "branch": [{"when": 'event.cart == "nothing"', "next": "done"}]},
        {"id": "done", "wait": "30d"},
    ],
}


class Echo(HttpServer):
    """Answers with a word of its own for whoever it is asked about."""

    async def handle(self, request: web.BaseRequest) -> web.Response:
        who = msgspec.json.decode(await request.read())["who"].partition("-")[0]
        return web.json_response({"rank": 5, "city": f"{who}-answer"})


@pytest.fixture
def project(asking_shop: AskingShop, tmp_path: Path) -> Iterator[Project]:
    """The shop that asks, shows something in its inbox, waits in a journey that can be paused, and keeps inputs."""
    folder = tmp_path / "asking"
    with Echo() as echo:
        asking_shop(f"{echo.url}/rate")
        settings = msgspec.json.decode((folder / "parcours.yaml").read_bytes()) | {"insight": {"inputs": True}}
        more = {"parcours": settings, "messages/offer": OFFER, "journeys/offers": OFFERS, "journeys/holds": HOLDS}
        for name, document in more.items():
            (folder / f"{name}.yaml").write_bytes(msgspec.json.encode(document))
        yield Project.load(folder)


def open_in(folder: Path, project: Project) -> Engine:
    address = f"sqlite:///{folder}"
    return Engine.open(project, address, shards=2, runtime="local", records=["email"], settings=SETTINGS)


def live(engine: Engine) -> None:
    """Two people leave everything that can be left of a life, each in words of her own."""
    for words, person in PEOPLE.items():
        engine.identify(person, {"email": f"{words}-mail@mail.example", "note": f"{words}-trait"}).result()
        engine.track(person, "Seen", {"page": f"{words}-seen"}, message_id=f"{words}-message").result()
        engine.track(person, "Started", {"cart": "c"}).result()
    engine.drain(30)
    engine.pause_journey("holds")
    for words, person in PEOPLE.items():
        engine.track(person, "Bought", {"cart": f"{words}-kept"}).result()
    engine.drain(30)


def held_of(engine: Engine) -> dict[str, Any]:
    """All that the store says to hold of her."""
    record = engine.record(PERSON)
    assert record is not None
    told: dict[str, Any] = msgspec.json.decode(b"".join(record.document()))
    return told


def test_no_byte_is_left_of_answers_inboxes_what_a_pause_keeps_and_inputs(tmp_path: Path, project: Project) -> None:
    folder = tmp_path / "store"
    with open_in(folder, project) as engine:
        live(engine)
        (item,) = engine.inbox(PERSON)
        held = held_of(engine)
        assert item.content["body"] == "canary-seen and canary-mail@mail.example"
        assert (held["profile"]["traits"]["city"], held["profile"]["traits"]["note"]) == (
            "canary-answer",
            "canary-trait",
        )
        assert "canary-kept" in str(held["profile"]["kept"])
        assert "canary-message" in str(held["lines"])
    assert {canary for _, canary in found(folder, CANARIES)} == CANARIES, "they were planted"

    with open_in(folder, project) as engine:
        job = engine.erase(PERSON)
        assert engine.inbox(PERSON) == [] and engine.inbox("u1")
        done(engine, folder, job)
        assert found(folder, CANARIES) == set()
        engine.resume_journey("holds")
        engine.drain(30)
        assert engine.profile(PERSON) is None
        other = engine.profile("u1")
        assert other is not None and other.traits["city"] == "other-answer"
        assert [run.step for run in other.runs if run.journey == "holds"] == ["done"]
    assert found(folder, CANARIES) == set()
