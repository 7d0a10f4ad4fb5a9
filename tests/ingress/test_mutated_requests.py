"""Requests that were spoilt on the way, thousands of them: none is a fault of ours, and nothing is taken twice."""

from __future__ import annotations

import asyncio
import gzip
import json
import random

import httpx
import pytest

from parcours.ingress.application import Application, door_of
from parcours.ingress.settings import ServeSettings
from parcours.journey.model.document import EventsDocument, JourneyDocument, ProjectDocument
from parcours.journey.project import Project
from parcours.service.service import Service

REQUESTS = 10_000

ROUND = 500
"""Requests between two looks at whether the service still takes what is sound."""

CALLS = (
    {"type": "track", "event": "Seen", "userId": "u1", "messageId": "m", "timestamp": "2026-01-01T10:00:00.123Z"},
    {"type": "identify", "userId": 7, "traits": {"a": [1, {"b": None}]}, "context": {"traits": {"c": 1}, "device": {}}},
    {"type": "consent", "anonymousId": "a", "channel": "email", "granted": False, "sentAt": "2026-01-01"},
    {"type": "page", "name": "Home", "userId": "ü\U0001f600", "properties": {"n": 1e300}, "originalTimestamp": "x"},
    {"type": "reaction", "reaction": "opened", "userId": "u1", "journey": "j", "step": "s", "channel": "email"},
    {"type": "feedback", "key": "0" * 40, "reaction": "delivered"},
    {"type": "suppression", "userId": "u1", "channel": "email", "address": "a@b.example", "suppressed": False},
)
CLOUD = {"specversion": "1.0", "id": "e", "source": "/s", "type": "Seen", "subject": "u1", "data": {"a": 1}}

PATHS = (
    "/v1/batch", "/b", "/v1/track", "/v1/identify/", "/v1/page", "/a", "/v1/consent", "/v1/ndjson", "/events", "/v1/m",
    "/v1/batch/..", "/v1/tracks", "/v1/projects/k%00/settings", "/sourceConfig/", "/v1/%2e%2e/batch",
)  # fmt: skip
HEADERS: tuple[dict[str, str], ...] = (
    {}, {"content-encoding": "gzip"}, {"content-encoding": "deflate"}, {"content-encoding": "br, x"},
    {"content-type": "application/cloudevents+json"}, {"content-type": "application/cloudevents-batch+json"},
    {"ce-specversion": "1.0", "ce-id": "%ff", "ce-source": "é", "ce-type": "Seen", "ce-userid": "u%00"},
    {"sentat": "2026-01-01T10:00:01+25:00"}, {"authorization": "Basic !"}, {"x-request-id": "r" * 70},
)  # fmt: skip
PIECES = (
    b"\x00", b"\\u0000", b"\\ud800", b"\xff", b"\xef\xbb\xbf", b'"', b"{", b"[" * 80, b"null", b"1e999", b"-", b"\n",
    b"9" * 400, b'"timestamp":5,', b'"userId":{},', b'"batch":[],', b"\x1f\x8b", b"NaN", b",", b"\\ufdd0",
)  # fmt: skip


def sound_body(chance: random.Random) -> bytes:
    calls = chance.choices(CALLS, k=chance.randrange(1, 5))
    kind = chance.randrange(4)
    if kind == 0:
        return json.dumps(calls[0]).encode()
    if kind == 1:
        return b"\n".join(json.dumps(call).encode() for call in calls)
    if kind == 2:
        return json.dumps(chance.choice([CLOUD, [CLOUD, CLOUD]])).encode()
    return json.dumps({"batch": calls, "sentAt": "2026-01-01T10:00:01Z", "context": {"traits": {"d": 1}}}).encode()


def mutated(body: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(body) + 1)
        match chance.randrange(4):
            case 0:
                body = body[:at] + chance.choice(PIECES) + body[at:]
            case 1:
                body = body[:at] + body[at + chance.randrange(1, 20) :]
            case 2:
                body = body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
            case _:
                body = body[:at] if chance.randrange(4) == 0 else body[:at] + body[at // 2 :]
    return gzip.compress(body) if chance.randrange(8) == 0 else body


@pytest.fixture(scope="module")
def shop() -> Project:
    journey = {"journey": "j", "entry": {"event": "Seen"}, "steps": [{"id": "stay", "wait": "30d"}]}
    return Project.of(
        ProjectDocument(project="shop"),
        events=EventsDocument.model_validate({"events": {"Seen": {"properties": {"a": "integer"}}}}),
        journeys=[JourneyDocument.model_validate(journey)],
    )


def test_no_request_is_a_fault_of_ours_and_what_is_sound_is_taken_all_along(shop: Project) -> None:
    chance = random.Random(11)
    statuses: dict[int, int] = {}

    async def scenario() -> None:
        async with Service.open(shop, "memory:", shards=2, runtime="local") as service:
            transport = httpx.ASGITransport(Application(door_of(service, ServeSettings())))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
                for number in range(REQUESTS):
                    body, path = mutated(sound_body(chance), chance), chance.choice(PATHS)
                    method = chance.choice(["POST"] * 9 + ["GET"])
                    headers = {name.encode(): value.encode() for name, value in chance.choice(HEADERS).items()}
                    answer = await http.request(method, path, content=body, headers=headers)
                    statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
                    told = answer.json()
                    assert answer.status_code in (200, 400, 404, 405, 413, 415), (path, body, told)
                    assert answer.status_code == 200 or {"code", "message", "request_id"} <= told.keys()
                    if number % ROUND == 0:
                        sound = {**CALLS[0], "messageId": f"sound-{number}"}
                        taken = [(await http.post("/v1/track", json=sound)).json() for _ in range(2)]
                        assert [each["accepted"] for each in taken] == [1, 0], "taken once"
                        assert [each["duplicate"] for each in taken] == [0, 1]
            assert await service.troubles() == []

    asyncio.run(scenario())

    assert statuses[200] > REQUESTS / 10 and statuses[400] > REQUESTS / 10, statuses
