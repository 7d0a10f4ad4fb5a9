"""Destinations of a live engine: the other side has whoever is a member, through restarts and changes of what it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.engine.behaviour import eventually
from tests.projects import write_texts

from parcours import Engine, Project, Settings
from parcours.channel import NotSent
from parcours.destination import Member
from parcours.destinations.file import FileDestination
from parcours.errors import ErasureWaits, PublishRefused, SettingInvalid
from parcours.service import erasure
from parcours.testing.doubles import HttpReply, HttpServer

SHOP = {
    "parcours.yaml": "project: shop\npolicies: {consent: {default: opt_out}}\n",
    "profile.yaml": "traits: {email: string, city: string}\n",
    "audiences.yaml": 'audiences:\n  vip: profile.city == "Paris"\n',
}

FILE = "file: {audience: vip, to: {file: out/vip.ndjson}, consent: {channel: email, purpose: ads}}"
HOOK = "hook: {audience: vip, to: {webhook: {url: URL, headers: {Authorization: env:A}}}, key: profile.email, batch: 9}"

SETTINGS = Settings(ambiguous_resend_after_ms=50, retry_delays_ms=(50,), channel_pause_ms=50)


class Desk(HttpServer):
    """The other side of a webhook."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[list[dict[str, Any]]] = []
        self.logins: set[str | None] = set()
        self.is_away = False

    async def handle(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        self.logins.add(request.headers.get("Authorization"))
        if self.is_away:
            return web.Response(status=503)
        return await self.respond(request, lambda: self._take(body))

    def _take(self, body: bytes) -> web.Response:
        self.requests.append(json.loads(body))
        return web.Response()


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


@pytest.fixture
def shop(tmp_path: Path) -> Callable[..., Project]:
    def load(*destinations: str) -> Project:
        told = "".join(f"  {each}\n" for each in destinations)
        write_texts(tmp_path / "shop", {**SHOP, "destinations.yaml": f"destinations:\n{told}" if told else ""})
        return Project.load(tmp_path / "shop")

    return load


@pytest.fixture
def open_engine(tmp_path: Path) -> Callable[..., Engine]:
    def start(project: Project, **more: Any) -> Engine:
        given = {"environ": {"A": "Bearer x"}, "private_hosts": ["127.0.0.0/8"], "settings": SETTINGS, **more}
        return Engine.open(project, f"sqlite:///{tmp_path}/store", shards=2, runtime="local", **given)

    return start


def members(changes: Sequence[Mapping[str, Any]]) -> set[str]:
    """The keys that the other side has if it does as it is told, each change once."""
    there, seen = set[str](), set[str]()
    for change in changes:
        if change["id"] not in seen:
            seen.add(change["id"])
            (there.add if change["change"] == "entered" else there.discard)(change["key"])
    return there


def lines_of(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "shop/out/vip.ndjson").read_text().splitlines()]


def test_a_file_and_a_webhook_are_told_who_enters_and_leaves(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], desk: Desk, tmp_path: Path
) -> None:
    with open_engine(shop(FILE, HOOK.replace("URL", desk.url))) as engine:
        for number in range(20):
            engine.identify(f"u{number}", {"city": "Paris", "email": f"u{number}@mail.example"}).result()
        engine.identify("u3", {"city": "Rome"}).result()
        engine.consent("u4", "email", purpose="ads", granted=False).result()
        engine.drain(timeout_s=20)
    wanted = {f"u{number}" for number in range(20)} - {"u3", "u4"}
    assert members(lines_of(tmp_path)) == wanted
    told = [change for request in desk.requests for change in request]
    assert members(told) == {f"u{number}@mail.example" for number in range(20)} - {"u3@mail.example"}
    assert desk.logins == {"Bearer x"}
    assert {tuple(change) for change in told} == {("id", "at", "destination", "change", "key", "fields")}


def test_a_request_has_no_more_than_batch(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], desk: Desk
) -> None:
    lines = [
        {"type": "identify", "userId": f"u{number}", "traits": {"city": "Paris", "email": f"{number}@mail.example"}}
        for number in range(200)
    ]
    with open_engine(shop(HOOK.replace("URL", desk.url).replace("batch: 9", "batch: 7"))) as engine:
        engine.ingest(lines).result()
        engine.drain(timeout_s=20)
    assert max(map(len, desk.requests)) == 7
    assert len(members([change for request in desk.requests for change in request])) == 200


def test_an_engine_that_comes_back_goes_on_where_it_was(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], tmp_path: Path
) -> None:
    for city in ("Paris", "Rome", "Paris"):
        with open_engine(shop(FILE)) as engine:
            engine.identify("ann", {"city": city}).result()
            engine.drain(timeout_s=20)
    assert [line["change"] for line in lines_of(tmp_path)] == ["entered", "left", "entered"]


def test_a_destination_that_comes_later_is_told_of_everybody_inside(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], tmp_path: Path
) -> None:
    with open_engine(shop()) as engine:
        engine.identify("ann", {"city": "Paris"}).result()
    with open_engine(shop(FILE)) as engine:
        engine.drain(timeout_s=20)
    assert members(lines_of(tmp_path)) == {"ann"}


def test_who_refuses_us_is_told_once_it_does_not_any_more(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], desk: Desk
) -> None:
    desk.next(HttpReply(401, {}), times=2)
    with open_engine(shop(HOOK.replace("URL", desk.url))) as engine:
        for number in range(10):
            engine.identify(f"u{number}", {"city": "Paris", "email": f"u{number}@mail.example"}).result()
        engine.drain(timeout_s=20)
    assert len(members([change for request in desk.requests for change in request])) == 10


def test_the_trouble_says_what_the_other_side_says(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: FileDestination, members: Sequence[Member]) -> list[NotSent]:
        return [NotSent(member.id, "OSError: No space left on device", of_channel=True) for member in members]

    monkeypatch.setattr(FileDestination, "send", full)
    with open_engine(shop(FILE)) as engine:
        engine.identify("ann", {"city": "Paris"}).result()
        told = "the channel '@file' waits: OSError: No space left on device"
        eventually(lambda: any(told in each for each in engine.troubles()), "the trouble")


@pytest.mark.parametrize("closes_before", [False, True])
def test_what_lay_ready_for_a_destination_that_is_gone_is_given_up_and_counted_no_more(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], desk: Desk, closes_before: bool
) -> None:
    desk.is_away = True
    with open_engine(shop(HOOK.replace("URL", desk.url))) as engine:
        for number in range(20):
            engine.identify(f"u{number}", {"city": "Paris", "email": f"u{number}@mail.example"}).result()
        eventually(lambda: any("'@hook' waits" in each for each in engine.troubles()), "the trouble")
        if not closes_before:
            engine.publish(shop())
            eventually(lambda: _waiting(engine) == [0, 0, 20], "all is given up")
            assert not any("@hook" in each for each in engine.troubles())
    with open_engine(shop()) as engine:
        eventually(lambda: _waiting(engine) == [0, 0, 20], "all is given up")
        last = engine.explain("u3").notes[-1][1]
        assert last.endswith("that she is in its audience: the destination is not published any more")


def _waiting(engine: Engine) -> list[int]:
    """How many changes lie in outboxes, how many of them may be claimed, and how many have been given up."""
    told = [each.figures for each in engine._call(engine._facade.figures()).shards]
    shards = [each for each in told if each is not None]
    return [
        sum(sum(each.outbox.values()) for each in shards),
        sum(sum(each.status.ready.values()) for each in shards),
        sum(dict(each.totals.synced).get(("hook", "failed"), 0) for each in shards),
    ]


def test_who_is_refused_is_explained_with_the_reason(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], desk: Desk
) -> None:
    desk.next(HttpReply(422, {}))
    with open_engine(shop(HOOK.replace("URL", desk.url))) as engine:
        engine.identify("ann", {"city": "Paris", "email": "ann@mail.example"}).result()
        engine.drain(timeout_s=20)
        notes = [text for _, text in engine.explain("ann").notes]
    assert notes == [
        "hook: is to be told that she is in its audience",
        "hook: could not be told that she is in its audience: the other side answered 422 (422)",
    ]


def test_one_that_is_only_recorded_tells_nobody(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], tmp_path: Path
) -> None:
    with open_engine(shop(FILE), records=["@file"]) as engine:
        engine.identify("ann", {"city": "Paris"}).result()
        assert [text for _, text in engine.explain("ann").notes][-1] == "file: was told that she is in its audience"
    assert not (tmp_path / "shop/out").exists()


def test_a_publication_with_a_destination_that_was_not_opened_is_refused(
    shop: Callable[..., Project], open_engine: Callable[..., Engine]
) -> None:
    with open_engine(shop()) as engine, pytest.raises(PublishRefused, match="there is the destination 'file'"):
        engine.publish(shop(FILE))


def test_a_secret_that_is_not_there_is_told_when_the_engine_opens(
    shop: Callable[..., Project], open_engine: Callable[..., Engine]
) -> None:
    with pytest.raises(SettingInvalid, match=r"destinations\.hook\.to\.webhook\.headers\.Authorization .* A,"):
        open_engine(shop(HOOK.replace("URL", "https://ads.example")), environ={})


def test_whoever_is_erased_is_taken_out_everywhere_first(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], desk: Desk, tmp_path: Path
) -> None:
    with open_engine(shop(FILE, HOOK.replace("URL", desk.url))) as engine:
        for who in ("ann", "ben"):
            engine.identify(who, {"city": "Paris", "email": f"{who}@mail.example"}).result()
        engine.erase("ann")
        assert engine.profile("ann") is None
        assert members(lines_of(tmp_path)) - {"ben"} == set()
        engine.drain(timeout_s=20)
        assert members([change for request in desk.requests for change in request]) == {"ben@mail.example"}


def test_an_erasure_waits_for_a_destination_that_cannot_be_reached_and_goes_on_when_asked_again(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "WAITS_MAX_S", 0.5)
    with open_engine(shop(HOOK.replace("URL", desk.url))) as engine:
        engine.identify("ann", {"city": "Paris", "email": "ann@mail.example"}).result()
        engine.drain(timeout_s=20)
        desk.is_away = True
        with pytest.raises(ErasureWaits):
            engine.erase("ann")
        assert engine.profile("ann") is not None
        monkeypatch.setattr(erasure, "WAITS_MAX_S", 30.0)
        desk.is_away = False
        engine.erase("ann")
        assert members([change for request in desk.requests for change in request]) == set()
        assert engine.profile("ann") is None
