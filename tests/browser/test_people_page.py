"""The screens of people in a browser: by the keyboard alone from a step to the reason why somebody got no SMS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.browser.test_live_page import KEY, OVERFLOWING, SCROLLING, log_in, tab_to, violations
from tests.ingress.page.salon import SALON
from tests.ingress.served import Served, served
from tests.projects import write_texts

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

HOSTILE = "\"><img src='https://elsewhere.example/x.png' onerror='document.title = 1'>"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The salon, to which Sarah has come, who wants no SMS, and somebody whose every word is hostile."""
    folder = tmp_path_factory.mktemp("salon")
    write_texts(folder / "salon", SALON)
    digest = sha256(KEY.encode()).hexdigest()
    (folder / "serve.yaml").write_text(
        f"notice_s: 0\nkeys: [{{name: ada, sha256: {digest}, scopes: [operate, ingest, people]}}]\n"
    )
    options = ["--config", str(folder / "serve.yaml"), "--record", "email", "--record", "sms"]
    with served(folder / "salon", f"sqlite:///{folder}/store", *options, folder=folder) as door:
        come(door, "sarah", email="sarah@mail.example", phone="+33612345678", city="Lille")
        come(door, HOSTILE, email=HOSTILE, city="long" * 2_500, plan="Or\u202eder \u05e9\u05dc\u05d5\u05dd\u200f & <b>")
        yield door


def come(door: Served, user_id: str, **traits: str) -> None:
    """She joins, withdraws SMS, and books."""
    who = {"userId": user_id}
    calls = [
        {"type": "track", "event": "Joined", "properties": {}, "anonymousId": f"visitor of {user_id}"},
        {"type": "identify", "traits": traits, "anonymousId": f"visitor of {user_id}", **who},
        {"type": "consent", "channel": "sms", "granted": False, **who},
        {"type": "track", "event": "Seen", "properties": {}, **who},
        {"type": "track", "event": "Booked", "properties": {"total": 80}, **who},
    ]
    sent = httpx.post(f"{door.address}/v1/batch", json={"batch": calls}, auth=(KEY, ""))
    assert sent.json()["accepted"] == len(calls), sent.text


def test_by_the_keyboard_alone_one_finds_why_somebody_got_no_sms(page: Page, door: Served) -> None:
    log_in(page, door, "/journeys/booked")

    tab_to(page, "coming: wait for", label=True)
    page.keyboard.press("Enter")
    page.wait_for_url("**/journeys/booked?step=coming#step")
    assert "Who waits here, the longest first" in page.locator("#step").inner_text()
    tab_to(page, "sarah")
    page.keyboard.press("Enter")
    page.wait_for_url("**/people/sarah")
    tab_to(page, "Messages")
    page.keyboard.press("Enter")
    page.wait_for_url("**/people/sarah#messages")

    row = page.locator("#messages tr", has_text="sms note to +33612345678")
    assert "refused by the gate 'consent': no consent to sms for classes" in row.inner_text()
    assert "If nothing happens: sms note, tomorrow" in page.locator("#her-way").inner_text()


def test_by_the_keyboard_alone_somebody_is_found_exported_and_erased(page: Page, door: Served) -> None:
    come(door, "rosa", email="rosa@mail.example")
    log_in(page, door)

    tab_to(page, "People")
    page.keyboard.press("Enter")
    page.locator("#q:focus").wait_for()
    page.keyboard.type("rosa@mail.example")
    page.keyboard.press("Enter")
    page.wait_for_url("**/people?q=rosa%40mail.example")
    tab_to(page, "rosa")
    page.keyboard.press("Enter")
    page.wait_for_url("**/people/rosa")
    tab_to(page, "Export")
    with page.expect_download() as downloading:
        page.keyboard.press("Enter")
    assert json.loads(downloading.value.path().read_text())["person"] == "rosa"
    tab_to(page, "Erase…")
    page.keyboard.press("Enter")
    page.locator("#id:focus").wait_for()
    page.keyboard.type("rosa")
    page.keyboard.press("Enter")
    page.wait_for_url("**/erasures/*")
    assert "nobody is told anything of her" in page.locator("main").inner_text()

    page.goto(f"{door.address}/people/rosa")
    assert "she was erased" in page.locator("main").inner_text()


@pytest.mark.parametrize("width", [360, 1_280])
def test_a_person_with_hostile_words_is_text_that_fits(width: int, page: Page, door: Served, asked: list[str]) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    log_in(page, door, "/people")
    page.get_by_role("searchbox").fill(HOSTILE)
    page.keyboard.press("Enter")
    page.locator(".found a").click()
    page.locator("h1", has_text="onerror").wait_for()

    assert page.title().startswith('"><img'), "nothing of it has run"
    assert page.locator("img").count() == 0
    assert page.evaluate(OVERFLOWING) == 0 and page.evaluate(SCROLLING) == 0
    assert violations(page) == []
    assert [each for each in asked if "elsewhere.example/x.png" in each and not each.startswith(door.address)] == []


@pytest.mark.parametrize("width", [360, 1_280])
def test_a_message_is_seen_in_a_frame_in_which_nothing_runs(
    width: int, page: Page, door: Served, asked: list[str]
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    log_in(page, door, "/journeys/booked/steps/remind/message?person=sarah")

    inside = page.frame_locator("iframe[title='email html']")
    inside.get_by_text("Come to Lille, you have booked for 80").wait_for()

    assert inside.locator("p").first.evaluate("each => getComputedStyle(each).color") == "rgb(0, 128, 0)"
    assert page.title() == "What remind of booked says · Parcours"
    assert page.evaluate(OVERFLOWING) == 0 and page.evaluate(SCROLLING) == 0
    found = [each for each in asked if each.startswith("http") and not each.startswith(f"{door.address}/")]
    blocked = [each for each in asked if "violates the following Content Security Policy" in each]
    assert [each for each in found if each != "https://elsewhere.example/open.png"] == [] and blocked, "none is fetched"
    assert violations(page) == []
    inside.get_by_role("link", name="more").click()
    assert page.url.endswith("/journeys/booked/steps/remind/message?person=sarah")


def test_a_person_is_printed_with_all_that_has_happened(page: Page, door: Served) -> None:
    log_in(page, door, "/people/sarah")
    page.emulate_media(media="print")

    for gone in ("button", "nav", ".up"):
        assert not page.locator(gone).first.is_visible(), gone
    assert page.locator(".strip li").first.is_visible() and page.locator("#messages table").is_visible()
    assert page.evaluate(OVERFLOWING) == 0
