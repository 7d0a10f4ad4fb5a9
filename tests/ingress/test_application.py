"""The application around the handlers: keys, origins, bounds, errors and headers, over a table of its own."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable
from hashlib import sha256

import httpx
import pytest

from parcours.ingress.application import Application
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request, Route, json_answer
from parcours.ingress.keys import Key, Keyring
from parcours.ingress.settings import ServeSettings
from parcours.service.service import Service


async def tell(_door: Door, request: Request) -> Answer:
    key = None if request.key is None else request.key.name
    told = {"params": dict(request.params), "query": dict(request.query), "key": key}
    return json_answer({**told, "body": request.body.decode()})


async def fail(_door: Door, _request: Request) -> Answer:
    raise ZeroDivisionError("who@where.example")


async def refuse(_door: Door, _request: Request) -> Answer:
    raise Problem(409, "ledger", "it is not the newest")


async def stream(_door: Door, _request: Request) -> Answer:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    return Answer(stream=pieces(), media_type="text/event-stream")


TABLE = (
    Route(method="GET", path="/people/{id}", handler=tell, scope="people:read", summary="A person."),
    Route(method="DELETE", path="/people/{id}", handler=tell, scope="people", summary="No person."),
    Route(method="POST", path="/v1/track", handler=tell, scope="ingest", by_browsers=True, summary="An event."),
    Route(method="GET", path="/o/{token}", handler=tell, summary="A picture."),
    Route(method="GET", path="/named/{name}", handler=tell, summary="Something with a name."),
    Route(method="GET", path="/fail", handler=fail, summary="A fault."),
    Route(method="GET", path="/refuse", handler=refuse, summary="A refusal."),
    Route(method="GET", path="/stream", handler=stream, summary="Pieces."),
    Route(method="POST", path="/short", handler=tell, body_bytes_max=10, summary="A short body."),
)


def key(name: str, *scopes: str, public: bool = False, origins: Iterable[str] = (), expires: int | None = None) -> Key:
    digest = sha256(f"secret-of-{name}".encode()).hexdigest()
    return Key(
        name=name,
        sha256=digest,
        scopes=frozenset(scopes),
        public=public,
        origins=frozenset(origins),
        expires_ms=expires,
    )


KEYS = (
    key("shop", "ingest"),
    key("care", "people:read"),
    key("chief", "people"),
    key("page", "ingest", public=True, origins=["https://shop.example"]),
    key("old", "people", expires=1_000),
)


def application(keys: Iterable[Key] = KEYS, **settings: object) -> Application:
    given = ServeSettings.model_validate(settings)
    service: Service = None  # type: ignore[assignment]  # no handler of this table asks it
    return Application(Door(service=service, settings=given, keys=Keyring(keys), now_ms=lambda: 2_000), routes=TABLE)


def ask(
    method: str,
    path: str,
    *,
    at: Application | None = None,
    headers: dict[str, str] | None = None,
    content: bytes | AsyncIterator[bytes] = b"",
) -> httpx.Response:
    async def asking() -> httpx.Response:
        transport = httpx.ASGITransport(at or application())
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, headers=headers, content=content)

    return asyncio.run(asking())


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer secret-of-{name}"}


def basic(name: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"secret-of-{name}:".encode()).decode()}


def test_a_name_with_a_slash_in_it_is_one_part_of_the_path() -> None:
    answer = ask("GET", "/people/@anonymous%2F7f3a/", headers=bearer("care"))

    assert answer.json()["params"] == {"id": "@anonymous/7f3a"}


@pytest.mark.parametrize(
    "headers, status",
    [
        ({}, 401),
        (bearer("nobody"), 401),
        ({"Authorization": "Basic !!"}, 401),
        ({"Authorization": "Bearer"}, 401),
        (bearer("old"), 401),  # it has expired
        (bearer("shop"), 403),  # it opens something else
        (bearer("care"), 200),
        (basic("care"), 200),
        (bearer("chief"), 200),  # who may change may look
    ],
)
def test_who_may_look_at_a_person(headers: dict[str, str], status: int) -> None:
    assert ask("GET", "/people/u1", headers=headers).status_code == status


def test_who_may_look_may_not_change() -> None:
    assert ask("DELETE", "/people/u1", headers=bearer("care")).status_code == 403
    assert ask("DELETE", "/people/u1", headers=bearer("chief")).status_code == 200


def test_unknown_and_expired_and_missing_keys_are_answered_by_the_same_words() -> None:
    answers = [
        ask("GET", "/people/u1", headers={**each, "X-Request-Id": "r"}) for each in ({}, bearer("no"), bearer("old"))
    ]

    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize(
    "origin, status, allowed",
    [
        ("https://shop.example", 200, "https://shop.example"),
        ("https://evil.example", 403, None),
        ("null", 403, None),
        (None, 200, None),  # an app is no page
    ],
)
def test_a_public_key_is_for_the_pages_of_its_origins(origin: str | None, status: int, allowed: str | None) -> None:
    headers = bearer("page") if origin is None else {**bearer("page"), "Origin": origin}

    answer = ask("POST", "/v1/track", headers=headers)

    assert answer.status_code == status
    assert answer.headers.get("access-control-allow-origin") == allowed


def test_a_browser_that_asks_beforehand_hears_the_headers_that_it_asked_for() -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Headers": "X-Retry-Count, content-type, b@d"}

    answer = ask("OPTIONS", "/v1/track", headers=asked)

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-headers"] == "x-retry-count, content-type"
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-credentials" not in answer.headers
    assert "access-control-allow-origin" not in ask("OPTIONS", "/people/u1", headers=asked).headers


@pytest.mark.parametrize("named", [{"Host": "shop.example"}, {"Origin": "https://shop.example"}])
def test_a_door_without_keys_is_for_this_machine_only(named: dict[str, str]) -> None:
    open_door = application(keys=())

    assert ask("GET", "/people/u1", at=open_door).json()["key"] == "anybody"
    answer = ask("GET", "/people/u1", at=open_door, headers=named)

    assert (answer.status_code, answer.json()["code"]) == (403, "origin")


def test_a_door_that_has_had_keys_stays_shut_without_any() -> None:
    at = application()

    at.door.keys.renew(())

    for headers in (bearer("care"), {}):
        assert ask("GET", "/people/u1", at=at, headers=headers).status_code == 401


def test_of_several_headers_of_one_name_none_is_passed_over() -> None:
    async def asking(*more: tuple[str, str]) -> int:
        transport = httpx.ASGITransport(application())
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return (await client.post("/v1/track", headers=list(more))).status_code

    def status(*more: tuple[str, str]) -> int:
        return asyncio.run(asking(*more))

    sound, forged = ("Authorization", "Bearer secret-of-shop"), ("Authorization", "Bearer secret-of-nobody")
    page, here = ("Authorization", "Bearer secret-of-page"), ("Origin", "https://shop.example")
    assert status(sound) == 200
    assert status(sound, forged) == status(forged, sound) == 401
    assert status(page, here) == 200
    assert status(page, ("Origin", "https://evil.example"), here) == 403


@pytest.mark.parametrize(
    "method, path, status, code",
    [
        ("GET", "/nothing", 404, "unknown"),
        ("PUT", "/people/u1", 405, "method"),
        ("GET", "/fail", 500, "fault"),
        ("GET", "/refuse", 409, "ledger"),
        ("POST", "/short", 413, "too_large"),
        ("GET", "/named/%FF", 400, "invalid"),
    ],
)
def test_a_problem_has_a_code_a_message_and_the_request_s_id(method: str, path: str, status: int, code: str) -> None:
    answer = ask(method, path, headers={"X-Request-Id": "mine-1"}, content=b"12345678901")

    told = answer.json()
    assert (answer.status_code, told["code"], told["request_id"]) == (status, code, "mine-1")
    assert answer.headers["x-request-id"] == "mine-1"
    assert "who@where.example" not in answer.text


def test_an_address_says_what_it_takes() -> None:
    assert ask("PUT", "/people/u1").headers["allow"] == "GET, DELETE, OPTIONS"


def test_a_request_s_id_that_is_no_id_is_replaced() -> None:
    assert "<" not in ask("GET", "/refuse", headers={"X-Request-Id": "<script>"}).headers["x-request-id"]


def test_every_answer_has_the_headers_that_keep_browsers_from_harm() -> None:
    for path in ("/refuse", "/nothing", "/fail", "/o/t"):
        headers = ask("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"] == "default-src 'none'"


def test_a_body_without_a_length_is_bounded_as_well() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"12345"

    assert ask("POST", "/short", content=pieces()).status_code == 413


def test_bodies_under_way_are_bounded_together_and_room_comes_back() -> None:
    at = application(body_bytes_max=8)

    assert ask("POST", "/short", at=at, content=b"123456789").status_code == 429
    assert [ask("POST", "/short", at=at, content=b"12345678").status_code for _ in range(3)] == [200, 200, 200]


def test_a_body_that_does_not_come_is_given_up() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"1"
        await asyncio.Event().wait()

    answer = ask("POST", "/short", at=application(read_timeout_s=0.01), content=pieces())

    assert (answer.status_code, answer.json()["code"]) == (408, "slow")


@pytest.mark.parametrize("state", ["starting", "stopping"])
def test_while_it_starts_and_stops_clients_come_again(state: str) -> None:
    at = application()
    at.door.state = state  # type: ignore[assignment]  # one of its states

    answer = ask("POST", "/v1/track", at=at, headers=bearer("shop"))

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def test_a_stream_comes_piece_by_piece() -> None:
    assert ask("GET", "/stream").text == "one two"


def test_a_head_request_has_the_headers_alone() -> None:
    answer = ask("HEAD", "/o/t")

    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0
