"""Somebody who has been merged is erased under all her names, in all shards that ever had something of her."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.engine.canaries import SETTINGS, done, found

from parcours.core.identity import SlotMap
from parcours.errors import ShardUnavailable
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.service.erasure import ErasuresUnderWay
from parcours.shard.erasures import Erased, Erasure
from parcours.shard.person_requests import KnownNames
from parcours.shard.requests import Erase, GetErasures, GetNames, Request

PERSON, VISITOR, TABLET = "canary-name", "canary-visitor", "canary-tablet"
CANARIES = (b"canary-name", b"canary-visitor", b"canary-tablet", b"canary-mail", b"canary-property", b"canary-message")


def open_in(folder: Path, project: Project, shards: int) -> Engine:
    address = f"sqlite:///{folder}"
    return Engine.open(project, address, shards=shards, runtime="local", records=["email"], settings=SETTINGS)


def live(engine: Engine) -> None:
    """A visitor of two devices logs in on both."""
    for device in (VISITOR, TABLET):
        engine.identify(None, {"email": "canary-mail@mail.example"}, anonymous_id=device).result()
        for event in ("Seen", "Started", "Bought"):
            properties = {"cart": device, "page": "canary-property"}
            engine.track(
                None, event, properties, anonymous_id=device, message_id=f"canary-message-{device}-{event}"
            ).result()
        engine.identify(PERSON, {}, anonymous_id=device).result()
        engine.track(None, "Seen", {"page": "canary-property"}, anonymous_id=device).result()
    engine.identify("u1", {"email": "other@mail.example"}).result()
    engine.drain(30)


@pytest.mark.parametrize("shards", [1, 2])
@pytest.mark.parametrize("asked_for", [PERSON, f"@anonymous/{TABLET}"])
def test_no_byte_of_any_of_her_names_is_left(
    shards: int, asked_for: str, tmp_path: Path, new_shop: Callable[..., Project]
) -> None:
    folder, project = tmp_path / "store", new_shop()
    slots = SlotMap(2)
    assert {slots.shard(f"@anonymous/{VISITOR}"), slots.shard(f"@anonymous/{TABLET}"), slots.shard(PERSON)} == {0, 1}
    with open_in(folder, project, shards) as engine:
        live(engine)
        assert {canary for _, canary in found(folder, CANARIES)} == set(CANARIES)

        job = engine.erase(asked_for, by="ada")

        assert engine.profile(PERSON) is None
        assert engine.profile(f"@anonymous/{VISITOR}") is None
        assert [row.what for row in done(engine, folder, job).rows if not row.done] == []
        assert found(folder, CANARIES) == set()
        assert engine.facts("u1") and engine.troubles() == []


def test_her_names_are_free_afterwards_and_messages_of_before_are_still_known(
    tmp_path: Path, new_shop: Callable[..., Project]
) -> None:
    with open_in(tmp_path / "store", new_shop(), 2) as engine:
        live(engine)
        properties = {"cart": "c", "page": "p"}
        engine.track(None, "Seen", properties, anonymous_id=TABLET, message_id="as hers").result()
        engine.erase(PERSON)

        again = engine.track(None, "Seen", properties, anonymous_id=TABLET, message_id="as hers").result()
        new = engine.track(None, "Seen", properties, anonymous_id=TABLET, message_id="new").result()
        engine.identify("u1", {}, anonymous_id=TABLET).result()
        engine.track(None, "Seen", properties, anonymous_id=TABLET).result()

        assert (again.duplicate, new.accepted) == (1, 1)
        owner = engine.profile("u1")
        assert owner is not None and engine.profile(PERSON) is None


async def forget_none(erasures: Sequence[Erasure]) -> None:
    """Of campaigns that keep no sets."""
    assert not erasures


class NameAskedLate:
    """A shard of somebody with another name, which another shard is yet to be asked for when that is to be erased."""

    def __init__(self) -> None:
        self.asked: list[Erase] = []

    async def ask(self, request: Request[Any], /) -> Any:
        match request:
            case GetNames():
                return KnownNames(names={"@anonymous/a": []})
            case Erase(person=person, names=names):
                self.asked.append(request)
                is_early = len(self.asked) == 1 or (person == "u1" and not names)
                return None if is_early else Erasure(request.name, b"salt", person.encode(), 0, len(self.asked))
            case GetErasures():
                return Erased([], 0, 0)
            case _:
                raise AssertionError(request)


def test_a_name_that_cannot_be_forgotten_yet_is_asked_for_again() -> None:
    port = NameAskedLate()
    erasures = ErasuresUnderWay([port], SlotMap(1), None, forget_none)

    erased = asyncio.run(erasures.erase("u1", "ada"))

    assert [each.person for each in port.asked] == ["@anonymous/a", "u1", "@anonymous/a", "u1"]
    assert port.asked[-1].names == ["@anonymous/a"] and erased.person == b"u1"


class OpenedAgain:
    """A shard that has let go of its store when it is asked first."""

    def __init__(self) -> None:
        self.asked = 0

    async def ask(self, request: Request[Any], /) -> Any:
        assert isinstance(request, GetErasures)
        self.asked += 1
        if self.asked == 1:
            raise ShardUnavailable("the shard has to be opened again")
        return Erased([], 0, 0)


def test_erasures_begin_though_a_shard_has_to_be_opened_again(tmp_path: Path) -> None:
    async def scenario() -> int:
        port = OpenedAgain()
        erasures = ErasuresUnderWay([port], SlotMap(1), tmp_path, forget_none)
        await erasures.start()
        asked = port.asked
        await erasures.stop()
        return asked

    assert asyncio.run(scenario()) == 3
