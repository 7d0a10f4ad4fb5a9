"""An app looks into its person's inbox through the door: once, or for as long as its screen is open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest
from starlette.types import ASGIApp
from tests.projects import write_texts

from parcours.config import DAY_MS
from parcours.ingress import inbox_streams
from parcours.ingress.application import Application, door_of
from parcours.ingress.door import Door
from parcours.ingress.inbox_streams import STREAMS_OF_PERSON_MAX
from parcours.ingress.settings import ServeSettings
from parcours.ingress.tokens import InboxToken, OpenToken, ReactionToken
from parcours.journey.project import Project
from parcours.service.service import Service

FILES = {
    "parcours.yaml": "{project: shop, policies: {consent: {default: opt_out}}}",
    "profile.yaml": "traits: {first_name: string}",
    "events.yaml": "events: {Started: {}, Bought: {}}",
    "messages/offer.yaml": "{message: offer, withdraw: [Bought], card: {title: Ten percent off}}",
    "journeys/cart.yaml": "{journey: cart, entry: {event: Started}, steps: [{id: offer, send: offer}]}",
}

KEYS = [
    {"name": "care", "sha256": sha256(b"secret-of-care").hexdigest(), "scopes": ["people:read"]},
    {"name": "app", "sha256": sha256(b"secret-of-app").hexdigest(), "scopes": ["people"]},
    {"name": "shop", "sha256": sha256(b"secret-of-shop").hexdigest(), "scopes": ["ingest"]},
    {
        "name": "page",
        "sha256": sha256(b"secret-of-page").hexdigest(),
        "scopes": ["ingest"],
        "public": True,
        "origins": ["https://shop.example"],
    },
]

SIGNING_KEYS = ["k" * 32]


@dataclass
class Stream:
    """One open stream, read event by event."""

    task: asyncio.Task[None]
    pieces: asyncio.Queue[bytes | None]
    gone: asyncio.Event
    status: asyncio.Future[int]
    rest: bytes = b""

    async def next(self) -> dict[str, Any] | None:
        """The next event with its fields; beats are passed over. None at the end."""
        async with asyncio.timeout(20):
            while True:
                while b"\n\n" not in self.rest:
                    piece = await self.pieces.get()
                    if piece is None:
                        return None
                    self.rest += piece
                block, _, self.rest = self.rest.partition(b"\n\n")
                fields = dict(line.split(": ", 1) for line in block.decode().splitlines() if not line.startswith(":"))
                if fields:
                    return {**fields, "data": json.loads(fields["data"])}

    async def close(self) -> None:
        self.gone.set()
        await self.task


@dataclass
class At:
    """A door to a running shop."""

    service: Service
    door: Door
    app: ASGIApp
    open: list[Stream] = field(default_factory=list)

    async def ask(self, method: str, path: str, key: str | None = "care", **more: Any) -> httpx.Response:
        headers = more.pop("headers", {}) | ({} if key is None else {"Authorization": f"Bearer secret-of-{key}"})
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, headers=headers, **more)

    async def send(self, event: str = "Started", person: str = "sarah") -> None:
        await self.service.track(person, event)

    async def entries(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = (await self.ask("GET", "/inbox/sarah")).json()["entries"]
        return entries

    def stream(self, query: str = "", last_event_id: str | None = None, key: str | None = "care") -> Stream:
        told = {"accept": "text/event-stream", "host": "127.0.0.1"}
        if key is not None:
            told["authorization"] = f"Bearer secret-of-{key}"
        if last_event_id is not None:
            told["last-event-id"] = last_event_id
        scope = {
            "type": "http", "method": "GET", "path": "/inbox/sarah", "raw_path": b"/inbox/sarah",
            "query_string": query.encode(), "scheme": "http", "client": ("127.0.0.1", 1), "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in told.items()],
        }  # fmt: skip
        stream = _running(self.app, scope)
        self.open.append(stream)
        return stream


def _running(app: ASGIApp, scope: MutableMapping[str, Any]) -> Stream:
    pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
    gone = asyncio.Event()
    status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    asked = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> MutableMapping[str, Any]:
        if asked:
            return asked.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            status.set_result(message["status"])
        elif message["body"]:
            pieces.put_nowait(message["body"])
        if message["type"] == "http.response.body" and not message.get("more_body"):
            pieces.put_nowait(None)

    async def run() -> None:
        await app(scope, receive, send)

    return Stream(asyncio.ensure_future(run()), pieces, gone, status)


Knock: TypeAlias = Callable[[Callable[[At], Awaitable[None]]], None]


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    write_texts(tmp_path / "shop", FILES)
    return Project.load(tmp_path / "shop")


@pytest.fixture
def knock(shop: Project) -> Knock:
    """Does something at the door of a running shop."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[At]:
        settings = ServeSettings.model_validate({"keys": KEYS, "signing_keys": SIGNING_KEYS})
        async with Service.open(shop, store="memory:", runtime="local") as service:
            door = door_of(service, settings)
            at = At(service, door, Application(door))
            try:
                yield at
            finally:
                for stream in at.open:
                    await stream.close()

    def run(do: Callable[[At], Awaitable[None]]) -> None:
        async def all_of_it() -> None:
            async with opened() as at:
                await do(at)

        asyncio.run(all_of_it())

    return run


def test_entries_come_as_json_and_each_has_a_token_of_its_own(knock: Knock) -> None:
    async def do(at: At) -> None:
        await at.send()

        (entry,) = await at.entries()

        token = at.door.seals and at.door.seals.unseal(ReactionToken, entry.pop("token"))
        assert token == ReactionToken("sarah", entry.pop("id"))
        assert entry.pop("at") < entry.pop("expires")
        assert entry == {
            "channel": "card",
            "message": "offer",
            "pinned": False,
            "seen": False,
            "content": {"title": "Ten percent off", "pinned": False, "data": {}},
        }

    knock(do)


def test_what_has_not_changed_need_not_come_again(knock: Knock) -> None:
    async def do(at: At) -> None:
        await at.send()
        first = await at.ask("GET", "/inbox/sarah")
        etag = first.headers["etag"]

        again = await at.ask("GET", "/inbox/sarah", headers={"If-None-Match": f'"other", W/{etag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)

        await at.service.react_to(first.json()["entries"][0]["id"], "opened")
        changed = await at.ask("GET", "/inbox/sarah", headers={"If-None-Match": etag})
        assert (changed.status_code, changed.json()["entries"][0]["seen"]) == (200, True)

    knock(do)


def test_to_fetch_it_is_its_delivery_and_to_ask_for_its_headers_is_not(knock: Knock) -> None:
    async def do(at: At) -> None:
        await at.send()
        assert (await at.ask("HEAD", "/inbox/sarah")).status_code == 200
        assert await _marks(at) == []
        await at.entries()
        assert await _marks(at) == ["delivered"]

    knock(do)


async def _marks(at: At) -> list[str]:
    person = await at.service.profile("sarah")
    assert person is not None
    return list(person.past[0].deliveries[0].marks)


def test_nobody_is_let_in_by_a_name_alone(knock: Knock) -> None:
    async def do(at: At) -> None:
        seals = at.door.seals
        assert seals is not None
        later = at.door.now_ms() + DAY_MS
        sealed = {
            "hers": seals.seal(InboxToken("sarah", later)),
            "another's": seals.seal(InboxToken("joe", later)),
            "expired": seals.seal(InboxToken("sarah", at.door.now_ms() - 1)),
            "of another kind": seals.seal(OpenToken("sarah", "key")),
            "forged": seals.seal(InboxToken("sarah", later))[:-2] + "AA",
        }
        answers = {
            name: await at.ask("GET", f"/inbox/sarah?token={token}", key=None, headers={"X-Request-Id": "r"})
            for name, token in sealed.items()
        }
        answers["none"] = await at.ask("GET", "/inbox/sarah", key=None, headers={"X-Request-Id": "r"})

        assert answers.pop("hers").status_code == 200
        assert {answer.status_code for answer in answers.values()} == {401}
        assert len({answer.content for answer in answers.values()}) == 1
        by_header = await at.ask("GET", "/inbox/sarah", None, headers={"Authorization": f"Bearer {sealed['hers']}"})
        assert by_header.status_code == 200
        assert (await at.ask("GET", "/inbox/sarah", "shop")).status_code == 403
        assert (await at.ask("GET", "/inbox/sarah?token=secret-of-care", None)).status_code == 401, "no key in a query"

    knock(do)


def test_a_server_gets_a_token_for_its_app(knock: Knock) -> None:
    async def do(at: At) -> None:
        asked = await at.ask("POST", "/people/sarah/inbox-token", "app", json={"days": 2})
        told = asked.json()
        assert (await at.ask("GET", f"/inbox/sarah?token={told['token']}", None)).status_code == 200
        seals = at.door.seals
        assert seals is not None
        token = seals.unseal(InboxToken, told["token"])
        assert abs(token.expires_ms - at.door.now_ms() - 2 * DAY_MS) < DAY_MS / 24

        whole = (await at.ask("POST", "/people/@anonymous%2F7f3a/inbox-token", "app")).json()
        assert seals.unseal(InboxToken, whole["token"]).person == "@anonymous/7f3a"
        assert (await at.ask("POST", "/people/sarah/inbox-token", "care", json={})).status_code == 403
        for body in ({"days": 0}, {"days": 31}, {"days": "2"}, {"day": 1}):
            refused = await at.ask("POST", "/people/sarah/inbox-token", "app", json=body)
            assert (refused.status_code, refused.json()["code"]) == (400, "invalid")

    knock(do)


def test_without_signing_keys_there_are_no_tokens(shop: Project) -> None:
    async def do() -> None:
        async with Service.open(shop, store="memory:", runtime="local") as service:
            door = door_of(service, ServeSettings())
            at = At(service, door, Application(door))
            await at.send()
            assert [entry["token"] for entry in await at.entries()] == [None]
            refused = await at.ask("POST", "/people/sarah/inbox-token")
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")

    asyncio.run(do())


def test_a_page_of_a_known_origin_may_read_it(knock: Knock) -> None:
    async def do(at: At) -> None:
        for origin, allowed in (("https://shop.example", "https://shop.example"), ("https://evil.example", None)):
            answer = await at.ask("GET", "/inbox/sarah", headers={"Origin": origin})
            assert answer.headers.get("access-control-allow-origin") == allowed

    knock(do)


def test_a_stream_tells_the_list_and_then_each_change(knock: Knock) -> None:
    async def do(at: At) -> None:
        await at.send()
        stream = at.stream()
        first = await stream.next()
        assert first is not None and first["event"] == "list" and len(first["data"]["entries"]) == 1
        assert await stream.status == 200
        assert await _marks(at) == ["delivered"]

        await at.send()
        message = await stream.next()
        assert message is not None and message["event"] == "message"
        await at.service.react_to(message["data"]["id"], "opened")
        await at.service.track("sarah", "Bought")
        seen, withdrawn = await stream.next(), await stream.next()
        assert seen is not None and withdrawn is not None
        assert (seen["event"], seen["data"]) == ("seen", {"id": message["data"]["id"]})
        assert withdrawn["event"] == "withdrawn"
        assert withdrawn["data"] == {"id": first["data"]["entries"][0]["id"], "reason": "event"}

    knock(do)


def test_whoever_was_cut_off_goes_on_where_she_was_or_starts_over(knock: Knock) -> None:
    async def do(at: At) -> None:
        stream = at.stream()
        first = await stream.next()
        assert first is not None and first["data"] == {"entries": []}
        await stream.close()
        await at.send()

        again = await at.stream(last_event_id=first["id"]).next()
        assert again is not None and again["event"] == "message"

        unknown = at.stream(last_event_id="0000-17")
        reset, listed = await unknown.next(), await unknown.next()
        assert reset is not None and listed is not None
        assert (reset["event"], listed["event"]) == ("reset", "list")
        assert [entry["id"] for entry in listed["data"]["entries"]] == [again["data"]["id"]]

    knock(do)


def test_whoever_is_erased_is_told_to_forget_everything_and_sees_nothing_more_of_it(knock: Knock) -> None:
    async def do(at: At) -> None:
        before = await at.stream().next()
        assert before is not None
        await at.send()
        stream = at.stream()
        first = await stream.next()
        assert first is not None and len(first["data"]["entries"]) == 1

        await at.service.erase("sarah")
        for told in (stream, at.stream(last_event_id=first["id"]), at.stream(last_event_id=before["id"])):
            reset, listed = await told.next(), await told.next()
            assert reset is not None and listed is not None
            assert (reset["event"], listed["event"], listed["data"]) == ("reset", "list", {"entries": []})

        await at.send()
        new = await stream.next()
        assert new is not None and new["event"] == "message", "she is somebody new"
        assert listed is not None
        again = await at.stream(last_event_id=listed["id"]).next()
        assert again is not None and (again["event"], again["data"]["id"]) == ("message", new["data"]["id"])

    knock(do)


def test_a_stream_of_a_token_is_open_to_its_holder(knock: Knock) -> None:
    async def do(at: At) -> None:
        token = (await at.ask("POST", "/people/sarah/inbox-token", "app")).json()["token"]
        first = await at.stream(f"token={token}", key=None).next()
        assert first is not None and first["event"] == "list"
        assert await at.stream("token=forged", key=None).status == 401

    knock(do)


def test_a_stream_beats_while_nothing_happens(knock: Knock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_streams, "BEAT_S", 0.01)

    async def do(at: At) -> None:
        stream = at.stream()
        assert await stream.next() is not None
        async with asyncio.timeout(20):
            assert await stream.pieces.get() == b": beat\n\n"

    knock(do)


def test_of_too_many_streams_of_a_person_the_oldest_goes(knock: Knock) -> None:
    async def do(at: At) -> None:
        streams = [at.stream() for _ in range(STREAMS_OF_PERSON_MAX)]
        for stream in streams:
            assert await stream.next() is not None
        newest = at.stream()
        assert await newest.next() is not None

        bye = await streams[0].next()
        assert bye is not None and (bye["event"], bye["retry"]) == ("bye", "60000")
        assert await streams[0].next() is None
        assert at.door.inbox_streams.open == STREAMS_OF_PERSON_MAX

    knock(do)


def test_there_are_so_many_streams_at_a_door(knock: Knock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_streams, "STREAMS_MAX", 1)

    async def do(at: At) -> None:
        stream = at.stream()
        assert await stream.next() is not None
        assert await at.stream().status == 429
        await stream.close()
        assert await at.stream().status == 200

    knock(do)


def test_a_door_that_closes_says_good_bye_and_when_to_come_again(knock: Knock) -> None:
    async def do(at: At) -> None:
        stream = at.stream()
        assert await stream.next() is not None
        for tell in at.door.at_stop:
            tell()

        bye = await stream.next()
        assert bye is not None and bye["event"] == "bye" and 1_000 <= int(bye["retry"]) < 5_000
        assert await stream.next() is None
        await stream.task
        assert at.door.inbox_streams.open == 0

    knock(do)


def test_a_client_that_goes_leaves_nothing_open(knock: Knock) -> None:
    async def do(at: At) -> None:
        stream = at.stream()
        assert await stream.next() is not None
        assert at.door.inbox_streams.open == 1
        await stream.close()
        assert at.door.inbox_streams.open == 0

    knock(do)
