"""What whoever answers people gets from the door, and who is told of it afterwards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.ingress.test_operate import key

from parcours import Project, Service
from parcours.core.fact import Looked, Unmet
from parcours.examples import write_example
from parcours.ingress.application import Application, door_of
from parcours.ingress.keys import Keyring
from parcours.ingress.settings import ServeSettings

CART = {"cart": {"total": 80, "currency": "EUR", "items": 1}, "shipping": {"country": "FR"}}


KEYS = (key("care", "people"), key("eve", "people:read"), key("site", "ingest", "operate"))


class Desk:
    """A served shop, and who asks there."""

    def __init__(self, service: Service, client: httpx.AsyncClient) -> None:
        self.service = service
        self.client = client

    async def get(self, path: str, by: str = "eve", **headers: str) -> httpx.Response:
        return await self.client.get(path, headers={"Authorization": f"Bearer {by}", **headers})

    async def post(self, path: str, body: Any, by: str = "care", **headers: str) -> httpx.Response:
        return await self.client.post(path, json=body, headers={"Authorization": f"Bearer {by}", **headers})

    async def looks(self, person: str) -> list[tuple[str, str]]:
        return [(each.key, each.route) for each in await self.service.facts(person) if isinstance(each, Looked)]


@asynccontextmanager
async def asking(folder: Path, prepare: Callable[[Path], None] | None = None) -> AsyncIterator[Desk]:
    write_example(folder / "shop", "abandoned-cart")
    if prepare is not None:
        prepare(folder / "shop")
    project, store = Project.load(folder / "shop"), f"sqlite:///{folder}/store"
    async with Service.open(project, store, shards=2, runtime="local", records=["email", "sms", "push"]) as service:
        door = door_of(service, ServeSettings())
        door.keys = Keyring(KEYS)
        transport = httpx.ASGITransport(Application(door))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield Desk(service, client)


def at_the_desk(
    folder: Path, visit: Callable[[Desk], Awaitable[None]], prepare: Callable[[Path], None] | None = None
) -> None:
    async def scenario() -> None:
        async with asking(folder, prepare) as desk:
            await visit(desk)

    asyncio.run(scenario())


def test_all_that_is_known_of_a_person_is_one_answer(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        await desk.service.identify("sarah", {"email": "sarah@shop.example", "tags": ["a", {"b": 1}]})
        await desk.service.consent("sarah", "email", granted=True)
        await desk.service.track("sarah", "Cart Left", CART)
        await desk.service.drain(30)

        told = (await desk.get("/people/sarah")).json()

        assert (told["owner"], told["names"], told["asked_for"]) == ("sarah", ["sarah"], "sarah")
        assert told["traits"] == {"email": "sarah@shop.example", "tags": ["a", {"b": 1}]}
        assert told["consents"]["said"] == [{"channel": "email", "purpose": None, "granted": True}]
        assert {"channel": "email", "purpose": None, "granted": True} in told["consents"]["in_force"]
        (run,) = told["runs"]
        assert (run["journey"], run["run"], run["parked"]) == ("abandoned-cart", 1, None)
        assert run["since"] is not None and run["until"] == told["next_timer"] > run["since"]
        assert told["suppressed"] == {} and isinstance(told["deliveries"], list)

    at_the_desk(tmp_path, visit)


def test_a_name_with_a_slash_is_one_part_of_the_path_and_a_plain_name_needs_no_encoding(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        await desk.service.track(None, "Cart Left", CART, anonymous_id="7f3a")
        await desk.service.identify("@sarah", {"email": "sarah@shop.example"})

        assert (await desk.get("/people/@anonymous%2F7f3a")).json()["owner"] == "@anonymous/7f3a"
        assert (await desk.get("/people/@sarah")).json()["owner"] == "@user/@sarah"
        assert (await desk.get("/people/@anonymous/7f3a")).status_code == 404

    at_the_desk(tmp_path, visit)


def test_people_are_found_by_an_address_that_they_have_though_nothing_has_left(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        await desk.service.identify("sarah", {"email": "home@shop.example", "phone": "+33612345678"})
        await desk.service.identify("paul", {"email": "home@shop.example"})

        assert (await desk.get("/people?email=home@shop.example")).json() == {"people": ["paul", "sarah"]}
        assert (await desk.get("/people?phone=%2B33612345678")).json() == {"people": ["sarah"]}
        assert (await desk.get("/people?phone=%2B336")).json() == {"people": []}
        assert await desk.looks("paul") == [("eve", "GET /people")]
        assert await desk.looks("sarah") == [("eve", "GET /people")] * 2
        for query in ("", "?email=", "?name=sarah", "?email=a@b.c&phone=1"):
            assert (await desk.get(f"/people{query}")).status_code == 400

    at_the_desk(tmp_path, visit)


@pytest.mark.parametrize("path", ["", "/explain", "/facts", "/export"])
def test_who_is_not_known_is_404_and_known_to_nobody_afterwards(tmp_path: Path, path: str) -> None:
    async def visit(desk: Desk) -> None:
        answer = await desk.get(f"/people/nobody{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown")
        assert "nobody" not in answer.text
        await desk.service.drain(30)
        assert await desk.service.facts("nobody") == [] and await desk.service.profile("nobody") is None

    at_the_desk(tmp_path, visit)


def test_who_was_only_ever_refused_is_known_under_every_path(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        await desk.service.track("sarah", "Cart Left", {**CART, "cart": {"total": 1, "currency": "EUR", "items": 1}})
        await desk.service.drain(30)
        assert await desk.service.profile("sarah") is None
        assert [type(fact) for fact in await desk.service.facts("sarah")] == [Unmet]

        told = await desk.get("/people/sarah")

        assert told.status_code == 200
        body = told.json()
        assert (body["owner"], body["names"], body["asked_for"]) == ("sarah", ["sarah"], "sarah")
        assert (body["traits"], body["runs"], body["deliveries"], body["next_timer"]) == ({}, [], [], None)
        assert body["consents"]["said"] == [] and body["consents"]["in_force"]
        for path in ("facts", "explain", "export"):
            assert (await desk.get(f"/people/sarah/{path}")).status_code == 200, path
        assert await desk.looks("sarah") == [
            ("eve", f"GET /people/{{id}}{path}") for path in ("", "/facts", "/explain", "/export")
        ]

    at_the_desk(tmp_path, visit)


def test_each_look_is_told_with_the_key_and_the_route(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        await desk.service.identify("sarah", {"email": "sarah@shop.example"})
        for path in ("", "/explain", "/facts", "/export"):
            assert (await desk.get(f"/people/sarah{path}")).status_code == 200
        await desk.post("/people/sarah/traits", {"traits": {"city": "Lille"}})

        assert await desk.looks("sarah") == [
            ("eve", "GET /people/{id}"),
            ("eve", "GET /people/{id}/explain"),
            ("eve", "GET /people/{id}/facts"),
            ("eve", "GET /people/{id}/export"),
            ("care", "POST /people/{id}/traits"),
        ]

    at_the_desk(tmp_path, visit)


def test_an_explanation_is_json_or_the_text_of_the_command_line(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        await desk.service.track("sarah", "Cart Left", CART)

        told = (await desk.get("/people/sarah/explain")).json()
        text = await desk.get("/people/sarah/explain", Accept="text/plain")

        assert told["person"] == "sarah" and told["journeys"][0]["runs"][0]["step"]
        assert text.headers["content-type"].startswith("text/plain") and "Cart Left" in text.text

    at_the_desk(tmp_path, visit)


def test_facts_come_newest_first_and_page_by_page_though_others_come_meanwhile(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        for number in range(130):
            await desk.service.identify("sarah", {"city": f"city {number}"})
        everything = await desk.service.facts("sarah")
        pages: list[dict[str, Any]] = []
        before = ""
        for _ in range(2):
            answer = (await desk.get(f"/people/sarah/facts{before}")).json()
            pages += answer["facts"]
            before = f"?before={answer['before']}" if answer["before"] else ""
            await desk.service.identify("sarah", {"city": "elsewhere"})

        assert before == "" and len(pages) == len(everything)
        assert pages[0]["fact"] == pages[-1]["fact"] == "changed"
        assert [page["at"] for page in pages] == sorted((page["at"] for page in pages), reverse=True)
        since = (await desk.get("/people/sarah/facts?before=2020-01-01T00:00:00Z")).json()
        assert since == {"facts": [], "before": None}
        for wrong in ("yesterday", "2020-01-01", "2020-01-01T00:00:00Z~x"):
            assert (await desk.get(f"/people/sarah/facts?before={wrong}")).status_code == 400

    at_the_desk(tmp_path, visit)


def test_an_export_is_one_document_of_all_that_is_held(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        await desk.service.identify("sarah", {"email": "sarah@shop.example"})
        await desk.service.track("sarah", "Cart Left", CART)

        answer = await desk.get("/people/sarah/export")
        told = json.loads(answer.text)

        assert answer.headers["content-type"] == "application/json"
        assert told["person"] == "sarah" and told["profile"]["traits"] == {"email": "sarah@shop.example"}
        assert set(told) == {
            "person", "names", "profile", "outbox", "reached", "dead_letters", "facts", "events", "lines",
        }  # fmt: skip

    at_the_desk(tmp_path, visit)


def test_what_is_changed_by_hand_counts_once_for_each_idempotency_key(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        said = {
            "traits": {"traits": {"email": "sarah@shop.example", "city": None}},
            "consents": {"channel": "email", "purpose": "cart", "granted": False},
            "suppressions": {"channel": "email", "address": "old@shop.example", "suppressed": True},
        }
        for path, body in said.items():
            told = {"Idempotency-Key": f"by-hand-{path}"}
            first, again = [await desk.post(f"/people/sarah/{path}", body, **told) for _ in range(2)]
            assert first.json() == {"success": True, "accepted": 1, "duplicate": 0, "rejected": []}
            assert again.json() == {"success": True, "accepted": 0, "duplicate": 1, "rejected": []}

        told = (await desk.get("/people/sarah")).json()
        assert told["traits"] == {"email": "sarah@shop.example"}
        assert told["consents"]["said"] == [{"channel": "email", "purpose": "cart", "granted": False}]
        assert told["suppressed"] == {"email": ["old@shop.example"]}

        lifted = {"channel": "email", "address": "old@shop.example", "suppressed": False}
        await desk.post("/people/sarah/suppressions", lifted)
        assert (await desk.get("/people/sarah")).json()["suppressed"] == {}

    at_the_desk(tmp_path, visit)


def test_one_idempotency_key_for_two_kinds_of_changes_loses_neither(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        ticket = {"Idempotency-Key": "call-17"}
        await desk.post("/people/sarah/traits", {"traits": {"city": "Lille"}}, **ticket)
        withdrawn = await desk.post("/people/sarah/consents", {"channel": "email", "granted": False}, **ticket)
        assert withdrawn.json()["accepted"] == 1
        assert (await desk.get("/people/sarah")).json()["consents"]["said"] != []

    at_the_desk(tmp_path, visit)


@pytest.mark.parametrize(
    "path, body, told",
    [
        ("consents", {"channel": "Email", "granted": False}, "nothing is sent on 'Email'"),
        ("consents", {"channel": "email", "granted": False, "purpos": "cart"}, "purpos"),
        ("suppressions", {"channel": "nope", "address": "a@b.example", "suppressed": True}, "nothing is sent on"),
        ("suppressions", {"channel": "email", "address": "sarah", "suppressed": True}, "not of the form name@domain"),
        (
            "suppressions",
            {"channel": "sms", "address": "06 12 34 56 78", "suppressed": True},
            "no region to read it by",
        ),
        ("suppressions", {"channel": "sms", "address": "12", "suppressed": False}, "goes to this address"),
        ("traits", {"traits": {}, "trait": {}}, "trait"),
    ],
)
def test_a_change_by_hand_that_would_be_misunderstood_is_refused(
    tmp_path: Path, path: str, body: dict[str, object], told: str
) -> None:
    async def visit(desk: Desk) -> None:
        refused = await desk.post(f"/people/sarah/{path}", body)
        assert refused.status_code == 400
        assert told in refused.json()["message"]
        assert (await desk.get("/people/sarah")).status_code == 404

    at_the_desk(tmp_path, visit)


def test_a_person_says_whether_she_may_be_chosen_for_which_is_no_channel_to_suppress(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        said = await desk.post("/people/sarah/consents", {"channel": "personalisation", "granted": False})
        assert said.json()["accepted"] == 1
        named = {"channel": "personalisation", "address": "sarah@luma.example", "suppressed": True}
        assert (await desk.post("/people/sarah/suppressions", named)).status_code == 400
        (word,) = (await desk.get("/people/sarah")).json()["consents"]["said"]
        assert (word["channel"], word["granted"]) == ("personalisation", False)

    at_the_desk(tmp_path, visit)


def test_an_address_is_suppressed_in_the_form_that_it_has_in_her_country(tmp_path: Path) -> None:
    def in_countries(project: Path) -> None:
        profile = project / "profile.yaml"
        profile.write_text(profile.read_text() + "region: profile.country\n")

    async def visit(desk: Desk) -> None:
        await desk.service.identify("sarah", {"country": "FR"})
        said = {"channel": "sms", "address": "06 12 34 56 78", "suppressed": True}
        assert (await desk.post("/people/sarah/suppressions", said)).json()["accepted"] == 1
        await desk.service.suppress("sarah", "email", "as it stands", suppressed=True)

        assert (await desk.get("/people/sarah")).json()["suppressed"] == {
            "sms": ["+33612345678"],
            "email": ["as it stands"],
        }
        lifted = {"channel": "email", "address": "as it stands", "suppressed": False}
        assert (await desk.post("/people/sarah/suppressions", lifted)).json()["accepted"] == 1
        assert (await desk.get("/people/sarah")).json()["suppressed"] == {"sms": ["+33612345678"]}

    at_the_desk(tmp_path, visit, in_countries)


def test_whoever_is_named_by_the_key_of_an_event_is_changed_by_hand_too(tmp_path: Path) -> None:
    def add_cards(shop: Path) -> None:
        with (shop / "events.yaml").open("a") as file:
            file.write("  Card Shown: {properties: {card: string}, key: {namespace: loyalty, value: event.card}}\n")
        with (shop / "profile.yaml").open("a") as file:
            file.write("identities: {loyalty: {caseless: true}}\n")

    async def visit(desk: Desk) -> None:
        await desk.service.track(None, "Card Shown", {"card": "Ab-4711"})
        said = {
            "traits": {"traits": {"email": "card@shop.example"}},
            "consents": {"channel": "email", "granted": False},
            "suppressions": {"channel": "email", "address": "old@shop.example", "suppressed": True},
        }
        for path, body in said.items():
            answer = await desk.post(f"/people/@loyalty%2FAB-4711/{path}", body)
            assert answer.json()["accepted"] == 1, answer.text

        told = (await desk.get("/people/@loyalty%2Fab-4711")).json()

        assert (told["owner"], told["traits"]) == ("@loyalty/ab-4711", {"email": "card@shop.example"})
        assert told["consents"]["said"] == [{"channel": "email", "purpose": None, "granted": False}]
        assert told["suppressed"] == {"email": ["old@shop.example"]}
        answer = await desk.client.delete("/people/@loyalty%2Fab-4711", headers={"Authorization": "Bearer care"})
        assert answer.status_code == 202
        assert (await desk.get("/people/@loyalty%2Fab-4711")).status_code == 404

    at_the_desk(tmp_path, visit, add_cards)


def test_what_cannot_be_said_is_400_and_changes_nothing(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        wrong = [
            ("traits", {"traits": ["email"]}), ("traits", {}), ("consents", {"channel": "email"}),
            ("consents", {"channel": "", "granted": True}), ("suppressions", {"channel": "email", "suppressed": True}),
        ]  # fmt: skip
        for path, body in wrong:
            assert (await desk.post(f"/people/sarah/{path}", body)).status_code == 400, (path, body)
        for nobody in ("@club%2F4711", "@loyalty%2F", "@%2F"):
            answer = await desk.post(f"/people/{nobody}/traits", {"traits": {"city": "Lille"}})
            assert answer.status_code == 400
        assert (await desk.get("/people/sarah")).status_code == 404

    at_the_desk(tmp_path, visit)


def test_only_a_key_for_people_opens_them_and_one_that_may_look_changes_nothing(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        await desk.service.identify("sarah", {"email": "sarah@shop.example"})
        for path in ("?email=sarah@shop.example", "/sarah", "/sarah/explain", "/sarah/facts", "/sarah/export"):
            answer = await desk.get(f"/people{path}", by="site")
            assert (answer.status_code, answer.json()["code"]) == (403, "scope")
            assert (await desk.get(f"/people{path}", by="nobody")).status_code == 401
        answer = await desk.post("/people/sarah/traits", {"traits": {"city": "Lille"}}, by="eve")
        assert (answer.status_code, answer.json()["code"]) == (403, "scope")
        assert await desk.looks("sarah") == []

    at_the_desk(tmp_path, visit)


def test_everybody_is_told_a_line_each_and_the_look_names_nobody(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        for person in ("sarah", "paul"):
            await desk.service.identify(person, {"email": f"{person}@shop.example"})

        told = await desk.get("/people.ndjson")

        assert (told.status_code, told.headers["content-type"]) == (200, "application/x-ndjson")
        rows = [json.loads(line) for line in told.text.splitlines()]
        assert sorted(row["person"] for row in rows) == ["paul", "sarah"]
        assert {frozenset(row) for row in rows} == {
            frozenset({"taken", "person", "traits", "audiences", "consents", "places"})
        }
        assert "shop.example" not in told.text, "addresses are personal"
        assert len({row["taken"] for row in rows}) == 1
        assert await desk.looks("sarah") == []
        assert (await desk.get("/people.ndjson", by="site")).status_code == 403

    at_the_desk(tmp_path, visit)
