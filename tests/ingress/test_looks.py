"""Previews, proofs and audiences behind the door: who may see people is shown some, and others are told sizes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.ingress.test_campaigns import TIME, come
from tests.ingress.test_operate import Shop, key
from tests.simulation.campaign_shop import DOCUMENTS, campaign, project_in

from parcours import Service, Settings
from parcours.core.fact import Fact
from parcours.ingress.application import Application, door_of
from parcours.ingress.keys import Keyring
from parcours.ingress.settings import ServeSettings
from parcours.shard.requests import NewestFacts
from parcours.testing.doubles import Reply, SmtpServer

MARION = "marion@luma.example"

KEYS = (
    key("ada", "operate"),
    key("eve", "operate:read"),
    key("care", "operate:read", "people:read"),
    key("boss", "operate", "people:read"),
)

STEPS: tuple[dict[str, Any], ...] = (
    {"id": "all", "read": {"where": "has(profile.score)"}},
    {"id": "some", "filter": "profile.score > 1"},
    {"id": "mail", "send": "news", "channels": ["sms", "email"]},
    {"id": "later", "wait": "1h"},
)

AUDIENCES = {"audiences": {"high": "profile.score > 1", "best": {"saved": True, "label": "Best"}}}


def at_the_door(
    folder: Path,
    visit: Callable[[Shop], Awaitable[None]],
    *steps: dict[str, Any],
    port: int | None = None,
    documents: dict[str, Any] | None = None,
) -> None:
    """Visit a shop of five people; with a port its mails leave."""
    document = campaign(*(steps or STEPS))
    del document["schedule"]
    mail = {"host": "127.0.0.1", "port": port, "sender": "shop@luma.example", "tls": "none"}
    parcours = {**DOCUMENTS["parcours"], **({} if port is None else {"channels": {"email": mail}})}
    records = ["sms"] if port else ["email", "sms"]

    async def scenario() -> None:
        project = project_in(folder / "shop", document, audiences=AUDIENCES, parcours=parcours, **documents or {})
        settings = Settings(campaign_lead_ms=20)
        async with Service.open(
            project, "memory:", shards=2, runtime="local", records=records, settings=settings
        ) as service:
            door = door_of(service, ServeSettings(test_addresses=(MARION,)))
            door.keys = Keyring(KEYS)
            transport = httpx.ASGITransport(Application(door))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                shop = Shop(folder / "shop", service, client)
                await come(shop, 5)
                await visit(shop)

    asyncio.run(scenario())


async def looked(shop: Shop) -> list[Fact]:
    ports = shop.service._host.ports
    facts = [fact for port in ports for fact in (await port.ask(NewestFacts(0))).facts]
    return [fact for fact in facts if type(fact).__name__ == "Looked"]


def test_a_preview_has_a_sample_for_whoever_may_see_people(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        await shop.service.consent("u3", "email", granted=False)
        path = "/campaigns/push/preview"

        sizes = await shop.post(path, by="eve")
        shown = await shop.post(path, {"sample": 1}, by="care")

        assert sizes.status_code == shown.status_code == 200, sizes.text
        told, seen = sizes.json(), shown.json()
        assert TIME.fullmatch(told.pop("at")) and TIME.fullmatch(seen.pop("at"))
        assert told == {
            "name": "push", "version": 1, "runs": 0, "goal": 0,
            "steps": {
                "all": {"inflow": 5, "outputs": {"main": 5}, "dropped": {}},
                "some": {"inflow": 5, "outputs": {"main": 3, "rest": 2}, "dropped": {}},
                "mail": {
                    "inflow": 3, "outputs": {"main": 3, "refused": 1}, "dropped": {},
                    "gates": told["steps"]["mail"]["gates"],
                },
                "later": {"inflow": 3, "outputs": {"main": 3}, "dropped": {}, "unforeseen": True},
            },
            "sample": {},
        }  # fmt: skip
        assert told["steps"]["mail"]["gates"]["consent"] == 1
        assert {**seen, "sample": {}} == told
        assert seen["sample"]["some"] == [{"person": "u2"}] and seen["sample"]["some.rest"] == [{"person": "u0"}]
        assert [getattr(each, "route", None) for each in await looked(shop)] == [f"POST {'/campaigns/{name}/preview'}"]

    at_the_door(tmp_path, visit)


@pytest.mark.parametrize(
    ("path", "body", "by", "status", "code"),
    [
        ("/campaigns/pusch/preview", None, "eve", 404, "unknown"),
        ("/campaigns/push/preview", {"sample": -1}, "eve", 400, "invalid"),
        ("/campaigns/push/preview", {"samples": 1}, "eve", 400, "invalid"),
        ("/campaigns/pusch/proof", {"step": "mail", "person": "u2", "to": MARION}, "boss", 404, "unknown"),
        ("/campaigns/push/proof", {"step": "mail", "person": "u2"}, "boss", 400, "invalid"),
        ("/campaigns/push/proof", {"step": "mail", "person": "u2", "to": MARION}, "care", 403, "scope"),
        ("/campaigns/push/proof", {"step": "mail", "person": "u2", "to": MARION}, "ada", 403, "scope"),
        # an address that nobody has named in the settings
        ("/campaigns/push/proof", {"step": "mail", "person": "u2", "to": "u2@shop.example"}, "boss", 409, "refused"),
        # the engine only records what would leave
        ("/campaigns/push/proof", {"step": "mail", "person": "u2", "to": MARION}, "boss", 409, "refused"),
        ("/campaigns/push/proof", {"step": "all", "person": "u2", "to": MARION}, "boss", 409, "refused"),
    ],
)
def test_what_cannot_be_shown_or_sent_is_refused(
    tmp_path: Path, path: str, body: Any, by: str, status: int, code: str
) -> None:
    async def visit(shop: Shop) -> None:
        refused = await shop.post(path, body, by=by)
        assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text

    at_the_door(tmp_path, visit)


def test_a_proof_goes_by_the_engines_own_channel_and_is_in_no_count(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        await shop.service.identify("u2", {"city": "Oslo"}, anonymous_id="anna")
        await shop.service.consent("u2", "email", granted=False)
        asked = {"step": "mail", "person": "@anonymous/anna", "to": MARION}

        sent = await shop.post("/campaigns/push/proof", asked, by="boss")
        server.next("rcpt", Reply("550 5.1.1 nobody of that name"))
        unsent = await shop.post("/campaigns/push/proof", {**asked, "channel": "email"}, by="boss")
        nobody = await shop.post("/campaigns/push/proof", {**asked, "person": "u0"}, by="boss")

        assert sent.status_code == 200, sent.text
        told = sent.json()
        assert told.pop("provider_id")
        assert told == {"name": "push", "step": "mail", "person": "u2", "to": MARION, "channel": "email"}
        (mail,) = server.mailbox
        assert mail.to == MARION
        assert message_from_bytes(mail.raw, policy=default)["subject"] == "[Proof] News"
        assert (unsent.status_code, unsent.json()["code"]) == (409, "refused"), unsent.text
        assert nobody.status_code == 409 and "is not in the set" in nobody.json()["message"]
        assert {getattr(each, "route", None) for each in await looked(shop)} == {"POST /campaigns/{name}/proof"}
        assert (await shop.get("/report")).json()["summary"]["channels"] == {}

    with SmtpServer() as server:
        at_the_door(tmp_path, visit, port=server.port)


def test_audiences_are_listed_and_counted(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        listed = (await shop.get("/audiences")).json()
        sizes = (await shop.get("/audiences/high?sample=2")).json()
        shown = (await shop.get("/audiences/high?sample=2", by="care")).json()
        saved = (await shop.get("/audiences/best", by="care")).json()

        rest: dict[str, Any] = {"used_by": [], "last_save": None}
        conditions = [
            {"name": "best", "condition": None, "label": "Best", **rest},
            {"name": "high", "condition": "profile.score > 1", "label": "", **rest},
        ]
        assert listed == {"audiences": conditions}
        assert TIME.fullmatch(sizes.pop("at")) and TIME.fullmatch(shown.pop("at"))
        assert sizes == {**conditions[1], "size": 3, "sample": []}
        members = [{"person": f"u{number}", "because": [f"profile.score = {number}"]} for number in (2, 3)]
        assert shown == {**sizes, "sample": members}
        assert (saved["size"], saved["sample"]) == (0, [])
        assert (await shop.get("/audiences/hihg")).status_code == 404
        for sample in ("-1", "1001", "two", "٣"):
            wrong = await shop.get(f"/audiences/high?sample={sample}", by="care")
            assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid")
        assert (await shop.client.get("/audiences")).status_code == 401

    at_the_door(tmp_path, visit)


OFFERS: dict[str, Any] = {
    "placements": {"agent": {"channel": "agent", "format": "text"}},
    "offers": {"high": {"eligible": "profile.score > 1", "content": {"agent": {"text": "High"}}}},
    "decisions": {"best": {"choose": [{"collection": "all"}]}},
}


def test_offers_are_previewed_and_people_are_told_to_whoever_may_see_them(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        sizes = await shop.post("/decisions/best/preview", {"audience": "high"}, by="eve")
        one = await shop.post("/decisions/best/preview", {"person": "u2"}, by="care")
        refused = [
            await shop.post("/decisions/best/preview", {"where": "true"}, by="eve"),
            await shop.post("/decisions/bets/preview", {}, by="eve"),
            await shop.post("/decisions/best/preview", {"audience": "hig"}, by="eve"),
        ]

        assert sizes.status_code == one.status_code == 200, sizes.text + one.text
        told = sizes.json()
        assert TIME.fullmatch(told.pop("at"))
        assert told["sample"] == [] and told["people"] == sum(told["placements"]["agent"]["offers"].values())
        assert one.json()["people"] == 1 and one.json()["sample"][0]["person"] == "u2"
        assert [each.status_code for each in refused] == [403, 404, 404]
        assert "did you mean 'best'?" in refused[1].json()["message"]
        assert refused[2].json()["message"] == "there is no such audience, did you mean 'high'?"
        assert [getattr(each, "route", None) for each in await looked(shop)] == [f"POST {'/decisions/{name}/preview'}"]

    at_the_door(tmp_path, visit, documents={"offers": OFFERS})
