"""Texts that would give somebody away are put into whatever comes from outside, and looked for in what operators see.

Logs, metrics and troubles name nobody, whoever asks: neither what clients send, nor what providers answer, nor what an
exception says.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from tests.ingress.served import served
from tests.projects import write_documents

from parcours.ingress.application import Application, door_of
from parcours.ingress.logs import JsonLines
from parcours.ingress.settings import ServeSettings
from parcours.journey.model.document import ProjectDocument
from parcours.journey.project import Project
from parcours.service.service import Service
from parcours.testing.doubles import HttpServer, Reply, SmtpServer, TwilioServer

C = "canary4711"

WHERE = ("33.7491234", "-84.3884321")
"""Where everybody is."""

PEOPLE = 4
"""Three who can be reached, and one who cannot."""

KEYS = "\n".join(
    f"  - {{name: {name}, sha256: {sha256(name.encode()).hexdigest()}, scopes: [{scopes}]}}"
    for name, scopes in {"shop": "ingest", "chief": "operate, people, feedback", "eve": "operate:read"}.items()
)

DOCUMENTS: dict[str, object] = {
    "profile": {"traits": dict.fromkeys(("email", "phone", "name", "note"), "string")},
    "events": {
        "events": {
            "Seen": {"properties": {"name": "string", "many": "integer"}},
            "Text Received": {"properties": {"text": "string"}},
            "Moved": {
                "properties": {"lat": "number", "lon": "number"},
                "location": {"lat": "event.lat", "lon": "event.lon"},
            },
        }
    },
    "places": {"places": {"studio": {"circle": [33.749, -84.388, "120m"]}}},
    "messages/note": {
        "message": "note",
        "class": "transactional",
        "email": {
            "subject": "Hello {{ profile.name }}",
            "text": "{{ entry.name }}",
            "headers": {"X-Name": "{{ profile.note }}"},
        },
        "sms": {"text": "{{ profile.name }}"},
    },
    "journeys/note": {
        "journey": "note",
        "entry": {"event": "Seen"},
        "steps": [
            {"id": "mail", "send": "note", "channels": ["email"]},
            {"id": "ask", "call": "desk"},
            {
                "id": "answer",
                "wait_for": [
                    {"reaction": "answered", "of": "ask", "next": "keep"},
                    {"reaction": "failed", "of": "ask", "next": "text"},
                ],
                "timeout": "1h",
                "on_timeout": "text",
            },
            {"id": "keep", "update": {"note": "event.note"}},
            {"id": "text", "send": "note", "channels": ["sms"]},
        ],
    },
}

CHIEF = {"Authorization": "Bearer chief"}
EVE = {"Authorization": "Bearer eve"}
CLOUD = {"ce-specversion": "1.0", **dict.fromkeys(("ce-id", "ce-source", "ce-type", "ce-subject"), C)}
MAIL = {**CHIEF, "Content-Type": "message/rfc822"}

ODD: list[tuple[str, str, str, dict[str, str]]] = [
    ("POST", "/v1/track", f'{{"{C}', {}),
    ("POST", f"/v1/track?writeKey={C}", "{}", {"Authorization": f"Bearer {C}"}),
    ("POST", "/v1/ndjson", f"{C}\n", {}),
    ("POST", "/events", "{}", CLOUD),
    ("GET", f"/{C}", "", {}),
    ("GET", f"/inbox/{C}", "", CHIEF),
    ("GET", f"/o/{C}", "", {}),
    ("GET", f"/p/{C}", "", {}),
    ("GET", f"/c/{C}", "", {}),
    ("POST", f"/u/{C}", C, {}),
    ("POST", "/webhooks/sms/inbound", f"From={C}&Body={C}", {"X-Twilio-Signature": C}),
    ("POST", f"/webhooks/sms/{C}", f"MessageStatus={C}", {}),
    ("POST", f"/webhooks/{C}", C, {}),
    ("POST", "/webhooks/email", f"Subject: {C}", MAIL),
    ("POST", "/publish", json.dumps({"files": {f"{C}.yaml": C}}), CHIEF),
    ("POST", f"/journeys/{C}/pause", "", CHIEF),
    ("POST", f"/dead/{C}/resend", "", CHIEF),
    ("POST", "/store/backup", json.dumps({"name": f"../{C}"}), CHIEF),
]
"""Requests that come to nothing."""

SHOWN = (
    "/metrics", "/troubles", "/dead", "/ready", "/journeys", "/journeys/note", "/report", "/deliveries",
    *(f"/report?kind={kind}" for kind in ("journey", "channel", "message")),
)  # fmt: skip
"""What somebody sees who may look at the engine, and not at people."""


class Desk(HttpServer):
    """Somebody's API, which says more than it should."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def handle(self, request: web.BaseRequest) -> web.Response:
        await request.read()
        self.asked += 1
        if self.asked == 1:
            return web.json_response({"note": C, C: C}, headers={"X-A": C})
        if self.asked == 2:
            return web.Response(text=f"<{C}>")
        return web.json_response({C: C}, status=400, reason=C)


@contextmanager
def providers() -> Iterator[tuple[SmtpServer, TwilioServer, Desk]]:
    """Providers that quote what they were sent in what they answer."""
    with SmtpServer() as mail, TwilioServer() as texts, Desk() as desk:
        mail.next("mail", Reply(f"451 4.7.1 {C} comes too often"))
        mail.next("rcpt", Reply(f"550 5.1.1 <{C}@mail.example> is unknown"))
        mail.next("body", Reply(f"554 5.7.1 {C} is spam"))
        yield mail, texts, desk


def write_project(folder: Path, mail: SmtpServer, texts: TwilioServer, desk: Desk) -> Path:
    sms = {"account": texts.account, "token": texts.token, "sender": "+33600000000", "base_url": texts.url}
    email = {"host": mail.host, "port": mail.port, "tls": "none", "sender": "shop@luma.example"}
    channels = {"email": email, "sms": sms, "call": {"allowed_networks": ["127.0.0.0/8"]}}
    head = {"project": "shop", "policies": {"consent": {"default": "opt_out"}}, "channels": channels}
    action = {"url": f"{desk.url}/notes", "body": {"who": "profile.name"}, "answer": {"note": "string"}}
    write_documents(folder, {"parcours": head, "actions": {"actions": {"desk": action}}, **DOCUMENTS})
    return folder


def traits_of(number: int) -> dict[str, object]:
    if number == PEOPLE - 1:
        return {"email": f"{C} is none", "phone": C, "name": C, "note": f"{C}\r\n", C: C}
    return {"email": f"{C}@mail.example", "phone": f"+3361234567{number}", "name": C, "note": C, "timezone": C, C: C}


def call(kind: str, number: int, **more: object) -> dict[str, object]:
    """A call with a canary in each of its fields."""
    sender = {"userId": f"{C}-{number}", "anonymousId": f"{C}-a-{number}", "messageId": f"{C}-{kind}-{number}"}
    context = {"ip": C, "userAgent": C, "page": {"url": C}, "traits": {C: C}, "externalIds": [{"id": C, "type": C}]}
    return {"type": kind, **sender, "context": context, "integrations": {C: True}, C: C, **more}


def speak(address: str) -> None:
    """Say everything that somebody may, sound and not."""
    told = {"User-Agent": C, "Referer": f"https://{C}.example", "X-Request-Id": f"<{C}>"}
    with httpx.Client(base_url=address, headers={"Authorization": "Bearer shop", **told}, timeout=60) as http:
        for number in range(PEOPLE):
            calls = [
                call("identify", number, traits=traits_of(number)),
                call("track", number, event="Seen", properties={"name": C, C: C}),
                call("track", number, event=C, messageId=f"{C}-u-{number}"),
                call("track", number, event="Seen", properties={"many": C}, messageId=f"{C}-w-{number}"),
                call("track", number, event="Moved", properties=where(), messageId=f"{C}-m-{number}"),
                call("track", number, event="Moved", properties={**where(), "lat": C}, messageId=f"{C}-n-{number}"),
                call("reaction", number, reaction=C, journey=C, step=C),
                call("consent", number, channel=C, granted=C),
                call("consent", number, channel=C, purpose=C, granted=True, messageId=f"{C}-c-{number}"),
                call("suppression", number, channel=C, address=C, suppressed=True),
                call(C, number),
                {**call("track", number), "timestamp": C},
            ]
            assert http.post("/v1/batch", json={"batch": calls, "context": {C: C}}).status_code == 200
        for method, path, content, headers in ODD:
            assert http.request(method, path, content=content, headers=headers).status_code != 500, path


def where() -> dict[str, float]:
    return dict(zip(("lat", "lon"), map(float, WHERE), strict=True))


def have_left(figures: str) -> bool:
    """Whether everybody has come to her last step, and nothing waits to be sent."""
    lines = figures.splitlines()
    ended = [line for line in lines if line.startswith("parcours_runs_ended_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in ended) == PEOPLE


def test_no_canary_is_seen_by_operators(tmp_path: Path) -> None:
    config = tmp_path / "serve.yaml"
    config.write_text(f"notice_s: 0\nlog_level: debug\nsigning_keys: ['env:SIGNING']\nkeys:\n{KEYS}\n")
    with providers() as (mail, texts, desk):
        project = write_project(tmp_path / "shop", mail, texts, desk)
        arguments = f"sqlite:///{tmp_path}/store", "--config", str(config)
        with served(project, *arguments, folder=tmp_path, environ={"SIGNING": "s" * 40}) as door:
            speak(door.address)
            while not have_left(httpx.get(f"{door.address}/metrics", headers=EVE).text):
                pass
            seen = {path: httpx.get(f"{door.address}{path}", headers=EVE) for path in SHOWN}
            assert door.stop() == 0
            log = door.log.read_text()
        assert mail.faults_to_come() == 0 and desk.asked >= 3 and texts.messages, "all of it was said"

    assert len([json.loads(line) for line in log.splitlines()]) > len(ODD)
    assert all(canary not in log for canary in (C, *WHERE))
    for path, answer in seen.items():
        assert answer.status_code == 200, path
        assert all(canary not in answer.text for canary in (C, *WHERE)), path


def test_what_an_exception_says_is_in_no_log_and_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())

    async def fail(*_given: object, **_options: object) -> None:
        try:
            raise KeyError(C)
        except KeyError as error:
            raise ZeroDivisionError(f"{C}@mail.example") from error

    async def scenario() -> list[httpx.Response]:
        project = Project.of(ProjectDocument(project="shop"))
        async with Service.open(project, "memory:", runtime="local") as service:
            for name in ("take_lines", "report", "fetch_inbox", "troubles", "dead_letters"):
                monkeypatch.setattr(service, name, fail)
            transport = httpx.ASGITransport(Application(door_of(service, ServeSettings())))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
                return [
                    await http.post("/v1/track", json=call("track", 1)),
                    *[await http.get(path) for path in ("/journeys", f"/inbox/{C}", "/troubles", "/dead", "/report")],
                ]

    root = logging.getLogger()
    root.addHandler(handler)
    try:
        answers = asyncio.run(scenario())
    finally:
        root.removeHandler(handler)

    assert {answer.status_code for answer in answers} == {500}
    assert all(C not in answer.text for answer in answers)
    log = written.getvalue()
    assert log.count("ZeroDivisionError") == len(answers)
    assert C not in log
