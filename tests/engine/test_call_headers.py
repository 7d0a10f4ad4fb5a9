"""The secrets in headers of calls: looked up when an engine opens, carried by its calls, and shown nowhere."""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from parcours.errors import PublishRefused, SettingInvalid
from parcours.insight.explain_text import explanation_text
from parcours.journey.project import Project
from parcours.service.channel_selection import delivering
from parcours.service.engine import Engine
from parcours.testing.doubles import HttpServer
from parcours.testing.virtual_project import VirtualProject

if TYPE_CHECKING:
    from tests.engine.conftest import Desk

AskingShop = Callable[[str], Project]
Given = Callable[..., Project]

PATIENCE_S = 30.0


class Office(HttpServer):
    """Keeps of each request the method, the path, the query, the header Authorization and the body."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str, dict[str, str], str | None, bytes]] = []

    async def handle(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        query, token = dict(request.query), request.headers.get("Authorization")
        self.asked.append((request.method, request.path, query, token, body))
        return web.json_response({"rank": 5, "city": "Oslo"})


@pytest.fixture
def given(asking_shop: AskingShop, tmp_path: Path) -> Given:
    """The asking shop, whose action has these keys besides."""

    def make(url: str, settings: Mapping[str, object] | None = None, **keys: object) -> Project:
        asking_shop(url)
        folder = tmp_path / "asking"
        actions = json.loads((folder / "actions.yaml").read_text())
        actions["actions"]["rate"] |= keys
        (folder / "actions.yaml").write_text(json.dumps(actions))
        if settings is not None:
            project = json.loads((folder / "parcours.yaml").read_text())
            (folder / "parcours.yaml").write_text(json.dumps({**project, "channels": {"call": settings}}))
        return Project.load(folder)

    return make


def test_a_call_carries_what_its_references_stand_for_and_nobody_else_gets_to_see_it(
    given: Given, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store = tmp_path / "store"
    with Office() as office:
        shop = given(
            f"{office.url}/rate?v=2",
            method="GET",
            headers={"Authorization": "env:TOKEN"},
            query={"who": "profile.email", "page": "event.page"},
            body={},
        )
        environ = {"TOKEN": "Bearer s3cret"}
        with Engine.open(shop, f"sqlite:///{store}", runtime="local", records=["email"], environ=environ) as engine:
            engine.identify("anna", {"email": "a+b@mail.example"}).result(PATIENCE_S)
            engine.track("anna", "Seen", {"page": "é & 1"}).result(PATIENCE_S)
            engine.drain(PATIENCE_S)
            told = f"{engine.explain('anna')!r} {explanation_text(engine.explain('anna'))} {engine.profile('anna')!r}"

        query = {"v": "2", "who": "a+b@mail.example", "page": "é & 1"}
        assert office.asked == [("GET", "/rate", query, "Bearer s3cret", b"")]
    assert "s3cret" not in told + caplog.text
    kept = [pickle.dumps(shop), *(path.read_bytes() for path in store.rglob("*") if path.is_file())]
    assert [b"s3cret" in each for each in kept] == [False] * len(kept)
    assert any(b"env:TOKEN" in each for each in kept)


@pytest.mark.parametrize("private_hosts, calls", [([], 0), (["127.0.0.0/8"], 1)])
def test_whoever_opens_the_engine_may_let_calls_into_private_networks(
    given: Given, private_hosts: list[str], calls: int
) -> None:
    with Office() as office:
        shop = given(f"{office.url}/rate", {"allowed_networks": []}, method="GET", body={})
        with Engine.open(
            shop, "memory:", runtime="local", records=["email"], environ={}, private_hosts=private_hosts
        ) as engine:
            engine.identify("anna", {"email": "a@mail.example"}).result(PATIENCE_S)
            engine.track("anna", "Seen", {"page": "1"}).result(PATIENCE_S)
            engine.drain(PATIENCE_S)

        assert len(office.asked) == calls


@pytest.mark.parametrize(
    "reference, complaint",
    [
        ("env:TOKEN", "refers to the environment variable TOKEN, which is not set"),
        ("file:token.txt", "refers to the file .*token.txt, which cannot be read"),
        ("env:BROKEN", "is 'env:BROKEN', whose value no header can have: it holds a line break"),
        ("env:UMLAUT", "is 'env:UMLAUT', whose value no header can have: it holds a character"),
    ],
)
def test_a_reference_that_is_of_no_use_is_named_at_the_opening_and_its_value_is_not(
    given: Given, reference: str, complaint: str
) -> None:
    shop = given("https://desk.example", headers={"Authorization": reference})
    environ = {"BROKEN": "s3cret\r\nHost: elsewhere", "UMLAUT": "s3crät"}

    with pytest.raises(SettingInvalid, match=rf"the setting actions\.rate\.headers\.Authorization {complaint}") as told:
        Engine.open(shop, "memory:", runtime="local", records=["email"], environ=environ)

    assert "s3cr" not in str(told.value)
    Engine.open(shop, "memory:", runtime="local", records=["email", "call"], environ={}).close()


def test_a_secret_in_a_file_is_looked_up_from_the_project_s_folder(given: Given, tmp_path: Path) -> None:
    shop = given("https://desk.example", headers={"X-Key": "file:../key.txt", "X-Shop": "luma"})
    (tmp_path / "key.txt").write_text("k1\n")

    assert delivering(shop, ["email"], {})["call"]["secrets"] == {"file:../key.txt": "k1"}


def test_what_an_engine_was_opened_without_cannot_be_published(given: Given, desk: Desk) -> None:
    before = given(desk.url)
    with (
        Engine.open(before, "memory:", runtime="local", records=["email"], environ={"TOKEN": "t"}) as engine,
        pytest.raises(PublishRefused) as caught,
    ):
        engine.publish(given(desk.url, headers={"Authorization": "env:TOKEN"}))

    (reason,) = caught.value.reasons
    where = "actions.rate.headers.Authorization is 'env:TOKEN'"
    assert reason == f"{where}, which the engine was not opened with: open it anew, with this project"


def test_where_calls_are_recorded_nobody_asks_for_their_secrets(given: Given, desk: Desk) -> None:
    records = ["email", "call"]
    with Engine.open(given(desk.url), "memory:", runtime="local", records=records, environ={}) as engine:
        engine.publish(given(desk.url, headers={"Authorization": "env:TOKEN"}))
        assert engine.troubles() == []


def test_an_older_version_whose_secret_is_gone_is_a_trouble(given: Given, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"
    older = given("https://desk.example", headers={"Authorization": "env:OLD"})
    with Engine.open(older, store, runtime="local", records=["email", "call"]) as engine:
        engine.track("anna", "Seen").result(PATIENCE_S)  # she waits for an answer
    newer = given("https://desk.example", headers={"Authorization": "env:NEW"})

    with Engine.open(newer, store, runtime="local", records=["email"], environ={"NEW": "n"}) as engine:
        assert engine.troubles() == [
            "of an older version, actions.rate.headers.Authorization is 'env:OLD', which the engine was not opened with"
        ]


def test_a_call_of_a_private_address_fails_with_the_name_of_the_setting(given: Given, desk: Desk) -> None:
    shop = given(desk.url, settings={})
    with Engine.open(shop, "memory:", runtime="local", records=["email"]) as engine:
        engine.track("anna", "Seen").result(PATIENCE_S)
        engine.drain(PATIENCE_S)
        told = explanation_text(engine.explain("anna"))

    assert desk.asked == []
    assert "call rate failed: the host has no public address" in told.replace("\n", " ")
    assert "channels.call.allowed_networks" in told


def test_a_recorded_call_says_what_its_query_and_its_body_hold(given: Given) -> None:
    shop = given("https://desk.example/?v=2", method="PUT", query={"page": "event.page", "none": "profile.city"})
    with VirtualProject(shop) as virtual:
        virtual.track("anna", "Seen", {"page": "p&q"})
        virtual.advance(seconds=1)

        (call,) = virtual.sent(channel="call")
    assert call.content == {"v": "2", "page": "p&q"}
