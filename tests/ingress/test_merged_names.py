"""A visitor logs in: what she was sent before still leads to her, and who asks the door for her old name gets her."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.ingress.test_feedback import PHONE, PUBLIC_URL, World, bounce, told
from tests.ingress.test_links import BROWSER, SECOND, START, Scene, links_in, path_of
from tests.projects import write_texts

from parcours.clock import ManualClock
from parcours.core.fact import DeliveryReached, Merged
from parcours.core.identity import SlotMap
from parcours.core.time_text import time_text
from parcours.ingress.application import Application, door_of
from parcours.ingress.deployment import links_of
from parcours.ingress.settings import ServeSettings
from parcours.journey.project import Project
from parcours.service.inbox_feed import Watch
from parcours.service.service import Service
from parcours.testing.doubles import SmtpServer

FILES = {
    "parcours.yaml": """
project: shop
anonymous_history: {history}
policies: {{consent: {{default: opt_out}}}}
channels: {{email: {{host: 127.0.0.1, port: {port}, sender: shop@luma.example, tls: none}}}}
""",
    "profile.yaml": "traits: {email: string, city: string}",
    "events.yaml": "events: {Started: {}, Noted: {properties: {text: string}}, Bought: {}}",
    "messages/reminder.yaml": """
message: reminder
purpose: cart
email: {subject: Your cart waits, html: '<a href="https://shop.example/cart">cart</a>'}
""",
    "messages/note.yaml": "{message: note, card: {title: A note}}",
    "journeys/cart.yaml": """
journey: cart
entry: {event: Started}
steps:
  - {id: remind, send: reminder}
  - {id: buys, wait_for: [{event: Bought, next: done}], timeout: 2d}
  - {id: done, end: true}
""",
    "journeys/notes.yaml": """
journey: notes
entry: {event: Noted}
correlation: event.text
reentry: always
steps:
  - {id: tell, send: note}
  - {id: bought, wait_for: [{event: Bought, next: done}], timeout: 60d}
  - {id: done, end: true}
""",
}

ANN = "ann"
KEYS = [{"name": "care", "sha256": sha256(b"care").hexdigest(), "scopes": ["people"]}]


def visitor_elsewhere(shards: int = 2) -> str:
    """The id of a visitor who lives with another shard than Ann."""
    home = SlotMap(shards).shard
    return next(each for each in map(str, range(7_000, 8_000)) if home(f"@anonymous/{each}") != home(ANN))


ID = visitor_elsewhere()
VISITOR = f"@anonymous/{ID}"
PATH = quote(VISITOR, safe="@")


class Shop(Scene):
    """A shop of two shards, to which a visitor comes."""

    notes = 0

    async def log_in(self, user: str = ANN) -> None:
        await self.service.identify(user, {}, anonymous_id=ID)
        await self.service.drain(30)

    async def note(self, user: str | None) -> None:
        """Something is laid into the inbox of this user, or of the visitor."""
        self.notes += 1
        await self.service.track(user, "Noted", {"text": str(self.notes)}, anonymous_id=None if user else ID)

    async def write_to_visitor(self) -> EmailMessage:
        await self.service.identify(None, {"email": "visitor@mail.example"}, anonymous_id=ID)
        await self.service.track(None, "Started", anonymous_id=ID)
        await self.service.drain(30)
        mail = message_from_bytes(self.mailbox.mailbox[-1].raw, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        return mail

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        told = {"Authorization": "Bearer care", **headers}
        return await self.client.request(method, path, json=body, headers=told)

    async def told(self, path: str) -> Any:
        answer = await self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def opened(folder: Path, history: str) -> AsyncIterator[Shop]:
    given = ServeSettings.model_validate(
        {"public_url": "https://door.example", "signing_keys": ["k" * 32], "keys": KEYS}
    )
    with SmtpServer() as mailbox:
        head = FILES["parcours.yaml"].format(history=history, port=mailbox.port)
        write_texts(folder, FILES | {"parcours.yaml": head})
        clock = ManualClock(START)
        service = Service.open(
            Project.load(folder), "memory:", shards=2, runtime="local", clock=clock, links=links_of(given)
        )
        async with service:
            door = door_of(service, given)
            transport = httpx.ASGITransport(Application(door))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                yield Shop(service, door, client, mailbox, clock)


@pytest.mark.parametrize("history", ["used", "unused"])
def test_a_mail_to_a_visitor_is_opened_clicked_and_unsubscribed_from_by_whom_she_has_become(
    history: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, history) as shop:
            mail = await shop.write_to_visitor()
            await shop.log_in()
            links = links_in(mail)
            way_out = path_of(str(mail["List-Unsubscribe"]).split(">")[0].lstrip("<"))

            await shop.pass_time(10 * SECOND)
            await shop.get(path_of(links.pixel))
            clicked = await shop.get(path_of(links.by_text["cart"]))
            await shop.pass_time(10 * SECOND)
            page = await shop.get(way_out)
            answer = await shop.client.post(way_out, data={"List-Unsubscribe": "One-Click"}, headers=BROWSER)
            await shop.service.drain(30)

            assert (clicked.status_code, page.status_code, answer.status_code) == (302, 200, 200)
            own = [each for each in await shop.service.facts(ANN) if each.person == ANN]
            merged_at = next(each.at for each in own if isinstance(each, Merged))
            deeds = [each.outcome for each in own if isinstance(each, DeliveryReached) and each.at > merged_at]
            assert deeds == ["delivered", "opened", "clicked", "unsubscribed"]
            ann = await shop.service.profile(ANN)
            assert ann is not None and dict(ann.consents) == {("email", None): False}
            assert await shop.service.find("email", "visitor@mail.example") == [ANN], "written to by her old name"
            told = await shop.told(f"/people/{PATH}")
            assert told["consents"]["said"] == [{"channel": "email", "purpose": None, "granted": False}]
            checked = 'value="email/cart" checked'
            assert checked in page.text and checked not in (await shop.get(way_out)).text

    asyncio.run(scenario())


def test_what_is_asked_and_said_by_hand_of_the_old_name_concerns_her(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, "used") as shop:
            await shop.write_to_visitor()
            await shop.log_in()

            told = await shop.told(f"/people/{PATH}")
            assert (told["owner"], told["names"], told["asked_for"]) == (ANN, [ANN, VISITOR], VISITOR)
            assert (await shop.told("/people/ann"))["asked_for"] == ANN
            said: tuple[tuple[str, dict[str, object]], ...] = (
                ("traits", {"traits": {"city": "Lille"}}),
                ("consents", {"channel": "email", "granted": False}),
                ("suppressions", {"channel": "email", "address": "visitor@mail.example", "suppressed": True}),
            )
            for what, body in said:
                answer = await shop.ask("POST", f"/people/{PATH}/{what}", body)
                assert (answer.status_code, answer.json()["accepted"]) == (200, 1), answer.text
            ann = await shop.told("/people/ann")
            assert ann["traits"] == {"email": "visitor@mail.example", "city": "Lille"}
            assert ann["consents"]["said"] and ann["suppressed"] == {"email": ["visitor@mail.example"]}

            facts = (await shop.told(f"/people/{PATH}/facts"))["facts"]
            looked = [each["route"] for each in reversed(facts) if each["fact"] == "looked"]
            assert looked == [
                "GET /people/{id}", "GET /people/{id}", "POST /people/{id}/traits", "POST /people/{id}/consents",
                "POST /people/{id}/suppressions", "GET /people/{id}", "GET /people/{id}/facts",
            ][: len(looked)]  # fmt: skip
            entered = [each for each in facts if each["fact"] == "moved" and each["what"] == "entered"]
            assert [each["under"] for each in entered] == [VISITOR]
            assert all("under" not in each for each in facts if each["fact"] in ("looked", "merged"))
            document = await shop.told(f"/people/{PATH}/export")
            assert (document["person"], document["names"]) == (ANN, [VISITOR])

    asyncio.run(scenario())


def test_an_explanation_asked_for_by_the_old_name_begins_with_whose_it_is(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, "used") as shop:
            await shop.write_to_visitor()
            await shop.log_in()
            merged = next(each for each in await shop.service.facts(ANN) if isinstance(each, Merged))

            told = await shop.told(f"/people/{PATH}/explain")
            text = (await shop.ask("GET", f"/people/{PATH}/explain", Accept="text/plain")).text

            assert told["person"] == ANN
            assert told["asked_for"] == {"name": VISITOR, "since": merged.at, "call": "identify"}
            first = f"asked for as {VISITOR}, which is ann since {time_text(merged.at)}, by identify"
            assert text.splitlines()[:3] == [first, "", "ann"]
            assert (await shop.told("/people/ann/explain"))["asked_for"] is None

    asyncio.run(scenario())


async def next_what(watch: Watch, most_s: float = 20) -> str:
    notice = await watch.next(most_s)
    assert notice is not None, "nothing was told"
    return notice.what


def test_a_stream_of_a_visitor_shows_the_inbox_of_whom_she_becomes_and_of_nobody_else_later(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, "used") as shop:
            await shop.note(ANN)
            watch = await shop.service.watch_inbox(VISITOR)
            assert await shop.service.fetch_inbox(VISITOR) == []

            await shop.log_in()
            assert (await next_what(watch), watch.person) == ("reset", ANN)
            (first,) = await shop.service.fetch_inbox(VISITOR)
            await shop.note(ANN)
            assert await next_what(watch) == "message"
            await shop.service.react_to(first.key, "opened")
            assert await next_what(watch) == "seen"

            await shop.log_in("bob")  # on the same device
            assert (await next_what(watch), watch.person) == ("reset", VISITOR)
            assert await shop.service.fetch_inbox(VISITOR) == []
            await shop.note(ANN)
            await shop.note(None)
            message = await watch.next(20)
            (own,) = await shop.service.inbox(VISITOR)
            assert message is not None and (message.what, message.key) == ("message", own.key)
            assert len(await shop.service.inbox(ANN)) == 3
            watch.close()

    asyncio.run(scenario())


def test_what_lies_with_a_visitor_reaches_streams_of_whom_she_becomes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, "used") as shop:
            await shop.note(None)
            (item,) = await shop.service.inbox(VISITOR)
            watch, by_name = await shop.service.watch_inbox(ANN), await shop.service.watch_inbox(VISITOR)
            position = by_name.position

            await shop.log_in()

            message = await watch.next(20)
            assert message is not None and (message.what, message.key) == ("message", item.key)
            assert await next_what(by_name) == "reset"
            again = await shop.service.watch_inbox(VISITOR, position)
            assert (await next_what(again), again.person) == ("reset", ANN)
            for each in (watch, by_name, again):
                each.close()

    asyncio.run(scenario())


def test_a_token_for_the_old_name_opens_her_inbox_and_its_reactions_reach_her(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, "used") as shop:
            token = (await shop.ask("POST", f"/people/{PATH}/inbox-token")).json()["token"]
            await shop.note(ANN)
            await shop.log_in()

            shown = await shop.client.get(f"/inbox/{PATH}", params={"token": token})
            (entry,) = shown.json()["entries"]
            reacted = await shop.client.post(f"/r/{entry['token']}", json={"reaction": "opened"})

            assert (shown.status_code, reacted.status_code) == (200, 200)
            assert (await shop.client.get("/inbox/ann", params={"token": token})).status_code == 401
            (item,) = await shop.service.inbox(ANN)
            assert (item.key, item.seen) == (entry["id"], True)
            facts = await shop.service.facts(ANN)
            told = [each.outcome for each in facts if isinstance(each, DeliveryReached) and each.person == ANN]
            assert told[-2:] == ["delivered", "opened"]

    asyncio.run(scenario())


def test_what_providers_say_of_messages_to_a_visitor_is_of_whom_she_has_become(tmp_path: Path) -> None:
    visitor = visitor_elsewhere(3)

    async def scenario(world: World) -> None:
        traits = {"phone": PHONE, "email": "visitor@mail.example"}
        await world.service.identify(None, traits, anonymous_id=visitor)
        for event in ("Seen", "Read"):
            await world.service.track(None, event, anonymous_id=visitor)
        await world.service.drain(60)
        await world.service.identify(ANN, {}, anonymous_id=visitor)
        await world.service.drain(60)

        request = world.provider.status_callback(world.provider.messages[0], "delivered")
        path = request.url.removeprefix(PUBLIC_URL)
        answer = await world.client.post(path, content=request.body, headers=dict(request.headers))
        (mail,) = world.mail.mailbox
        await world.hand_in(bounce(mail.sender), mail.sender)
        await world.text("STOP")

        assert answer.json() == {"accepted": 1, "duplicate": 0, "rejected": 0}
        ann = await world.profile(ANN)
        assert sorted(await world.states(ANN)) == ["bounced", "delivered"]
        assert ann.suppressed == {"email": ("visitor@mail.example",), "sms": (PHONE,)}
        assert ann.consents == {("sms", None): False}
        assert world.unheard() == {}

    told(tmp_path, scenario)


def test_merges_are_counted_by_what_became_of_them(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path, "used") as shop:
            await shop.log_in()
            await shop.log_in()
            await shop.log_in("bob")
            await shop.service.identify(ANN, {}, anonymous_id="undefined")

            figures = (await shop.client.get("/metrics")).text

            told = {line for line in figures.splitlines() if line.startswith("parcours_merges_total{")}
            assert told == {
                f'parcours_merges_total{{result="{result}"}} 1.0' for result in ("merged", "no_id", "shared")
            }

    asyncio.run(scenario())
