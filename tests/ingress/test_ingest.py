"""Events in over HTTP, to a service that runs: what clients are answered, and what becomes of what they send."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import httpx
import pytest

from parcours.clock import ManualClock
from parcours.core.time_text import time_text
from parcours.errors import NobodyYet, Overloaded, ShardUnavailable
from parcours.ingress.application import Application, door_of
from parcours.ingress.settings import ServeSettings
from parcours.journey.model.document import EventsDocument, JourneyDocument, ProfileDocument, ProjectDocument
from parcours.journey.project import Project
from parcours.service.acknowledgement import LinesTaken
from parcours.service.service import Service

NOW = 1_767_261_600_000
"""2026-01-01T10:00Z."""

KEYS = [
    {"name": "shop", "sha256": sha256(b"wk_shop").hexdigest(), "scopes": ["ingest"]},
    {"name": "care", "sha256": sha256(b"sk_care").hexdigest(), "scopes": ["people"]},
    {
        "name": "page",
        "sha256": sha256(b"wk_page").hexdigest(),
        "scopes": ["ingest"],
        "public": True,
        "origins": ["https://shop.example"],
    },
]


@pytest.fixture(scope="module")
def shop() -> Project:
    journey = {
        "journey": "hello",
        "entry": {"event": "Seen"},
        "steps": [{"id": "stay", "wait": "30d"}],
    }
    events = {
        "Seen": {"properties": {"page": "string"}, "cloud_type": "com.shop.seen"},
        "Page Viewed": {"properties": {"name": "string"}},
        "Visited": {"key": {"namespace": "card", "value": "event.card"}, "properties": {"card": "string"}},
    }
    return Project.of(
        ProjectDocument(project="shop"),
        ProfileDocument.model_validate({"traits": {"email": "string", "push_token": "string", "city": "string"}}),
        EventsDocument.model_validate({"events": events}),
        journeys=[JourneyDocument.model_validate(journey)],
    )


class Client:
    """Sends to a door as the shop does."""

    def __init__(self, service: Service, http: httpx.AsyncClient) -> None:
        self.service = service
        self._http = http

    async def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"authorization": "Bearer wk_shop", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self._http.post(path, content=content, headers={k: v for k, v in told.items() if v})

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self._http.get(path, headers=headers)

    async def traits(self, person: str) -> Any:
        profile = await self.service.profile(person)
        return None if profile is None else profile.traits


@asynccontextmanager
async def open_door(project: Project, **settings: object) -> AsyncIterator[Client]:
    given = ServeSettings.model_validate({"keys": KEYS, **settings})
    clock = ManualClock(NOW)
    service = Service.open(project, "memory:", shards=2, runtime="local", clock=clock, settings=given.settings)
    async with service:
        transport = httpx.ASGITransport(Application(door_of(service, given)))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as http:
            yield Client(service, http)


@pytest.fixture
def at_door(shop: Project) -> Callable[..., Any]:
    """Runs a scenario against a door that is open meanwhile."""

    def run(scenario: Callable[[Client], Awaitable[Any]], **settings: object) -> Any:
        async def running() -> Any:
            async with open_door(shop, **settings) as client:
                return await scenario(client)

        return asyncio.run(running())

    return run


AtDoor = Callable[..., Any]

SEEN = {"type": "track", "event": "Seen", "userId": "u1", "messageId": "m1", "properties": {"page": "/"}}


@pytest.mark.parametrize("prefix", ["", "/v1"])
@pytest.mark.parametrize("suffix", ["", "/"])
@pytest.mark.parametrize("name", ["identify", "track", "page", "screen", "group", "alias", "consent", *"itpsga"])
def test_each_path_takes_its_call(at_door: AtDoor, prefix: str, name: str, suffix: str) -> None:
    call = {"userId": "u1", "event": "Seen", "previousId": "a", "channel": "email", "granted": True}

    answer = at_door(lambda client: client.post(f"{prefix}/{name}{suffix}", call))

    assert (answer.status_code, answer.json()) == (
        200,
        {"success": True, "accepted": 1, "duplicate": 0, "rejected": [], "without_id": 1},
    )


def test_consent_for_a_channel_that_nobody_sends_on_is_rejected_and_said_to_be(at_door: AtDoor) -> None:
    consent = {"userId": "u1", "granted": False}

    async def scenario(client: Any) -> Any:
        single = await client.post("/v1/consent", {**consent, "channel": "Email"})
        spoken_of = ("email", "e-mail", "personalisation")
        calls = [{**consent, "type": "consent", "channel": each} for each in spoken_of]
        return single.json(), (await client.post("/v1/batch", {"batch": calls})).json()

    single, batch = at_door(scenario)

    (told,) = single["rejected"]
    assert (single["accepted"], told["reason"].partition(":")[0]) == (0, "nothing is sent on 'Email'")
    assert batch["accepted"] == 2 and [each["index"] for each in batch["rejected"]] == [1]


@pytest.mark.parametrize("path", ["/v1/batch", "/batch", "/v1/b", "/v1/import/", "/import"])
def test_a_batch_is_answered_call_by_call(at_door: AtDoor, path: str) -> None:
    calls = [SEEN, SEEN, {**SEEN, "messageId": "m2", "type": "tracks"}, {**SEEN, "properties": []}, {"type": "track"}]

    answer = at_door(lambda client: client.post(path, {"batch": calls}))

    told = answer.json()
    assert answer.status_code == 200
    assert (told["success"], told["accepted"], told["duplicate"]) == (True, 1, 1)
    rejected = [(each["index"], each["messageId"], each["reason"]) for each in told["rejected"]]
    assert rejected[0] == (2, "m2", "unknown type 'tracks'")
    assert rejected[1] == (3, "m1", "properties is not an object")
    assert rejected[2][0] == 4 and "names nobody" in rejected[2][2]


def test_all_of_no_use_is_200_all_the_same_and_a_hundred_are_listed(at_door: AtDoor) -> None:
    answer = at_door(lambda client: client.post("/v1/batch", {"batch": [{"userId": 1}] * 250}))

    told = answer.json()
    assert (answer.status_code, told["accepted"], told["rejected_count"]) == (200, 0, 250)
    assert [each["index"] for each in told["rejected"]] == list(range(100))


def test_bodies_come_in_any_type_and_packed_or_not(at_door: AtDoor) -> None:
    async def scenario(client: Client) -> list[int]:
        plain = json.dumps({"batch": [SEEN]}).encode()
        answers = [
            await client.post("/v1/batch", plain, content_type="text/plain"),
            await client.post("/v1/batch", b"\xef\xbb\xbf" + plain, content_type=""),
            await client.post("/v1/batch", gzip.compress(plain), content_type="application/x-www-form-urlencoded"),
            await client.post("/v1/batch", gzip.compress(plain), content_encoding="gzip"),
            await client.post("/v1/batch", plain, content_encoding="br"),
            await client.post("/v1/batch", gzip.compress(plain) + b"x", content_encoding="gzip"),
            await client.post("/v1/batch", gzip.compress(b"0" * 5_000_000), content_encoding="gzip"),
            await client.post("/v1/batch", b"0" * 600_000),
            await client.post("/v1/track", b" " * 40_000),
            await client.post("/v1/ndjson", b"\n" * 9_000_000),
            await client.post("/v1/batch", b"nothing"),
            await client.post("/v1/track", b"[]"),
        ]
        return [answer.status_code for answer in answers]

    assert at_door(scenario) == [200, 200, 200, 200, 415, 400, 413, 413, 413, 413, 400, 400]


def test_the_key_may_stand_in_three_places_and_several_have_to_agree(at_door: AtDoor) -> None:
    async def scenario(client: Client) -> list[int]:
        answers = [
            await client.post("/v1/batch", {"batch": [SEEN], "writeKey": "wk_shop"}, authorization=""),
            await client.post("/v1/track", {**SEEN, "writeKey": "wk_shop"}, authorization=""),
            await client.post("/v1/track", {**SEEN, "writeKey": "wk_shop"}, authorization="Basic d2tfc2hvcDo="),
            await client.post("/v1/track", {**SEEN, "writeKey": "wk_page"}),
            await client.post("/v1/track", {**SEEN, "writeKey": 7}),
            await client.post("/v1/track", SEEN, authorization=""),
            await client.post("/v1/track", SEEN, authorization="Bearer sk_care"),
            await client.post("/v1/ndjson", SEEN, authorization=""),
        ]
        return [answer.status_code for answer in answers]

    assert at_door(scenario) == [200, 200, 200, 401, 401, 401, 403, 401]


def test_a_page_may_do_little_and_is_told_so(at_door: AtDoor) -> None:
    async def scenario(client: Client) -> httpx.Response:
        calls = [SEEN, {**SEEN, "type": "alias"}, {"type": "identify", "userId": "u1", "traits": {"city": "Oslo"}}]
        page = {"authorization": "Bearer wk_page", "origin": "https://shop.example"}
        answer = await client.post("/v1/batch", {"batch": calls}, **page)
        assert (await client.traits("u1") or {}).get("city") is None
        return answer

    answer = at_door(scenario, identity_verification="required", identity_secret="a secret of the shop's servers")

    assert [each["index"] for each in answer.json()["rejected"]] == [1, 2]
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "Retry-After" in answer.headers["access-control-expose-headers"]


def test_what_clients_of_other_makers_send_reaches_the_profile(at_door: AtDoor) -> None:
    async def scenario(client: Client) -> Any:
        rudder = {"userId": 42, "context": {"traits": {"city": "Oslo"}}, "originalTimestamp": time_text(NOW)}
        phone = {"type": "identify", "userId": "42", "context": {"device": {"type": "ios", "token": "t-1"}}}
        await client.post("/v1/identify", rudder)
        await client.post("/v1/batch", {"batch": [phone]})
        await client.post("/v1/identify", {"userId": "42", "traits": {"email": None}})
        return await client.traits("42")

    assert at_door(scenario) == {"city": "Oslo", "push_token": "t-1"}


def test_a_block_of_lines_is_taken_as_it_is(at_door: AtDoor) -> None:
    lines = [json.dumps({**SEEN, "messageId": f"m{number}"}).encode() for number in range(300)]

    answer = at_door(lambda client: client.post("/v1/ndjson", b"\n".join([*lines, b"", lines[0], b"{", b""])))

    told = answer.json()
    assert (told["accepted"], told["duplicate"], [each["index"] for each in told["rejected"]]) == (300, 1, [301])


class Refusing:
    """A service whose shards are away: takes what it is told to, and fails."""

    def __init__(self, service: Service, failure: NobodyYet, committed: list[int]) -> None:
        self._service = service
        self._failure = failure
        self._committed = committed
        self.settings, self.program = service.settings, service.program

    async def take_lines(self, lines: list[bytes], skews_ms: object, **how: object) -> LinesTaken:
        if isinstance(self._failure, Overloaded):
            raise self._failure
        places = self._committed
        return LinesTaken(len(places), (), [(len(lines) - 1, "unknown type 'x'")], self._failure, places)

    def waiting_lines(self) -> int:
        return 70


@pytest.mark.parametrize(
    "failure, committed, least", [(ShardUnavailable("it is away"), [0, 2], 30), (Overloaded("no room", 9), [], 9)]
)
def test_what_is_not_all_on_disk_is_429_with_what_is_known(
    shop: Project, failure: NobodyYet, committed: list[int], least: int
) -> None:
    async def scenario() -> httpx.Response:
        async with open_door(shop) as client:
            door = door_of(client.service, ServeSettings())
            door.service = Refusing(client.service, failure, committed)  # type: ignore[assignment]
            transport = httpx.ASGITransport(Application(door))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
                calls = [
                    {},
                    SEEN,
                    {**SEEN, "messageId": "m2"},
                    {**SEEN, "messageId": "m3"},
                    {**SEEN, "messageId": "m4"},
                ]
                return await http.post("/v1/batch", json={"batch": calls})

    answer = asyncio.run(scenario())

    told = answer.json()
    assert (answer.status_code, told["code"], told["message"]) == (429, "busy", str(failure))
    assert least <= int(answer.headers["retry-after"]) <= least + 2
    assert told["committed"] == [place + 1 for place in committed], "by their places in the request"
    assert told["accepted"] == len(committed) and told["success"] is False
    assert told["rejected"][0]["index"] == 0


def test_a_client_that_repeats_after_429_counts_once(at_door: AtDoor) -> None:
    async def scenario(client: Client) -> tuple[list[int], int]:
        calls = [{**SEEN, "userId": f"u{number}", "messageId": f"m{number}"} for number in range(400)]
        bodies = [{"batch": calls[start : start + 20]} for start in range(0, 400, 20)]
        statuses: list[int] = []

        async def deliver(body: object) -> int:
            while True:
                answer = await client.post("/v1/batch", body)
                statuses.append(answer.status_code)
                if answer.status_code == 200:
                    accepted: int = answer.json()["accepted"]
                    return accepted
                assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1
                await asyncio.sleep(0)

        return statuses, sum(await asyncio.gather(*map(deliver, bodies)))

    statuses, accepted = at_door(scenario, room_wait_ms=0, settings={"batch_events_max": 10})

    assert accepted == 400 and set(statuses) <= {200, 429}


def test_the_libraries_of_browsers_find_out_where_to_send(at_door: AtDoor) -> None:
    async def scenario(client: Client) -> list[httpx.Response]:
        origin = {"origin": "https://shop.example"}
        return [
            await client.get("/v1/projects/wk_page/settings", **origin),
            await client.get("/projects/nobody/settings", **origin),
            await client.get("/sourceConfig/?p=npm&writeKey=wk_page", **origin),
            await client.get("/sourceConfig/", **origin),
            await client.get("/sourceConfig/?writeKey=nobody", **origin),
            await client.post("/v1/m", b'{"series":[]}', authorization="", **origin),
        ]

    settings, unknown, source, anybody, nobody, metrics = at_door(scenario, public_url="https://in.shop.example:8443")

    assert settings.json() == {
        "integrations": {"Segment.io": {"apiKey": "wk_page", "apiHost": "in.shop.example:8443/v1", "protocol": "https"}}
    }
    assert (unknown.status_code, nobody.status_code) == (401, 401)
    assert source.json()["source"]["writeKey"] == "wk_page" and source.json()["source"]["enabled"] is True
    assert (anybody.status_code, anybody.json()["source"]["writeKey"]) == (200, "")
    assert (metrics.status_code, metrics.json()) == (200, {"success": True})
    assert all("access-control-allow-origin" in each.headers for each in (settings, source, metrics))


def test_where_nobody_says_otherwise_browsers_send_to_where_they_asked(at_door: AtDoor) -> None:
    answer = at_door(lambda client: client.get("/v1/projects/any/settings"), keys=[])

    host = answer.json()["integrations"]["Segment.io"]
    assert (host["apiHost"], host["protocol"]) == ("127.0.0.1:8080/v1", "http")


CLOUD = {"specversion": "1.0", "id": "e1", "source": "/shop", "type": "com.shop.seen", "subject": "u1"}
STRUCTURED = {"content_type": "application/cloudevents+json; charset=utf-8"}


def test_a_cloudevent_comes_in_three_modes_and_counts_once(at_door: AtDoor) -> None:
    async def scenario(client: Client) -> list[Any]:
        event = {**CLOUD, "data": {"page": "/ü"}}
        headers = {f"ce-{name}": value for name, value in CLOUD.items()}
        batch = {"content_type": "application/cloudevents-batch+json"}
        answers = [
            await client.post("/events", event, **STRUCTURED),
            await client.post("/events", [event, {**event, "id": "e2"}, {**event, "id": ""}], **batch),
            await client.post("/events", {"page": "/ü"}, **headers),
            await client.post("/events", b"", **{**headers, "ce-id": "e%33"}),
            await client.post("/events", [], **batch),
        ]
        profile = await client.service.profile("u1")
        assert profile is not None and [run.journey for run in profile.runs] == ["hello"]
        return [(each["accepted"], each["duplicate"], len(each["rejected"])) for each in (a.json() for a in answers)]

    assert at_door(scenario) == [(1, 0, 0), (1, 1, 1), (0, 1, 0), (1, 0, 0), (0, 0, 0)]


@pytest.mark.parametrize(
    "changed, reason",
    [
        ({"specversion": "0.3"}, "a specversion that is not 1.x"),
        ({"id": None}, "the attribute id is missing"),
        ({"type": 7}, "the attribute type is not a text"),
        ({"data": [1]}, "data is not an object"),
        ({"data_base64": "e30="}, "data_base64 is not read"),
        ({"time": "noon"}, "timestamp is not a time"),
        ({"parcourstype": "reaction"}, "identify, consent and alias"),
        ({"subject": None}, "names nobody"),
        ({"parcourstype": "consent", "data": {"channel": "email"}}, "a consent call needs channel and granted"),
    ],
)
def test_a_single_cloudevent_of_no_use_is_told_so_by_400(
    at_door: AtDoor, changed: dict[str, object], reason: str
) -> None:
    answer = at_door(lambda client: client.post("/events", {**CLOUD, **changed}, **STRUCTURED))

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert reason in answer.json()["message"]


def test_a_cloudevent_whose_subject_is_no_utf8_is_nobodys(at_door: AtDoor) -> None:
    headers = {f"ce-{name}": str(value) for name, value in CLOUD.items() if name != "data"}
    answer = at_door(lambda client: client.post("/events", b"{}", **{**headers, "ce-subject": "%ff"}))

    assert answer.status_code == 400
    assert "userId is neither a text nor a number" in answer.json()["message"]


def test_a_cloudevent_names_its_person_and_its_call_by_extensions(at_door: AtDoor) -> None:
    async def scenario(client: Client) -> list[Any]:
        events = [
            {**CLOUD, "parcourstype": "identify", "userid": 7, "data": {"city": "Oslo"}},
            {**CLOUD, "id": "e2", "subject": None, "anonymousid": "a1", "time": "2026-01-01T08:00:00Z"},
            {**CLOUD, "id": "e3", "type": "Visited", "subject": None, "data": {"card": "c1"}},
            {**CLOUD, "id": "e4", "parcourstype": "consent", "data": {"channel": "email", "granted": True}},
            {**CLOUD, "id": "e5", "parcourstype": "alias", "data": {"previousId": "a1"}},
            {**CLOUD, "id": "x" * 600},
        ]
        answer = await client.post("/events", events, content_type="application/cloudevents-batch+json")
        assert answer.json() == {"success": True, "accepted": 6, "duplicate": 0, "rejected": []}
        return [await client.traits("7"), (await client.service.profile("@anonymous/a1")) is not None]

    assert at_door(scenario) == [{"city": "Oslo"}, True]


def test_what_is_no_cloudevent_is_415(at_door: AtDoor) -> None:
    answer = at_door(lambda client: client.post("/events", CLOUD, content_type="application/json"))

    assert answer.status_code == 415
