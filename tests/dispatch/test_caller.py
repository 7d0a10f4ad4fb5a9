"""Does a call arrive as it should, and does each answer and each failure mean what it should?"""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
import zlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from parcours.channel import Accepted, Ambiguous, Delivery, NotSent, Receipt, Refused
from parcours.core.effect import Outgoing
from parcours.dispatch.call_body import CallContent, CallRenderer, CallSettings
from parcours.dispatch.call_channel import HttpCaller
from parcours.dispatch.render import RenderFailed
from parcours.journey.model.document import ActionsDocument, ProfileDocument, ProjectDocument
from parcours.journey.project import Project
from parcours.testing.doubles import Drop, Hang, HttpReply, HttpServer

ANSWER_BYTES_MAX = 200
LOOPBACK = ("127.0.0.0/8", "::1/128")


class Desk(HttpServer):
    """Somebody's API. Keeps path, headers and body of each request, and answers with `text`."""

    def __init__(self, text: bytes = b'{"ticket": "t1"}') -> None:
        super().__init__()
        self.text = text
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []

    async def handle(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        return await self.respond(request, lambda: self._take(request, body))

    def _take(self, request: web.BaseRequest, body: bytes) -> web.Response:
        self.requests.append((request.method, request.path_qs, dict(request.headers), body))
        return web.Response(body=self.text)


def delivery(url: str, timeout_s: float = 30.0, has_answer: bool = True, **asked: Any) -> Delivery:
    content = {"method": "POST", "headers": {}, "body": b'{"who":"sarah"}', **asked}
    ready = CallContent(timeout_s=timeout_s, has_answer=has_answer, **content)
    return Delivery(key="k1", channel="call", to=url, content=ready, message="note")


def calls(
    *deliveries: Delivery, allowed: Sequence[str] = LOOPBACK, secrets: Mapping[str, str] = MappingProxyType({})
) -> list[Receipt]:
    async def scenario() -> list[Receipt]:
        given = {"answer_bytes_max": ANSWER_BYTES_MAX, "allowed_networks": allowed, "secrets": dict(secrets)}
        caller = HttpCaller(CallSettings.model_validate(given))
        await caller.start()
        try:
            return await caller.send(deliveries)
        finally:
            await caller.stop()

    return asyncio.run(scenario())


def test_a_call_is_one_post_of_json_with_the_key_of_its_delivery() -> None:
    with Desk() as desk:
        assert calls(delivery(f"{desk.url}/notes?v=2")) == [Accepted("k1", answer={"ticket": "t1"})]

        ((method, path, headers, body),) = desk.requests

    assert (method, path, body) == ("POST", "/notes?v=2", b'{"who":"sarah"}')
    assert headers["Idempotency-Key"] == "k1"
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("body", [None, b'{"n":1}'])
def test_a_call_has_the_method_and_the_body_that_it_was_given(method: str, body: bytes | None) -> None:
    with Desk() as desk:
        assert calls(delivery(desk.url, method=method, body=body)) == [Accepted("k1", answer={"ticket": "t1"})]

        ((arrived, _, headers, taken),) = desk.requests

    assert (arrived, taken) == (method, body or b"")
    assert headers.get("Content-Type") == (None if body is None else "application/json")
    assert headers["Idempotency-Key"] == "k1"


def test_headers_go_along_and_references_among_them_are_replaced() -> None:
    given = {"Authorization": "env:TOKEN", "x-shop": "luma", "accept": "text/csv", "content-type": "application/x"}
    with Desk() as desk:
        assert calls(delivery(desk.url, headers=given), secrets={"env:TOKEN": "Bearer s3cret"}) == [
            Accepted("k1", answer={"ticket": "t1"})
        ]

        ((_, _, headers, _),) = desk.requests

    shown = {name.lower(): value for name, value in headers.items()}
    assert len(shown) == len(headers), "each of them once"
    assert shown["authorization"] == "Bearer s3cret"
    assert shown["x-shop"] == "luma"
    assert (shown["accept"], shown["content-type"]) == ("text/csv", "application/x")


def test_a_call_with_a_reference_that_nobody_knows_waits_and_is_not_made() -> None:
    with Desk() as desk:
        (receipt,) = calls(delivery(desk.url, headers={"X-Shop": "luma", "Authorization": "env:TOKEN"}))
        assert desk.requests == []

    reason = "the engine was opened without what the header Authorization refers to: open it anew"
    assert receipt == NotSent("k1", reason)


def test_what_references_stand_for_does_not_show() -> None:
    settings = CallSettings(answer_bytes_max=1, secrets={"env:TOKEN": SecretStr("s3cret")})

    assert "s3cret" not in f"{settings!r} {settings} {settings.model_dump()}"


FORBIDDEN = "the host has no public address, and its network is not in channels.call.allowed_networks of parcours.yaml"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("allowed", [(), ("10.0.0.0/8",)])
def test_a_private_address_that_is_not_listed_is_not_called(host: str, allowed: Sequence[str]) -> None:
    with Desk() as desk:
        receipts = calls(delivery(f"http://{host}:{desk.port}/"), allowed=allowed)
        assert desk.requests == []

    assert receipts == [Refused("k1", FORBIDDEN, code="address")]


STATUSES = [
    (200, Accepted("k1", answer={"n": 1})),
    (201, Accepted("k1", answer={"n": 1})),
    (302, Refused("k1", "the other side answered 302", code="302")),
    (400, Refused("k1", "the other side answered 400", code="400")),
    (404, Refused("k1", "the other side answered 404", code="404")),
    (410, Refused("k1", "the other side answered 410", code="410")),
    (408, NotSent("k1", "the other side answered 408", code="408")),
    (425, NotSent("k1", "the other side answered 425", code="425")),
    (429, NotSent("k1", "the other side answered 429", code="429")),
    (503, NotSent("k1", "the other side answered 503", code="503")),
    (500, Ambiguous("k1", "the other side answered 500", "500")),
    (502, Ambiguous("k1", "the other side answered 502", "502")),
    (504, Ambiguous("k1", "the other side answered 504", "504")),
]


@pytest.mark.parametrize("status, receipt", STATUSES)
def test_each_status_has_its_receipt(status: int, receipt: Receipt) -> None:
    with Desk() as desk:
        desk.next(HttpReply(status, {"n": 1}))
        assert calls(delivery(desk.url)) == [receipt]


@pytest.mark.parametrize(
    "headers, pause_s",
    [
        ({"Retry-After": "12"}, 12.0),
        ({"Retry-After": "Mon, 02 Mar 2026 09:01:30 GMT", "Date": "Mon, 02 Mar 2026 09:00:00 GMT"}, 90.0),
        ({"Retry-After": "Mon, 02 Mar 2026 08:00:00 GMT", "Date": "Mon, 02 Mar 2026 09:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_the_other_side_can_ask_for_a_pause(headers: dict[str, str], pause_s: float | None) -> None:
    with Desk() as desk:
        desk.next(HttpReply(429, headers=headers))
        assert calls(delivery(desk.url)) == [NotSent("k1", "the other side answered 429", pause_s, "429")]


def test_a_redirect_is_not_followed() -> None:
    with Desk() as desk:
        desk.next(HttpReply(307, headers={"Location": f"{desk.url}/elsewhere"}))
        (receipt,) = calls(delivery(desk.url))
        assert desk.requests == []

    assert receipt == Refused("k1", "the other side answered 307", code="307")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_what_was_taken_in_and_then_broken_off_is_ambiguous_and_not_made_again(method: str) -> None:
    with Desk() as desk:
        desk.next(Drop())
        (receipt,) = calls(delivery(desk.url, method=method))
        assert len(desk.requests) == 1

    assert isinstance(receipt, Ambiguous)


def test_silence_after_the_request_is_ambiguous_once_the_action_s_time_is_over() -> None:
    with Desk() as desk:
        desk.next(Hang())
        assert calls(delivery(desk.url, timeout_s=1.0)) == [Ambiguous("k1", "no answer within 1 s")]
        assert len(desk.requests) == 1


class Muttering(Desk):
    """Answers with what is no HTTP."""

    def _take(self, request: web.BaseRequest, body: bytes) -> web.Response:
        assert request.transport is not None
        request.transport.write(b"HTTP/9 what? ever\r\n\r\n")
        request.transport.close()
        return super()._take(request, body)


def test_a_reason_does_not_repeat_the_query() -> None:
    with Muttering() as desk:
        (answered,) = calls(delivery(f"{desk.url}/?email=sarah"))
    (unusable,) = calls(delivery("http://2130706433/?email=sarah"))

    assert isinstance(answered, Ambiguous)
    assert "sarah" not in answered.reason
    assert unusable == Refused("k1", "not a web address: http://2130706433/", code="url")


def test_a_refused_connection_is_certainly_no_call() -> None:
    with Desk() as desk:
        desk.cut_off()
        (receipt,) = calls(delivery(desk.url))

    assert isinstance(receipt, NotSent)
    assert "Connect" in receipt.reason


ANSWERS: list[tuple[bytes, dict[str, Any], str | None]] = [
    (b'{"a": 1.5, "b": [null, {"c": "d"}]}', {"a": 1.5, "b": [None, {"c": "d"}]}, None),
    (b"", {}, "the answer is not JSON"),
    (b"<html>", {}, "the answer is not JSON"),
    (b'{"a": "\xff"}', {}, "the answer is not JSON"),
    (b"[1]", {}, "the answer is not an object"),
    (b"null", {}, "the answer is not an object"),
    (b'{"a": 36893488147419103232}', {}, "the answer is not taken, with a whole number of more than 64 bits"),
    (b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}", {}, "the answer is not taken, with nested more than 64 levels deep"),
    (b"[" * 200, {}, "the answer is not JSON"),
    (b'"' + b"x" * 198 + b'"', {}, "the answer is not an object"),
    (b'"' + b"x" * 199 + b'"', {}, "the answer is longer than answer_bytes_max=200"),
    (b"x" * 5_000_000, {}, "the answer is longer than answer_bytes_max=200"),
]


@pytest.mark.parametrize("text, answer, reason", ANSWERS, ids=[str(text[:20]) for text, _, _ in ANSWERS])
def test_a_call_has_been_answered_whatever_the_answer_holds(
    text: bytes, answer: dict[str, Any], reason: str | None
) -> None:
    with Desk(text) as desk:
        assert calls(delivery(desk.url)) == [Accepted("k1", answer=answer, reason=reason)]


class PackingDesk(Desk):
    """Says that its answers are packed, in whichever way."""

    def __init__(self, encoding: str, text: bytes) -> None:
        super().__init__(text)
        self._encoding = encoding

    def _take(self, request: web.BaseRequest, body: bytes) -> web.Response:
        super()._take(request, body)
        return web.Response(body=self.text, headers={"Content-Encoding": self._encoding})


UNASKED = "which was not asked for"
ZIPPED = gzip.compress(b'{"n": 1}', mtime=0)  # without the hour, so that every process names these tests alike
PACKED: list[tuple[str, bytes, dict[str, Any], str | None]] = [
    ("gzip", ZIPPED, {"n": 1}, None),
    ("GZIP", ZIPPED, {"n": 1}, None),
    ("deflate", zlib.compress(b'{"n": 1}'), {"n": 1}, None),
    ("identity", b'{"n": 1}', {"n": 1}, None),
    ("gzip", b"not packed at all", {}, "the answer is packed as 'gzip' and cannot be unpacked"),
    ("gzip", ZIPPED[:-12], {}, "the answer is not JSON"),
    ("gzip", gzip.compress(b" " * 10_000, mtime=0), {}, "the answer is longer than answer_bytes_max=200"),
    ("br", b"whatever", {}, f"the answer is packed as 'br', {UNASKED}"),
    ("rot13", b'{"n": 1}', {}, f"the answer is packed as 'rot13', {UNASKED}"),
]


@pytest.mark.parametrize("encoding, text, answer, reason", PACKED)
def test_a_call_has_been_answered_however_its_answer_is_packed(
    encoding: str, text: bytes, answer: dict[str, Any], reason: str | None
) -> None:
    with PackingDesk(encoding, text) as desk:
        assert calls(delivery(desk.url)) == [Accepted("k1", answer=answer, reason=reason)]
        assert len(desk.requests) == 1


def test_an_answer_of_which_nothing_is_declared_is_not_looked_at() -> None:
    with Desk(b"<html>") as desk:
        assert calls(delivery(desk.url, has_answer=False)) == [Accepted("k1", answer={})]


ACTIONS = {
    "note": {"url": "https://crm.example/notes", "timeout": "1500ms", "answer": {"ticket": "string"}},
    "look": {"url": "https://crm.example", "method": "GET", "headers": {"Authorization": "env:TOKEN", "X-Shop": "l"}},
    "drop": {"url": "https://crm.example", "method": "DELETE"},
    "find": {"url": "https://crm.example", "method": "GET", "body": {"who": "profile.id"}},
}


def outgoing(action: str, **body: object) -> Outgoing:
    return Outgoing("k1", "u1", "j", 1, 1, "s", "call", action, "transactional", "https://crm.example", 0, body)


@pytest.fixture(scope="session")
def renderer() -> CallRenderer:
    actions = ActionsDocument.model_validate({"actions": ACTIONS})
    profile = ProfileDocument(traits={"id": "string"})
    return CallRenderer(Project.of(ProjectDocument(project="shop"), profile, actions=actions).program)


def test_a_call_s_body_is_the_same_bytes_each_time(renderer: CallRenderer) -> None:
    said: dict[str, object] = {"who": "särah", "total": 80, "rate": 0.5}
    first, again = renderer.render(outgoing("note", **said)), renderer.render(outgoing("note", **said))

    assert first == again
    assert json.loads(first.body or b"") == said
    assert (first.method, first.timeout_s, first.has_answer) == ("POST", 1.5, True)


def test_a_call_is_made_ready_without_its_secrets(renderer: CallRenderer) -> None:
    look = renderer.render(outgoing("look"))

    assert (look.method, look.headers) == ("GET", {"Authorization": "env:TOKEN", "X-Shop": "l"})


@pytest.mark.parametrize("action, body", [("note", b"{}"), ("look", None), ("drop", None), ("find", b"{}")])
def test_get_and_delete_have_a_body_only_if_one_is_given(
    renderer: CallRenderer, action: str, body: bytes | None
) -> None:
    assert renderer.render(outgoing(action)).body == body


def test_a_call_of_an_action_that_is_gone_cannot_be_made(renderer: CallRenderer) -> None:
    with pytest.raises(RenderFailed, match="the project has no action 'gone' any more"):
        renderer.render(outgoing("gone"))


WITHOUT_LIBRARY = """
import sys
sys.modules["aiohttp"] = None
from parcours.dispatch.factory import new_dispatcher
from parcours.dispatch.registry import Registry
from parcours.errors import ExtraMissing
from parcours.journey.model.document import ProjectDocument
from parcours.journey.project import Project
from parcours.routing.plan import Plan
plan = Plan(Project.of(ProjectDocument(project="shop")), 1, "memory:", {"call": {}})
try:
    new_dispatcher("call", "call", plan, plan.project.program, Registry([]))
except ExtraMissing as error:
    print(error)
"""


def test_without_the_library_the_extra_is_named_in_a_line() -> None:
    told = subprocess.run([sys.executable, "-c", WITHOUT_LIBRARY], capture_output=True, text=True, check=True)

    assert told.stdout == ("an outbound call (library aiohttp) needs the extra [call]: pip install 'parcours[call]'\n")
