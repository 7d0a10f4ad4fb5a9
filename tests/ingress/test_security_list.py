"""What somebody may try who means ill, line by line, and the answer that he gets.

Other lines stand where their parts are tested: requests that are no HTTP in test_http_layer.py, tokens and links in
test_tokens.py and test_links.py, providers' reports in test_feedback.py, uploads in test_operate.py, private networks
in tests/channels/test_guard.py and tests/dispatch/test_caller.py.
"""

from __future__ import annotations

import asyncio
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from parcours.ingress.application import Application, door_of
from parcours.ingress.bodies import unpacked
from parcours.ingress.exchange import SECURITY_HEADERS, Problem
from parcours.ingress.routes import ROUTES
from parcours.ingress.segment_http import UNPACKED_BYTES_MAX
from parcours.ingress.settings import ServeSettings
from parcours.ingress.snippet import HEADERS
from parcours.journey.project import Project
from parcours.service.service import Service
from parcours.testing.doubles import SmtpServer

MIB = 1024 * 1024

FLOOD = "{% for i in (1..999) %}" + "{{ entry.text }}" * 4 + "{% endfor %}"
"""A hundred megabytes, of what an event of 30 KB says."""

MESSAGES = {
    "note": "{subject: 'Hello {{ profile.name }}!', text: Hi}",
    "tagged": "{subject: Hello, text: Hi, headers: {X-Name: '{{ profile.name }}'}}",
    "loop": "{subject: Hello, text: '{% for i in (1..100000000) %}{{ i }}{% endfor %}'}",
    "flood": f"{{subject: Hello, text: '{FLOOD}'}}",
    "linked": "{subject: Hi, html: '<a href=\"{{ profile.name }}\">go</a>'}",
}
"""What mails hold, by the name of the message and of its journey; the event is called like it, with a capital."""

FILES = {
    "profile.yaml": "traits: {email: string, name: string}",
    "events.yaml": "events: {Note: {}, Tagged: {}, Loop: {}, Flood: {properties: {text: string}}, Linked: {}}",
    **{f"messages/{name}.yaml": f"message: {name}\nemail: {mail}\n" for name, mail in MESSAGES.items()},
    **{
        f"journeys/{name}.yaml": f"journey: {name}\nentry: {{event: {name.title()}}}\nsteps: [{{id: it, send: {name}}}]"
        for name in MESSAGES
    },
}

KEYS = [
    {"name": "shop", "sha256": sha256(b"wk_shop").hexdigest(), "scopes": ["ingest"]},
    {"name": "chief", "sha256": sha256(b"sk_chief").hexdigest(), "scopes": ["operate", "people", "feedback"]},
    {"name": "past", "sha256": sha256(b"wk_past").hexdigest(), "scopes": ["ingest"], "expires": "2020-01-01T00:00:00Z"},
    {
        "name": "page", "sha256": sha256(b"wk_page").hexdigest(), "scopes": ["ingest"], "public": True,
        "origins": ["https://shop.example"],
    },
]  # fmt: skip


class Scene:
    """A door with keys before an engine that sends mail, and whoever knocks at it."""

    def __init__(self, service: Service, client: httpx.AsyncClient, mailbox: SmtpServer) -> None:
        self.service = service
        self.client = client
        self.mailbox = mailbox

    async def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"authorization": "Bearer wk_shop"} | {name.replace("_", "-"): text for name, text in headers.items()}
        return await self.client.post(path, content=content, headers={k: v for k, v in told.items() if v})

    async def happen(self, event: str, name: str, properties: Mapping[str, object]) -> str:
        """It happens to somebody of this name; what became of her mail, and why."""
        traits = {"email": "sarah@mail.example", "name": name}
        for call in (
            {"type": "identify", "userId": "sarah", "traits": traits},
            {"type": "track", "event": event, "userId": "sarah", "properties": properties},
        ):
            assert (await self.post("/v1/track", call)).json()["accepted"] == 1
        await self.service.drain(60)
        told = await self.service.explain("sarah")
        (last,) = [
            delivery.states[-1]
            for story in told.journeys
            for run in story.runs
            for delivery in run.deliveries
        ]  # fmt: skip
        return f"{last.outcome}: {last.reason}"


@asynccontextmanager
async def opened(folder: Path, **settings: object) -> AsyncIterator[Scene]:
    given = ServeSettings.model_validate({"keys": KEYS, "public_url": "https://door.example", **settings})
    with SmtpServer() as mailbox:
        email = f"{{host: 127.0.0.1, port: {mailbox.port}, sender: shop@luma.example, tls: none}}"
        head = f"project: shop\npolicies: {{consent: {{default: opt_out}}}}\nchannels: {{email: {email}}}\n"
        for name, text in {"parcours.yaml": head, **FILES}.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        async with Service.open(Project.load(folder), "memory:", shards=2, runtime="local") as service:
            transport = httpx.ASGITransport(Application(door_of(service, given)))
            async with httpx.AsyncClient(transport=transport, base_url="https://door.example") as client:
                yield Scene(service, client, mailbox)


def at_door(folder: Path, visit: Callable[[Scene], Awaitable[None]], **settings: object) -> None:
    async def running() -> None:
        async with opened(folder, **settings) as scene:
            await visit(scene)

    asyncio.run(running())


def gzip_bomb(unpacked_mib: int) -> bytes:
    """Gzip that unpacks to so many MiB of blanks, and is a thousandth of that."""
    packing = zlib.compressobj(wbits=31)
    head = packing.compress(b" " * MIB) + packing.flush(zlib.Z_FULL_FLUSH)
    piece = packing.compress(b" " * MIB) + packing.flush(zlib.Z_FULL_FLUSH)
    return head + piece * (unpacked_mib - 1)


def test_a_bomb_is_given_up_at_the_limit_and_takes_no_memory() -> None:
    bomb = gzip_bomb(1_024)
    assert len(bomb) < 1.2 * MIB
    tracemalloc.start()
    try:
        with pytest.raises(Problem) as refused:
            unpacked(bomb, "gzip", UNPACKED_BYTES_MAX)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (refused.value.status, refused.value.code) == (413, "too_large")
    assert peak < 8 * MIB


SEEN = {"type": "track", "event": "Note", "userId": "u1", "messageId": "m1"}


def beginning(value: object) -> str:
    """By how it begins, a case is known well enough."""
    return repr(value)[:40]


def with_properties(value: bytes) -> bytes:
    """A batch of a sound call and of one with this in it."""
    spoilt = b'{"type":"track","event":"Flood","userId":"u2","messageId":"m2","properties":{"text":%s}}' % value
    return b'{"batch":[%s,%s]}' % (json.dumps(SEEN).encode(), spoilt)


@pytest.mark.parametrize(
    "path, body, status",
    [
        ("/v1/batch", gzip_bomb(400), 413),
        ("/v1/track", gzip_bomb(60), 413),
        ("/v1/ndjson", gzip_bomb(1_024), 413),
        ("/events", gzip_bomb(400), 413),
        ("/v1/batch", with_properties(b"[" * 100_000 + b"]" * 100_000), 400),
        ("/v1/batch", with_properties(b'{"a":' * 60_000 + b"1" + b"}" * 60_000), 400),
        ("/v1/track", b"[" * 15_000, 400),
        ("/v1/track", b"[" * 100_000, 413),  # a single call is bounded before it is looked at
        ("/v1/batch", with_properties(b"NaN"), 400),  # no JSON
        ("/v1/batch", with_properties(b"-Infinity"), 400),
        ("/v1/batch", with_properties(b"9" * 10 * MIB), 413),
        ("/v1/track", b'{"userId":' + b"9" * 40_000 + b"}", 413),
        ("/v1/ndjson", b"9" * 10 * MIB, 413),
    ],
    ids=beginning,
)
def test_of_a_body_that_is_made_to_do_harm_nothing_is_taken(
    path: str, body: bytes, status: int, tmp_path: Path
) -> None:
    async def visit(scene: Scene) -> None:
        answer = await scene.post(path, body, ce_specversion="1.0" if path == "/events" else "")

        assert answer.status_code == status
        assert await scene.service.profile("u1") is None

    at_door(tmp_path, visit)


@pytest.mark.parametrize(
    "value, reason",
    [
        (b"1e999", "a number is out of range, as 1e999 is"),
        (b"-1E+0999", "a number is out of range, as 1e999 is"),
        (b"9" * 400, "properties with a whole number of more than 64 bits"),
        (b"9" * 400_000, "longer than event_bytes_max=32768"),  # in a batch the long event alone
    ],
    ids=beginning,
)
def test_a_number_that_nothing_can_hold_rejects_its_event_alone(value: bytes, reason: str, tmp_path: Path) -> None:
    async def visit(scene: Scene) -> None:
        answer = await scene.post("/v1/batch", with_properties(value))

        told = answer.json()
        assert (answer.status_code, told["accepted"]) == (200, 1)
        assert [(each["index"], each["reason"]) for each in told["rejected"]] == [(1, reason)]

    at_door(tmp_path, visit)


def test_line_breaks_in_ids_traits_and_addresses_are_data(tmp_path: Path) -> None:
    async def visit(scene: Scene) -> None:
        traits = {"name": "Sarah\r\nBcc: all@mail.example", "email": "sarah@mail.example\r\nBcc: all@mail.example"}
        who = "u1\r\nSet-Cookie: a=b"
        for call in ({"type": "identify", "traits": traits}, {"type": "track", "event": "Note"}):
            answer = await scene.post("/v1/track", {"userId": who, "messageId": f"m\r\n{call['type']}", **call})
            assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
            assert "set-cookie" not in answer.headers
        await scene.service.drain(60)

        profile = await scene.service.profile(who)
        assert profile is not None
        assert dict(profile.traits) == traits
        assert [delivery.state for run in profile.past for delivery in run.deliveries] == ["refused"]
        assert scene.mailbox.mailbox == [], "an address with a line break is none"

    at_door(tmp_path, visit)


@pytest.mark.parametrize(
    "name", ["Sarah\r\nBcc: all@mail.example", "{{\r\nBcc: all@mail.example\r\n}}", "\u2028Bcc: all@mail.example\x85\0"]
)
def test_a_line_break_in_what_is_rendered_folds_to_a_space(name: str, tmp_path: Path) -> None:
    async def visit(scene: Scene) -> None:
        assert (await scene.happen("Note", name, {})).startswith("sent")

        (mail,) = scene.mailbox.mailbox
        read = message_from_bytes(mail.raw, policy=policy.default)
        assert read["Bcc"] is None and mail.to == "sarah@mail.example"
        assert " Bcc: all@mail.example" in read["Subject"]

    at_door(tmp_path, visit)


@pytest.mark.parametrize(
    "event, name, text, reason",
    [
        ("Tagged", "a\r\nBcc: b@mail.example", "", "headers: 'X-Name' holds a line break"),
        ("Tagged", "{{\nBcc: b@mail.example\n}}", "", "headers: 'X-Name' holds a line break"),
        ("Tagged", "a\0b", "", "headers: 'X-Name' holds the character U+0000"),
        ("Loop", "Sarah", "", "a range exceeds the limit"),
        ("Flood", "Sarah", "x" * 30_000, "output stream limit reached"),
        ("Linked", "javascript:alert(1)", "", "html: has a link of the scheme javascript:"),
        ("Linked", "java\tscript:alert(1)", "", "html: has a link of the scheme javascript:"),
    ],
    ids=beginning,
)
def test_what_cannot_be_rendered_without_harm_fails_and_nothing_leaves(
    event: str, name: str, text: str, reason: str, tmp_path: Path
) -> None:
    async def visit(scene: Scene) -> None:
        became = await scene.happen(event, name, {"text": text} if text else {})

        assert became.startswith(f"failed: render: {reason}")
        assert scene.mailbox.mailbox == []

    at_door(tmp_path, visit)


NO_KEY = {"authorization": ""}

REFUSED: list[tuple[str, dict[str, str], dict[str, object]]] = [
    ("/v1/track", {"authorization": "Bearer wk_of_another_project"}, {}),
    ("/v1/track", {"authorization": "Bearer wk_past"}, {}),  # expired
    ("/v1/track", {"authorization": "Bearer "}, {}),
    ("/v1/track", {"authorization": "Basic Og=="}, {}),  # an empty user
    ("/v1/track", NO_KEY, {}),
    ("/v1/track", NO_KEY, {"writeKey": ""}),
    ("/v1/track", NO_KEY, {"writeKey": "wk_of_another_project"}),
    ("/v1/track?writeKey=wk_shop", NO_KEY, {}),  # a query stands in the logs of others
    ("/v1/track?token=wk_shop&key=wk_shop&access_token=wk_shop", NO_KEY, {}),
    ("/v1/track", {"authorization": "Bearer " + sha256(b"wk_shop").hexdigest()}, {}),  # what lies on disk
    ("/v1/track", {**NO_KEY, "x_api_key": "wk_shop", "cookie": "key=wk_shop"}, {}),
    ("/publish?writeKey=sk_chief", NO_KEY, {}),
    ("/webhooks/email?key=sk_chief", {**NO_KEY, "content_type": "message/rfc822"}, {}),
]


def test_what_is_no_key_of_ours_is_answered_by_the_same_bytes(tmp_path: Path) -> None:
    async def visit(scene: Scene) -> None:
        answers = [
            await scene.post(path, {**SEEN, **more}, x_request_id="same", **headers) for path, headers, more in REFUSED
        ]

        assert [answer.status_code for answer in answers] == [401] * len(REFUSED)
        assert {answer.content for answer in answers} == {answers[0].content}
        told = [{name: text for name, text in each.headers.items() if name != "vary"} for each in answers]
        assert all(headers == told[0] for headers in told), "but for what tells of the path, and not of the key"
        assert await scene.service.profile("u1") is None

    at_door(tmp_path, visit)


def test_a_browsers_key_can_do_little(tmp_path: Path) -> None:
    page = {"authorization": "Bearer wk_page", "origin": "https://shop.example"}

    async def visit(scene: Scene) -> None:
        calls = [
            {"type": "consent", "userId": "u1", "channel": "email", "granted": True},
            {"type": "reaction", "userId": "u1", "reaction": "opened", "journey": "note", "step": "s"},
            {"type": "alias", "userId": "u1", "previousId": "a1"},
            {"type": "identify", "userId": "u1", "traits": {"email": "mine@evil.example"}},  # without userHash
            {"type": "identify", "userId": "u1", "traits": {}, "context": {"userHash": "0" * 64}},
            {"type": "suppression", "userId": "u1", "channel": "email", "address": "a@b.example", "suppressed": True},
            {"type": "feedback", "key": "0" * 37, "reaction": "bounced"},
            {"type": "consent", "userId": "u1", "channel": "email", "granted": False},  # to withdraw is anybody's
        ]
        told = (await scene.post("/v1/batch", {"batch": calls}, **page)).json()
        assert [each["index"] for each in told["rejected"]] == [0, 1, 2, 3, 4, 5, 6]
        assert told["accepted"] == 1

        for method, path in [("POST", "/people/u1/inbox-token"), ("GET", "/inbox/u1"), ("GET", "/journeys")]:
            answer = await scene.client.request(method, path, headers=page)
            assert (answer.status_code, answer.json()["code"]) == (403, "scope")
        foreign = await scene.post("/v1/track", SEEN, **{**page, "origin": "https://shop.example.evil.example"})
        assert (foreign.status_code, foreign.json()["code"]) == (403, "origin")
        assert "access-control-allow-origin" not in foreign.headers

    at_door(tmp_path, visit, identity_verification="required", identity_secret="only the shop's servers know it")


def test_ten_thousand_files_are_refused_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = tmp_path / "temporary"
    written.mkdir()

    async def visit(scene: Scene) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(written))
        files = {f"journeys/{number}.yaml": "" for number in range(10_000)}
        answer = await scene.post("/publish", {"files": files}, authorization="Bearer sk_chief")

        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert list(written.iterdir()) == []

    at_door(tmp_path, visit)


STRANGE_PATHS = ("/", "/..", "/%2e%2e/%2e%2e/etc/passwd", "/static/app.js", "/favicon.ico", "/v1", "/PEOPLE/u1")


def test_every_answer_keeps_browsers_from_harm_and_names_no_server(tmp_path: Path) -> None:
    async def visit(scene: Scene) -> None:
        asked = [(route.method, path) for route in ROUTES for path in (route.path, *route.also)]
        asked += [(method, path) for path in STRANGE_PATHS for method in ("GET", "POST", "OPTIONS", "TRACE")]
        asked += [("PUT", route.path) for route in ROUTES]
        for method, path in asked:
            for key in ("", "Bearer wk_nobody", "Bearer sk_chief"):
                answer = await scene.client.request(method, path, headers={"Authorization": key} if key else {})
                for name, value in SECURITY_HEADERS:
                    told = answer.headers[name.decode()]
                    is_script = told == HEADERS.get("Cache-Control") and (method, path) == ("GET", "/parcours.js")
                    of_page = path in ("/in", "/out") and told == "same-origin"
                    assert is_script or of_page or told == value.decode() or told.startswith("default-src 'none'; "), (
                        path
                    )
                assert "server" not in answer.headers and "x-powered-by" not in answer.headers
                assert not 300 <= answer.status_code < 400, (method, path)
                assert answer.status_code != 500, (method, path)

    at_door(tmp_path, visit)
