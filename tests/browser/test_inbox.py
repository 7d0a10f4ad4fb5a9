"""A page has its visitor's inbox open in a browser, as an `EventSource` with her token, and the line breaks off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx
import pytest
from tests.browser.relay import relaying
from tests.browser.shops import CARE_KEY, SERVER_KEY, shop
from tests.browser.site import Site
from tests.ingress.served import Served

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

GIVEN_UP: Final = 2
"""`EventSource.CLOSED`: it does not come again."""

MIA: Final = "mia"
"""Her app is told to come again after 1.7 s, by a hash of her name: others wait for up to five."""

OPEN_INBOX: Final = """
address => {
  window.told = []
  const inbox = new EventSource(address)
  const note = event => told.push({name: event.type, data: JSON.parse(event.data), id: event.lastEventId})
  for (const name of ['list', 'message', 'seen', 'withdrawn', 'reset', 'bye']) inbox.addEventListener(name, note)
}
"""

TOLD: Final = """
told.flatMap(({name, data}) =>
  name === 'list' ? [[name, ...data.entries.map(entry => entry.content.title)]]
  : [[name, ...(data.content ? [data.content.title] : [])]])
"""
"""What the page has been told: the name of each event, and the titles of the entries in it."""

SAY_OPENED: Final = """
async door => {
  const body = JSON.stringify({reaction: 'opened'})
  return (await fetch(`${door}/r/${told[2].data.token}`, {method: 'POST', body})).status
}
"""
"""That the third entry has been opened: the status of the answer."""

FAIL_TO_OPEN: Final = """
address => new Promise(end => {
  const inbox = new EventSource(address)
  inbox.onerror = () => end(inbox.readyState)
})
"""
"""The state of an inbox that could not be opened."""


def make_offer(door: Served, title: str) -> None:
    """Something is put into her inbox."""
    call = {"userId": MIA, "event": "Offer Made", "messageId": title, "properties": {"title": title}}
    headers = {"Authorization": f"Bearer {SERVER_KEY}"}
    httpx.post(f"{door.address}/v1/track", json=call, headers=headers).raise_for_status()


def inbox_address(door: Served, at: str) -> str:
    """Where her inbox is, with a token that the app's own server has asked for."""
    headers = {"Authorization": f"Bearer {CARE_KEY}"}
    given = httpx.post(f"{door.address}/people/{MIA}/inbox-token", headers=headers).raise_for_status().json()
    return f"{at}/inbox/{MIA}?token={given['token']}"


def wait_for_events(page: Page, count: int) -> list[list[str]]:
    """What the page has been told, once that is so many events."""
    page.wait_for_function(f"told.length >= {count}")
    told: list[list[str]] = page.evaluate(TOLD)
    return told


def test_a_page_hears_what_comes_and_after_a_break_of_the_line_only_what_it_has_missed(
    page: Page, site: Site, tmp_path: Path
) -> None:
    with shop(site, tmp_path) as door, relaying(door.address) as relay:
        make_offer(door, "first")
        page.goto(site.origin)
        page.evaluate(OPEN_INBOX, inbox_address(door, relay.address))
        assert wait_for_events(page, 1) == [["list", "first"]]
        make_offer(door, "second")
        assert wait_for_events(page, 2)[1:] == [["message", "second"]]

        relay.cut()
        make_offer(door, "third")

        assert wait_for_events(page, 3)[2:] == [["message", "third"]]
        assert page.evaluate(SAY_OPENED, door.address) == 200
        assert wait_for_events(page, 4)[3:] == [["seen"]]
        assert page.evaluate("told[3].data.id === told[2].data.id")


def test_a_page_starts_over_by_itself_once_the_door_has_been_opened_anew(
    page: Page, site: Site, tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path}/store"
    with shop(site, tmp_path, store) as door:
        make_offer(door, "first")
        page.goto(site.origin)
        page.evaluate(OPEN_INBOX, inbox_address(door, door.address))
        assert wait_for_events(page, 1) == [["list", "first"]]
        assert door.stop() == 0
    with shop(site, tmp_path, store, urlsplit(door.address).port or 0) as door:
        make_offer(door, "second")

        page.wait_for_function(f"({TOLD}).some(event => event.includes('second'))")
        assert page.evaluate(TOLD)[1:] in (
            [["bye"], ["reset"], ["list", "second", "first"]],
            [["bye"], ["reset"], ["list", "first"], ["message", "second"]],  # it came back before that
        )


@pytest.mark.parametrize("whose", ["nobody's", "another person's"])
def test_a_page_without_her_token_is_told_nothing(page: Page, site: Site, tmp_path: Path, whose: str) -> None:
    with shop(site, tmp_path) as door:
        address = f"{door.address}/inbox/{MIA}?token=forged"
        if whose == "another person's":
            address = inbox_address(door, door.address).replace(f"/inbox/{MIA}", "/inbox/paul")
        page.goto(site.origin)

        assert page.evaluate(FAIL_TO_OPEN, address) == GIVEN_UP
