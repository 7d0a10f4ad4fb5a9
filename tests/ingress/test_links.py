"""Mails arrive at a server, and whoever reads them there follows their links through the door."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from parcours.clock import ManualClock
from parcours.errors import Overloaded
from parcours.ingress.application import Application, door_of
from parcours.ingress.deployment import links_of
from parcours.ingress.door import Door
from parcours.ingress.settings import ServeSettings
from parcours.ingress.tokens import OpenToken, ReactionToken, UnsubscribeToken
from parcours.journey.project import Project
from parcours.service.service import Service
from parcours.testing.doubles import SmtpServer

PUBLIC_URL = "https://door.example"
SHOP, HELP = "https://shop.example/cart?a=1&b=2", "https://shop.example/help"

FILES = {
    "profile.yaml": "traits: {email: string, phone: string}",
    "events.yaml": "events: {Started: {}, Bought: {}}",
    "messages/reminder.yaml": f"""
message: reminder
purpose: cart
email:
  subject: Your cart waits
  html: '<p>Hi</p><a href="{SHOP.replace("&", "&amp;")}">cart</a> <a href="{HELP}">help</a>
    <a href="{{{{ preferences_url }}}}">less of this</a>'
sms: {{text: Your cart waits}}
""",
    "messages/receipt.yaml": f"""
message: receipt
class: transactional
email: {{subject: Thank you, html: '<a href="{HELP}">help</a>'}}
""",
    "journeys/cart.yaml": """
journey: cart
entry: {event: Started}
steps:
  - {id: remind, send: reminder, channels: [email]}
  - id: looked
    wait_for:
      - {reaction: opened, of: remind, next: done}
      - {reaction: clicked, of: remind, next: done}
      - {reaction: unsubscribed, of: remind, next: done}
    timeout: 1d
  - {id: text, send: reminder, channels: [sms]}
  - {id: done, end: true}
""",
    "journeys/thanks.yaml": "{journey: thanks, entry: {event: Bought}, steps: [{id: thank, send: receipt}]}",
}

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
FORM = "application/x-www-form-urlencoded"
SECOND, DAY = 1_000, 86_400_000
START = 1_800_000_000_000


@dataclass
class Scene:
    """An open engine with a mail server behind it and the door in front of it."""

    service: Service
    door: Door
    client: httpx.AsyncClient
    mailbox: SmtpServer
    clock: ManualClock

    async def happen(self, event: str = "Started", person: str = "sarah") -> EmailMessage:
        """Something happens to somebody; the mail that she gets."""
        await self.service.identify(person, {"email": "sarah@mail.example", "phone": "+33612345678"})
        await self.service.track(person, event)
        await self.service.drain(30)
        message = message_from_bytes(self.mailbox.mailbox[-1].raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message

    async def get(self, url: str, **headers: str) -> httpx.Response:
        return await self.client.get(url, headers={**BROWSER, **headers})

    async def pass_time(self, ms: int) -> None:
        self.clock.move_to(self.clock.now_ms() + ms)
        await self.service.drain(30)

    async def steps(self, person: str = "sarah") -> list[str]:
        """The steps that she has reached in the journey of the cart."""
        told = await self.service.explain(person)
        (story,) = [each for each in told.journeys if each.journey == "cart"]
        return [move.step or "" for run in story.runs for move in run.moves if move.what == "reached"]

    async def deeds(self, person: str = "sarah") -> list[tuple[str, bool]]:
        """What was opened and clicked, and whether by a machine."""
        told = await self.service.explain(person)
        return [
            (state.outcome, state.machine)
            for story in told.journeys
            for run in story.runs
            for delivery in run.deliveries
            for state in delivery.states
            if state.outcome in ("opened", "clicked")
        ]

    async def consents(self, person: str = "sarah") -> dict[tuple[str, str | None], bool]:
        found = await self.service.profile(person)
        return {} if found is None else dict(found.consents)


@asynccontextmanager
async def scene(folder: Path, consent: str = "opt_out", **settings: Any) -> AsyncIterator[Scene]:
    given = ServeSettings.model_validate({"public_url": PUBLIC_URL, "signing_keys": ["k" * 32], **settings})
    clock = ManualClock(START)
    with SmtpServer() as mailbox:
        email = f"{{host: 127.0.0.1, port: {mailbox.port}, sender: shop@luma.example, tls: none}}"
        head = f"project: shop\npolicies: {{consent: {{default: {consent}}}}}\nchannels: {{email: {email}}}\n"
        for name, text in {"parcours.yaml": head, **FILES}.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        project = Project.load(folder)
        service = Service.open(
            project, "memory:", shards=2, runtime="local", records=["sms"], clock=clock, links=links_of(given),
        )  # fmt: skip
        async with service:
            door = door_of(service, given)
            transport = httpx.ASGITransport(Application(door))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                yield Scene(service, door, client, mailbox, clock)


@dataclass
class Links:
    """What a mail leads to, by the texts of its links; `pixel` is its picture."""

    by_text: dict[str, str] = field(default_factory=dict)
    pixel: str | None = None


def links_in(mail: EmailMessage) -> Links:
    found = Links()

    class Reader(HTMLParser):
        href: str | None = None

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            attributes = dict(attrs)
            if tag == "img":
                found.pixel = attributes["src"]
            self.href = attributes.get("href") if tag == "a" else None

        def handle_endtag(self, tag: str) -> None:
            self.href = None

        def handle_data(self, data: str) -> None:
            if self.href is not None:
                found.by_text[data] = self.href

    body = mail.get_body(("html",))
    assert body is not None
    Reader().feed(body.get_content())
    return found


def path_of(url: str | None) -> str:
    assert url is not None and url.startswith(PUBLIC_URL)
    return url.removeprefix(PUBLIC_URL)


def test_whoever_loads_the_picture_of_a_mail_gets_no_text(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            pixel = path_of(links_in(await now.happen()).pixel)

            answer = await now.get(pixel)

            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
            assert len(answer.content) == 43 and answer.content.startswith(b"GIF89a")
            assert answer.headers["cache-control"] == "no-store" and "set-cookie" not in answer.headers
            await now.pass_time(2 * DAY)
            assert await now.steps() == ["remind", "looked", "done"]

    asyncio.run(scenario())


def test_whoever_does_not_gets_one_exactly_a_day_later(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            await now.happen()

            await now.pass_time(DAY)
            assert await now.steps() == ["remind", "looked"]  # an event of this very instant would still be in time
            await now.pass_time(1)

            assert await now.steps() == ["remind", "looked", "text", "done"]

    asyncio.run(scenario())


def test_a_link_leads_on_to_where_it_led_and_the_click_counts_a_second_later(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            links = links_in(await now.happen())
            await now.pass_time(10 * SECOND)

            answer = await now.get(path_of(links.by_text["cart"]))

            assert (answer.status_code, answer.headers["location"]) == (302, SHOP)
            assert await now.steps() == ["remind", "looked"]
            await now.pass_time(SECOND + 1)
            assert await now.steps() == ["remind", "looked", "done"]
            found = await now.service.profile("sarah")
            assert found is not None
            assert found.past[0].deliveries[0].links == {SHOP: START + 11 * SECOND}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "Mozilla/5.0"},
        {"User-Agent": ""},
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
        {"Sec-Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
    ],
)
def test_a_machine_moves_nobody_and_is_led_on_all_the_same(headers: dict[str, str], tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            links = links_in(await now.happen())
            await now.pass_time(10 * SECOND)

            seen = await now.get(path_of(links.pixel), **headers)
            clicked = await now.get(path_of(links.by_text["help"]), **headers)
            await now.pass_time(10 * SECOND)

            assert (len(seen.content), clicked.headers["location"]) == (43, HELP)
            assert await now.deeds() == [("opened", True), ("clicked", True)]
            assert await now.steps() == ["remind", "looked"]

    asyncio.run(scenario())


def test_a_filter_that_follows_all_links_at_once_has_clicked_on_none(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            links = links_in(await now.happen())
            await now.pass_time(10 * SECOND)

            answers = [await now.get(path_of(links.by_text[each])) for each in ("cart", "help")]
            await now.pass_time(10 * SECOND)

            assert [each.status_code for each in answers] == [302, 302]
            assert await now.deeds() == [("clicked", True), ("clicked", True)]
            assert await now.steps() == ["remind", "looked"]

    asyncio.run(scenario())


def test_a_click_at_the_very_moment_of_sending_is_a_machine_s(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            links = links_in(await now.happen())

            await now.get(path_of(links.by_text["cart"]))
            await now.pass_time(10 * SECOND)

            assert await now.deeds() == [("clicked", True)]

    asyncio.run(scenario())


def test_a_question_for_the_head_alone_is_a_machine_s(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            links = links_in(await now.happen())
            await now.pass_time(10 * SECOND)

            answer = await now.client.head(path_of(links.by_text["cart"]), headers=BROWSER)
            await now.pass_time(10 * SECOND)

            assert (answer.status_code, answer.headers["location"]) == (302, SHOP)
            assert await now.deeds() == [("clicked", True)]

    asyncio.run(scenario())


def test_opens_by_machines_count_where_the_settings_say_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path, machine_opens="count") as now:
            links = links_in(await now.happen())

            await now.get(path_of(links.pixel), **{"User-Agent": "Mozilla/5.0"})

            assert await now.deeds() == [("opened", False)]

    asyncio.run(scenario())


def test_a_transactional_mail_carries_nothing_of_ours(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            mail = await now.happen("Bought")

            assert links_in(mail) == Links({"help": HELP}, None)
            assert mail["List-Unsubscribe"] is None

    asyncio.run(scenario())


def test_one_click_withdraws_on_disk_before_the_answer_however_often_it_comes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            mail = await now.happen()
            way_out = path_of(mail["List-Unsubscribe"].strip("<>"))
            assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

            for _ in range(2):
                answer = await now.client.post(way_out, data={"List-Unsubscribe": "One-Click"})
                assert answer.status_code == 200
                assert "set-cookie" not in answer.headers and "location" not in answer.headers

            assert await now.consents() == {("email", None): False}
            assert await now.steps() == ["remind", "looked", "done"]
            await now.service.consent("sarah", "email")
            await now.client.post(way_out, files={"List-Unsubscribe": (None, "One-Click")})
            assert await now.consents() == {("email", None): False}

    asyncio.run(scenario())


def test_a_look_at_the_preference_page_changes_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            links = links_in(await now.happen())

            page = await now.get(path_of(links.by_text["less of this"]))

            assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
            assert "default-src 'none'" in page.headers["content-security-policy"]
            assert re.findall(r'value="(\w+/\w+)"( checked)?>', page.text) == [
                ("email/cart", ""), ("email/cart", " checked"), ("sms/cart", ""), ("sms/cart", " checked"),
            ]  # fmt: skip
            assert "sarah" not in page.text
            assert await now.consents() == {}

    asyncio.run(scenario())


def test_the_form_sets_what_it_shows_and_leads_back_to_the_page(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            path = path_of(links_in(await now.happen()).by_text["less of this"])
            shown = [("shown", "email/cart"), ("shown", "sms/cart"), ("granted", "email/cart")]

            answer = await now.client.post(path, content=urlencode(shown), headers={"Content-Type": FORM})

            assert answer.status_code == 303
            page = await now.get(str(httpx.URL("http://127.0.0.1" + path).join(answer.headers["location"])))
            assert page.status_code == 200 and "Saved." in page.text
            assert re.findall(r'value="(\w+/\w+)" checked', page.text) == ["email/cart"]
            assert await now.consents() == {("sms", None): False}
            assert await now.steps() == ["remind", "looked"]

    asyncio.run(scenario())


def test_the_button_stops_the_channel_of_the_mail_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            path = path_of(links_in(await now.happen()).by_text["less of this"])

            answer = await now.client.post(path, data={"stop": "email"})

            assert answer.status_code == 303
            assert await now.consents() == {("email", None): False}
            assert await now.steps() == ["remind", "looked", "done"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "form",
    [
        {"name": "value"},
        {"granted": "email/cart"},  # without having been shown
        {"shown": "email/gone", "granted": "email/gone"},  # of a page from before a change
        {"stop": "fax"},
        {"List-Unsubscribe": "One-Klick"},
    ],
)
def test_a_form_that_names_nothing_changes_nothing_and_is_not_said_to_be_saved(
    form: dict[str, str], tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            path = path_of(links_in(await now.happen()).by_text["less of this"])

            answer = await now.client.post(path, data=form)

            assert answer.status_code == 303
            page = await now.get(str(httpx.URL("http://127.0.0.1" + path).join(answer.headers["location"])))
            assert page.status_code == 200 and "Saved." not in page.text
            assert await now.consents() == {}

    asyncio.run(scenario())


def test_somebody_of_whom_nothing_is_known_has_her_page_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path, consent="opt_in") as now:
            assert now.door.seals is not None
            path = "/u/" + now.door.seals.seal(UnsubscribeToken("@loyalty/4711", "0" * 37, "email"))

            assert (await now.get(path)).status_code == 200
            assert (await now.client.post(path, data={"List-Unsubscribe": "One-Click"})).status_code == 200

            assert await now.consents("@loyalty/4711") == {("email", None): False}

    asyncio.run(scenario())


SPOILT = (
    lambda token: token[:-3],
    lambda token: token + "A",
    lambda token: "x" * 90,
    lambda token: "%FF",
    lambda token: token + "%C3",
    lambda token: "%",
    lambda token: "%zz",
    lambda token: token + "%00",
    lambda token: "%EF%BF%BD",
)


@pytest.mark.parametrize("spoil", SPOILT)
def test_what_is_no_token_of_this_kind_is_nowhere_in_the_same_words(spoil: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            links = links_in(await now.happen())
            pixel, cart = path_of(links.pixel), path_of(links.by_text["cart"])
            token = spoil(cart.removeprefix("/c/"))
            foreign = pixel.removeprefix("/o/")

            answers = [
                await ask(path, headers={"X-Request-Id": "same"})
                for each in (token, foreign)
                for ask, path in (
                    (now.client.get, f"/c/{each}"),
                    (now.client.get, f"/u/{each}"),
                    (now.client.post, f"/u/{each}"),
                    (now.client.post, f"/r/{each}"),
                )
            ]
            picture = await now.get(f"/o/{token}")

            assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}
            assert (picture.status_code, len(picture.content)) == (200, 43)
            assert (await now.get(f"{cart}/https://evil.example")).status_code == 404
            assert (await now.get(f"{cart}?to=https://evil.example")).headers["location"] == SHOP

    asyncio.run(scenario())


def test_the_picture_comes_whatever_is_asked_for_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            fields = "&".join(f"field{number}" for number in range(200))
            foreign = {"Host": "evil.example", "Origin": "https://evil.example", "Content-Length": "many"}
            answers = [
                await now.get("/o/%FF"),
                await now.get(f"/o/x?{fields}"),
                await now.get("/o/x", **foreign),
                await now.client.request("GET", "/o/x", content=b"x" * 100_000),
            ]
            now.door.state = "stopping"
            answers.append(await now.get("/o/x"))

            told = {(each.status_code, each.headers["content-type"], len(each.content)) for each in answers}
            assert told == {(200, "image/gif", 43)}

    asyncio.run(scenario())


def test_an_app_tells_what_was_done_with_a_notification(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            seals = now.door.seals
            assert seals is not None
            opened = seals.unseal(OpenToken, path_of(links_in(await now.happen()).pixel).removeprefix("/o/"))
            path = "/r/" + seals.seal(ReactionToken("sarah", opened.delivery))

            answer = await now.client.post(path, json={"reaction": "seen"})
            refused = await now.client.post(path, json={"reaction": "bounced"})

            assert (answer.status_code, answer.json()) == (200, {"success": True})
            assert refused.status_code == 400
            assert await now.deeds() == [("opened", False)]

    asyncio.run(scenario())


def test_with_no_room_what_is_opened_is_dropped_and_counted_and_whoever_unsubscribes_has_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            mail = await now.happen()
            links = links_in(mail)

            async def full(*_given: object, **_options: object) -> None:
                raise Overloaded("no room within 0.25 s")

            monkeypatch.setattr(now.service, "take_lines", full)

            assert len((await now.get(path_of(links.pixel))).content) == 43
            assert (await now.get(path_of(links.by_text["cart"]))).headers["location"] == SHOP
            way_out = path_of(mail["List-Unsubscribe"].strip("<>"))
            answer = await now.client.post(way_out, data={"List-Unsubscribe": "One-Click"})

            assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1
            assert now.door.figures.unheard == {("", "opened_dropped"): 1, ("", "clicked_dropped"): 1}

    asyncio.run(scenario())


NESTED = b"".join(b"--b%d\r\nContent-Type: multipart/x; boundary=b%d\r\n\r\n" % (n, n + 1) for n in range(1_100))


@pytest.mark.parametrize(
    "body, kind",
    [
        (b"", FORM),
        (b"\xff\xfe", FORM),
        (b"&" * 10, FORM),
        (b"a&" * 3_000, FORM),
        (b"--b\r\n\r\nx", "multipart/form-data"),
        (NESTED, "multipart/form-data; boundary=b0"),  # parts within parts, as many as a body may have
    ],
)
def test_what_is_no_form_is_refused(body: bytes, kind: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as now:
            path = path_of(links_in(await now.happen()).by_text["less of this"])

            assert (await now.client.post(path, content=body, headers={"Content-Type": kind})).status_code == 400
            assert await now.consents() == {}

    asyncio.run(scenario())
