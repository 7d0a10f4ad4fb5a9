"""Pages and agents ask the door which offers somebody gets, and tell what became of them."""

from __future__ import annotations

import asyncio
import hmac
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest
from tests.engine.test_asked_offers import SHOP
from tests.projects import write_texts

from parcours.clock import ManualClock
from parcours.config import Settings
from parcours.core.fact import Decided, OfferMarked
from parcours.core.identity import SlotMap
from parcours.errors import ShardUnavailable
from parcours.ingress.application import Application, door_of
from parcours.ingress.deployment import links_of
from parcours.ingress.links import PIXEL
from parcours.ingress.settings import ServeSettings
from parcours.ingress.tokens import OpenToken
from parcours.journey.project import Project
from parcours.service.service import Service

ORIGIN = "https://shop.example"
KEYS = [
    {"name": "agent", "sha256": sha256(b"secret-of-agent").hexdigest(), "scopes": ["decide"]},
    {"name": "both", "sha256": sha256(b"secret-of-both").hexdigest(), "scopes": ["decide", "ingest"]},
    {"name": "shop", "sha256": sha256(b"secret-of-shop").hexdigest(), "scopes": ["ingest"]},
    {
        "name": "page",
        "sha256": sha256(b"secret-of-page").hexdigest(),
        "scopes": ["decide"],
        "public": True,
        "origins": [ORIGIN],
    },
]
SECRET = "s" * 32
BEST = [{"decision": "best", "placement": "banner"}]
MANY = [{"decision": "best", "placement": each, "count": 30} for each in ("banner", "agent")]

LINKED: dict[str, Any] = {"public_url": "http://127.0.0.1", "signing_keys": ["k" * 32]}
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}

Post: TypeAlias = Callable[..., Awaitable[httpx.Response]]


def seen(**more: object) -> dict[str, object]:
    return {"event": "Seen", **more}


def at_the_door(
    tmp_path: Path,
    do: Callable[[Service, Post], Awaitable[None]],
    secret: str | None = SECRET,
    shop: Mapping[str, str] = SHOP,
) -> None:
    """Do something at the door of a running shop, with its service and by POST as some key."""

    async def with_service(service: Service, client: httpx.AsyncClient) -> None:
        async def post(path: str, body: dict[str, Any], key: str = "agent", **headers: str) -> httpx.Response:
            told = {"Authorization": f"Bearer secret-of-{key}", **headers}
            return await client.post(path, json=body, headers=told)

        await do(service, post)

    with_a_client(tmp_path, with_service, {"identity_secret": secret}, shop)


def with_a_client(
    tmp_path: Path,
    do: Callable[[Service, httpx.AsyncClient], Awaitable[None]],
    told: dict[str, Any],
    shop: Mapping[str, str] = SHOP,
) -> None:
    """Do something with the service of a running shop and a client of its door, of these further settings."""
    write_texts(tmp_path / "shop", shop)
    settings = ServeSettings.model_validate({"keys": KEYS, **told})
    links = links_of(settings) if settings.signing_keys else None

    async def all_of_it() -> None:
        project, clock = Project.load(tmp_path / "shop"), ManualClock(1_772_442_000_000)
        patient = Settings(decision_timeout_ms=60_000)  # a busy machine is no reason for fallbacks here
        opened = Service.open(project, "memory:", runtime="local", clock=clock, settings=patient, links=links)
        async with opened as service:
            application = Application(door_of(service, settings))
            transport = httpx.ASGITransport(app=application)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                await do(service, client)

    asyncio.run(all_of_it())


def test_the_answer_has_what_the_offers_say_and_a_mark_finds_them(tmp_path: Path) -> None:
    async def do(service: Service, post: Post) -> None:
        await service.identify("u1", {"city": "Rome"})
        body = {"userId": "u1", "requestId": "r-77", "decisions": BEST, "context": {"page": "yoga"}}

        answer, again = await post("/v1/decisions", body), await post("/v1/decisions", body)

        assert answer.status_code == 200 and answer.json() == again.json()
        told = answer.json()
        ((offer,),) = [each["offers"] for each in told["decisions"]]
        assert (told["requestId"], told["timeout"], offer["name"], offer["score"]) == ("r-77", False, "free", 9)
        assert offer["content"]["json"] == {"text": "Free in Rome, Atlanta"}
        assert offer["attributes"] == {"store": "Atlanta"} and not offer["fallback"]
        mark = {"userId": "u1", "proposition": offer["proposition"], "mark": "shown"}
        assert (await post("/v1/proposition", mark)).json() == {"success": True}
        facts = await service.facts("u1")
        assert [each.mark for each in facts if isinstance(each, OfferMarked)] == ["shown"]
        assert len([each for each in facts if isinstance(each, Decided)]) == 1

    at_the_door(tmp_path, do)


def test_an_id_that_asks_otherwise_or_is_forgotten_is_refused_by_its_own_code(tmp_path: Path) -> None:
    async def do(service: Service, post: Post) -> None:
        await service.identify("u1", {"city": "Rome"})
        body = {"userId": "u1", "requestId": "r", "decisions": BEST}
        answers = [await post("/v1/decisions", body)]
        for decisions in ([{**BEST[0], "count": 2}], [{**BEST[0], "decision": "bare"}]):
            answers.append(await post("/v1/decisions", {**body, "decisions": decisions}))
        await service.erase("u1")
        answers.append(await post("/v1/decisions", body))
        answers.append(await post("/v1/decisions", {**body, "requestId": "r2"}))

        assert [each.status_code for each in answers] == [200, 409, 409, 409, 200]
        assert [each.json()["code"] for each in answers[1:4]] == ["request", "request", "forgotten"]
        assert answers[3].json()["message"].endswith("ask under a new id")

    at_the_door(tmp_path, do)


def test_the_event_of_a_request_counts_before_it_and_once(tmp_path: Path) -> None:
    async def do(_service: Service, post: Post) -> None:
        body = {"anonymousId": "a1", "requestId": "r", "decisions": BEST, "event": {"event": "Seen", "type": "track"}}

        names = [(await post("/v1/decisions", body)).json()["decisions"][0]["offers"][0]["name"] for _ in range(2)]

        assert names == ["free", "free"]
        later = await post("/v1/decisions", {"anonymousId": "a1", "requestId": "r2", "decisions": BEST})
        assert later.json()["decisions"][0]["offers"][0]["name"] == "free", "which is for whom has seen it once"

    at_the_door(tmp_path, do)


def test_ids_may_be_numbers_here_as_for_events(tmp_path: Path) -> None:
    async def do(service: Service, post: Post) -> None:
        body = {"userId": 42, "requestId": 7, "decisions": BEST, "event": seen(userId=42)}
        told = (await post("/v1/decisions", body)).json()
        (offer,) = told["decisions"][0]["offers"]
        mark = {"userId": 42, "proposition": offer["proposition"], "mark": "shown"}
        again = (await post("/v1/decisions", {"userId": "42", "requestId": "7", "decisions": BEST})).json()

        assert (await post("/v1/proposition", mark)).json() == {"success": True}
        assert told == again and told["requestId"] == "7"
        assert [each.mark for each in await service.facts("42") if isinstance(each, OfferMarked)] == ["shown"]

    at_the_door(tmp_path, do)


def test_a_decision_among_calls_is_checked_as_a_request_is(tmp_path: Path) -> None:
    async def do(service: Service, post: Post) -> None:
        def call(**more: object) -> dict[str, object]:
            return {"type": "decision", "userId": 42, "requestId": 7, "decisions": BEST, **more}

        wrong = [
            call(dry=True),
            call(decisions=[{"decision": "bests", "placement": "banner"}]),
            call(decisions=[{"decision": "best", "placement": "baner"}]),
            call(context={"pag": "yoga"}),
            call(context={"page": {}}),
            call(event={"event": "Seen"}),
        ]
        answer = await post("/v1/batch", {"batch": [*wrong, call(dry=False, context={"page": None})]}, "both")

        again = await post("/v1/batch", {"batch": [call(), call(requestId=8), call(anonymousId="a")]}, "both")

        told = answer.json()
        assert "without_id" not in told, "a request is known by its id"
        assert (again.json()["accepted"], again.json()["duplicate"]) == (1, 2)
        assert (told["accepted"], [each["index"] for each in told["rejected"]]) == (1, [*range(6)])
        for each, why in zip(
            told["rejected"],
            [
                "dry is for POST /v1/decisions",
                "mean 'best'?",
                "mean 'banner'?",
                "mean 'page'?",
                "a string",
                "a track line",
            ],
            strict=True,
        ):
            assert why in each["reason"]
        assert len([each for each in await service.facts("42") if isinstance(each, Decided)]) == 2

    at_the_door(tmp_path, do)


def test_everybody_together_gets_an_offer_only_so_often_and_who_asks_again_takes_none(tmp_path: Path) -> None:
    few = SHOP["offers.yaml"].replace("caps: [{max: 2, of: decided}]", "caps: [{max: 3, by: everybody}]")
    people = [f"u{number}" for number in range(8, 14)]
    assert {SlotMap(2).shard(name) for name in people} == {0, 1}, "one shard asks the other one"

    async def do(service: Service, post: Post) -> None:
        async def got(name: str, **more: Any) -> dict[str, Any]:
            body = {"userId": name, "requestId": f"r-{name}", "decisions": BEST, "context": {"page": "yoga"}, **more}
            told = (await post("/v1/decisions", body)).json()
            assert not told["timeout"]
            offer: dict[str, Any] = told["decisions"][0]["offers"][0]
            return offer

        tried = [await got(name, dry=True) for name in people]
        first = await asyncio.gather(*(got(name) for name in people))
        again = await asyncio.gather(*(got(name) for name in people))

        assert [each["name"] for each in tried] == ["free"] * 6, "to try takes none"
        assert Counter(each["name"] for each in first) == {"free": 3, "ten": 3}
        assert again == first
        facts = [fact for name in people for fact in await service.facts(name)]
        given = [each.offer for fact in facts if isinstance(fact, Decided) for each in fact.offers]
        assert Counter(given) == {"free": 3, "ten": 3}

    at_the_door(tmp_path, do, shop=SHOP | {"offers.yaml": few})


def test_a_page_gets_the_fallback_where_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> None:
        raise ShardUnavailable("it restarts")

    async def do(_service: Service, post: Post) -> None:
        monkeypatch.setattr(Service, "take_lines", away)
        answer = await post("/v1/decisions", {"anonymousId": "a1", "decisions": BEST}, "page", Origin=ORIGIN)

        told = answer.json()
        assert (answer.status_code, told["timeout"]) == (200, True)
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        (offer,) = told["decisions"][0]["offers"]
        assert (offer["name"], offer["proposition"], offer["fallback"]) == ("news", None, True)

    at_the_door(tmp_path, do)


@pytest.mark.parametrize(
    "secret, user_hash, status",
    [
        (SECRET, hmac.new(SECRET.encode(), b"u1", sha256).hexdigest(), 200),
        (SECRET, hmac.new(SECRET.encode(), b"u1", sha256).hexdigest().upper(), 200),
        (SECRET, "0" * 64, 403),
        (SECRET, None, 403),
        (None, hmac.new(SECRET.encode(), b"u1", sha256).hexdigest(), 403),  # nobody can say whether it is so
    ],
)
def test_a_page_proves_which_user_it_means(
    tmp_path: Path, secret: str | None, user_hash: str | None, status: int
) -> None:
    async def do(_service: Service, post: Post) -> None:
        asked = {"userId": "u1", "userHash": user_hash, "decisions": BEST}
        told = {"userId": "u1", "userHash": user_hash, "proposition": "k", "mark": "shown"}

        assert (await post("/v1/decisions", asked, "page", Origin=ORIGIN)).status_code == status
        assert (await post("/v1/proposition", told, "page", Origin=ORIGIN)).status_code == status
        assert (await post("/v1/decisions", {"userId": "u1", "decisions": BEST}, "agent")).status_code == 200

    at_the_door(tmp_path, do, secret)


@pytest.mark.parametrize(
    "path, body, key, status, why",
    [
        ("/v1/decisions", {"userId": "u", "decisions": BEST}, "shop", 403, "does not open 'decide'"),
        ("/v1/decisions", {"decisions": BEST}, "agent", 400, "userId or anonymousId is expected"),
        ("/v1/decisions", {"userId": "", "decisions": BEST}, "agent", 400, "$.userId"),
        ("/v1/decisions", {"userId": "u", "decisions": BEST, "dri": True}, "agent", 400, "`dri`, did you mean 'dry'?"),
        ("/v1/decisions", {"userId": "u", "decisions": [{**BEST[0], "cout": 2}]}, "agent", 400, "unknown field `cout`"),
        ("/v1/decisions", {"userId": "u", "decisions": BEST, "context": {"page": 3}}, "agent", 400, "is a string"),
        ("/v1/decisions", {"userId": "u", "decisions": BEST, "context": {"pag": "x"}}, "agent", 400, "mean 'page'?"),
        ("/v1/decisions", {"userId": "u", "decisions": BEST, "event": seen(userId="v")}, "agent", 400, "userId='v'"),
        ("/v1/decisions", {"userId": "u", "decisions": BEST, "event": seen(anonymousId=7)}, "agent", 400, "the same"),
        ("/v1/decisions", {"userId": "u", "decisions": BEST, "event": seen(type="alias")}, "agent", 400, "'alias'"),
        ("/v1/decisions", {"userId": "u", "decisions": []}, "agent", 400, "the body cannot be read"),
        ("/v1/decisions", {"userId": "u", "decisions": BEST * 2}, "agent", 400, "at the same placement twice"),
        ("/v1/decisions", {"userId": "u", "decisions": [{**BEST[0], "count": 0}]}, "agent", 400, "cannot be read"),
        ("/v1/decisions", {"userId": "u", "decisions": [{**BEST[0], "decision": "bests"}]}, "agent", 400, "'best'?"),
        (
            "/v1/decisions",
            {"userId": "u", "decisions": MANY},
            "agent",
            400,
            "may give 60 offers, and of one request 50",
        ),
        ("/v1/decisions", {"userId": "u", "decisions": BEST, "event": {}}, "agent", 400, "track"),
        ("/v1/proposition", {"userId": "u", "proposition": "k", "mark": "seen"}, "agent", 400, "no mark of an offer"),
        ("/v1/proposition", {"userId": "u", "proposition": "k", "mark": "shown"}, "shop", 403, "does not open"),
        ("/v1/proposition", {"proposition": "k", "mark": "shown"}, "agent", 400, "userId or anonymousId"),
        ("/v1/proposition", {"userId": "u", "propositon": "k"}, "agent", 400, "did you mean 'proposition'?"),
    ],
)
def test_what_cannot_be_answered_says_why(
    tmp_path: Path, path: str, body: dict[str, Any], key: str, status: int, why: str
) -> None:
    async def do(_service: Service, post: Post) -> None:
        answer = await post(path, body, key)

        assert answer.status_code == status and why in answer.json()["message"]

    at_the_door(tmp_path, do)


def test_an_agent_may_try_a_decision_and_is_told_why_and_a_page_may_not(tmp_path: Path) -> None:
    async def do(service: Service, post: Post) -> None:
        body = {"anonymousId": "a1", "decisions": BEST, "dry": True}

        told = (await post("/v1/decisions", body)).json()["decisions"][0]

        assert told["why"].startswith("best at banner: ten (score 5); free: not eligible")
        assert told["offers"][0]["proposition"] is None and await service.profile("@anonymous/a1") is None
        assert (await post("/v1/decisions", body, "page", Origin=ORIGIN)).status_code == 403

    at_the_door(tmp_path, do)


async def marks(service: Service) -> list[str]:
    return [each.mark for each in await service.facts("@anonymous/a1") if isinstance(each, OfferMarked)]


def test_whoever_loads_the_picture_of_an_offer_was_shown_it(tmp_path: Path) -> None:
    async def do(service: Service, client: httpx.AsyncClient) -> None:
        body = {"anonymousId": "a1", "requestId": "r", "decisions": BEST}
        agent = {"Authorization": "Bearer secret-of-agent"}
        offers = [(await client.post("/v1/decisions", json=body, headers=agent)).json()["decisions"][0]["offers"]]
        offers.append((await client.post("/v1/decisions", json={**body, "dry": True}, headers=agent)).json())
        pixel = offers[0][0]["pixel"]

        machine = await client.get(pixel, headers={"User-Agent": "Some-Crawler/1.0"})
        assert await marks(service) == []
        pictures = [await client.get(pixel, headers=BROWSER) for _ in range(2)]

        assert offers[1]["decisions"][0]["offers"][0]["pixel"] is None, "nobody gets what is only tried"
        assert await marks(service) == ["shown"]
        for each in (machine, *pictures):
            assert (each.status_code, each.content, each.headers["content-type"]) == (200, PIXEL, "image/gif")
            assert each.headers["cache-control"] == "no-store"

    with_a_client(tmp_path, do, LINKED)


def test_a_picture_of_no_offer_is_the_same_and_counted_as_unmatched(tmp_path: Path) -> None:
    async def do(service: Service, client: httpx.AsyncClient) -> None:
        links = links_of(ServeSettings.model_validate(LINKED))
        old = links.offer_pixel("sarah", "gone").removeprefix("http://127.0.0.1")
        opened = links.seals.seal(OpenToken("sarah", "k"))
        pictures = [await client.get(each, headers=BROWSER) for each in (old, "/p/forged", f"/p/{opened}")]

        assert [(each.status_code, each.content) for each in pictures] == [(200, PIXEL)] * 3
        metrics = (await client.get("/metrics")).text
        assert 'parcours_feedback_total{channel="",result="unmatched"} 3.0' in metrics
        assert await service.profile("sarah") is None

    with_a_client(tmp_path, do, LINKED)
