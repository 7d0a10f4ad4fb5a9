"""Does a call arrive as it should, and does each answer and each failure mean what it should?"""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
import zlib
from typing import Any

import pytest
from aiohttp import web

from parcours.channel import Accepted, Ambiguous, Delivery, NotSent, Receipt, Refused
from parcours.core.effect import Outgoing
from parcours.dispatch.call_body import CallContent, CallRenderer, CallSettings
from parcours.dispatch.call_channel import HttpCaller
from parcours.dispatch.render import RenderFailed
from parcours.journey.model.document import ActionsDocument, ProjectDocument
from parcours.journey.project import Project
from parcours.testing.doubles import Drop, Hang, HttpReply, HttpServer

ANSWER_BYTES_MAX = 200


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


def delivery(url: str, key: str = "k1", timeout_s: float = 30.0, has_answer: bool = True) -> Delivery:
    content = CallContent(body=b'{"who":"sarah"}', timeout_s=timeout_s, has_answer=has_answer)
    return Delivery(key=key, channel="call", to=url, content=content, message="note")


def calls(*deliveries: Delivery) -> list[Receipt]:
    async def scenario() -> list[Receipt]:
        caller = HttpCaller(CallSettings(answer_bytes_max=ANSWER_BYTES_MAX))
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


def test_what_was_taken_in_and_then_broken_off_is_ambiguous() -> None:
    with Desk() as desk:
        desk.next(Drop())
        (receipt,) = calls(delivery(desk.url))
        assert len(desk.requests) == 1

    assert isinstance(receipt, Ambiguous)


def test_silence_after_the_request_is_ambiguous_once_the_action_s_time_is_over() -> None:
    with Desk() as desk:
        desk.next(Hang())
        assert calls(delivery(desk.url, timeout_s=1.0)) == [Ambiguous("k1", "no answer within 1 s")]
        assert len(desk.requests) == 1


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


ACTIONS = {"note": {"url": "https://crm.example/notes", "timeout": "1500ms", "answer": {"ticket": "string"}}}


def outgoing(action: str) -> Outgoing:
    body: dict[str, object] = {"who": "särah", "total": 80, "rate": 0.5}
    return Outgoing("k1", "u1", "j", 1, 1, "s", "call", action, "transactional", "https://crm.example", 0, body)


@pytest.fixture(scope="session")
def renderer() -> CallRenderer:
    actions = ActionsDocument.model_validate({"actions": ACTIONS})
    return CallRenderer(Project.of(ProjectDocument(project="shop"), actions=actions).program)


def test_a_call_s_body_is_the_same_bytes_each_time(renderer: CallRenderer) -> None:
    first, again = renderer.render(outgoing("note")), renderer.render(outgoing("note"))

    assert first == again
    assert json.loads(first.body) == {"who": "särah", "total": 80, "rate": 0.5}
    assert (first.timeout_s, first.has_answer) == (1.5, True)


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
