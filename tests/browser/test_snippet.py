"""A page of another site has its visitor's offers and inbox by the door's script, as the documentation writes it."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import httpx
import pytest
from tests.browser.site import Site, serving
from tests.ingress.served import Served, served, until
from tests.projects import write_texts

from parcours.ingress.snippet import SCRIPT, SCRIPT_BYTES_MAX

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

GUIDE: Final = Path(__file__).parents[2] / "engine" / "docs" / "http.md"

SECRET: Final = "s" * 32

STUDIO: Final = {
    "parcours.yaml": "{project: studio, policies: {consent: {default: opt_out}}}\n",
    "profile.yaml": "traits: {city: string}\n",
    "events.yaml": """\
        events:
          Class Viewed: {properties: {kind: string}}
          Class Booked: {properties: {title: string}}
    """,
    "offers.yaml": """\
        placements: {home-banner: {channel: web, format: json}}
        offers:
          free-class:
            priority: 9
            eligible: count("Class Viewed", "1d", 'event.kind == "yoga"') == 1
            content: {home-banner: {json: {title: A free class}}}
          ten-pack: {content: {home-banner: {json: {title: Ten classes}}}}
        decisions: {next-best: {choose: [{collection: all}], context: {page: string}}}
    """,
    "messages/booked.yaml": "{message: booked, class: transactional, card: {title: '{{ entry.title }}'}}\n",
    "journeys/booked.yaml": """\
        journey: booked
        entry: {event: Class Booked}
        reentry: always
        correlation: event.title
        steps: [{id: tell, send: booked}]
    """,
}

CARE: Final = {"Authorization": "Bearer sk_care"}


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[tuple[Site, Path]]:
    """A site, and the folder in which its pages lie."""
    folder = tmp_path / "pages"
    folder.mkdir()
    with serving(folder) as site:
        yield site, folder


@pytest.fixture
def door(pages: tuple[Site, Path], tmp_path: Path) -> Iterator[Served]:
    write_texts(tmp_path / "studio", STUDIO)
    of_page = {"scopes": ["decide"], "public": True, "origins": [pages[0].origin]}
    settings = {
        "notice_s": 0,
        "identity_secret": f"file:{tmp_path / 'secret'}",
        "keys": [
            {"name": "page", "sha256": _hash("wk_page"), **of_page},
            {"name": "care", "sha256": _hash("sk_care"), "scopes": ["people", "ingest"]},
        ],
        "settings": {"decision_timeout_ms": 60_000},  # a busy machine is no reason for fallbacks here
    }
    (tmp_path / "serve.yaml").write_text(json.dumps(settings))
    (tmp_path / "secret").write_text(SECRET)
    options = "--config", str(tmp_path / "serve.yaml")
    with served(tmp_path / "studio", "memory:", *options, folder=tmp_path) as door:
        yield door


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def test_the_page_of_the_guide_shows_an_offer_and_an_inbox(page: Page, pages: tuple[Site, Path], door: Served) -> None:
    site, folder = pages
    (text,) = re.findall(r"^```html\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    token = httpx.post(f"{door.address}/people/sarah/inbox-token", headers=CARE).raise_for_status().json()["token"]
    proof = hmac.new(SECRET.encode(), b"sarah", sha256).hexdigest()
    for placeholder, value in (("https://journeys.example", door.address), ("HASH", proof), ("TOKEN", token)):
        assert placeholder in text
        text = text.replace(placeholder, value)
    (folder / "classes.html").write_text(text)
    book(door, "Yoga at nine")

    page.goto(f"{site.origin}/classes.html")

    page.wait_for_function("banner.textContent === 'A free class' && cards.textContent === 'Yoga at nine'")
    page.click("#banner")
    book(door, "Pilates")
    page.wait_for_function("[...cards.children].map(card => card.textContent).join() === 'Pilates,Yoga at nine'")
    page.click("#cards li")
    page.wait_for_function("cards.textContent === 'Yoga at nine'")
    until(lambda: marks(door, "sarah") == ["clicked", "shown"], "that the offer is marked")


def test_a_visitor_without_name_has_an_id_of_the_browser_and_asks_for_several(
    page: Page, pages: tuple[Site, Path], door: Served
) -> None:
    page.goto(pages[0].origin)
    page.add_script_tag(url=f"{door.address}/parcours.js")
    told = page.evaluate("""async () => {
      const visitor = parcours({key: 'wk_page'})
      const asked = {decision: 'next-best', placement: 'home-banner', count: 2}
      const event = {event: 'Class Viewed', properties: {kind: 'yoga'}}
      const [first] = await visitor.decide([asked], {event, requestId: 'r1'})
      const [again] = await parcours({key: 'wk_page'}).decide(asked, {requestId: 'r1'})
      await visitor.dismissed(first.offers[1])
      return {first, again, kept: localStorage.parcours_anonymous_id}
    }""")

    assert re.fullmatch("[0-9a-f]{32}", told["kept"])
    assert [each["name"] for each in told["first"]["offers"]] == ["free-class", "ten-pack"]
    assert told["again"] == told["first"], "it is the same visitor's, and the same request"
    assert marks(door, f"@anonymous/{told['kept']}") == ["dismissed"]


def test_what_is_refused_and_a_token_that_is_no_good_are_told_to_the_page(
    page: Page, pages: tuple[Site, Path], door: Served
) -> None:
    page.goto(pages[0].origin)
    page.add_script_tag(url=f"{door.address}/parcours.js")
    told = page.evaluate("""async () => {
      const visitor = parcours({key: 'wk_page', userId: 'sarah', userHash: 'forged'})
      const asked = {decision: 'next-best', placement: 'home-banner'}
      const refused = await visitor.decide(asked).catch(error => error.message)
      await new Promise(lost => visitor.inbox('forged', () => {}, lost))
      const nobodys = await visitor.shown({proposition: null})
      return [refused, nobodys.success]
    }""")

    assert told == ["/v1/decisions: a page's key needs the userHash that proves the userId", False]


def test_the_script_is_small_and_may_be_kept_by_browsers(door: Served) -> None:
    answer = httpx.get(f"{door.address}/parcours.js")

    assert answer.content == SCRIPT.read_bytes() and len(answer.content) <= SCRIPT_BYTES_MAX
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=3600"


def book(door: Served, title: str) -> None:
    call = {"userId": "sarah", "event": "Class Booked", "messageId": title, "properties": {"title": title}}
    httpx.post(f"{door.address}/v1/track", json=call, headers=CARE).raise_for_status()


def marks(door: Served, person: str) -> list[str]:
    """What became of the offers that somebody got."""
    address = f"{door.address}/people/{quote(person, safe='')}/facts"
    told = httpx.get(address, headers=CARE).raise_for_status().json()["facts"]
    return sorted(each["mark"] for each in told if each.get("mark"))
