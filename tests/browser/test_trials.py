"""Test mode in a browser, without a script: somebody walks through the abandoned cart, and her way becomes a test."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from tests.browser.test_accessibility import SIGHTS
from tests.browser.test_live_page import KEY, OVERFLOWING, SCROLLING, log_in, violations
from tests.ingress.served import Served, served

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

CART: Final = {
    "cart_id string": "c1",
    "cart.total number": "80",
    "cart.currency string": "EUR",
    "cart.items integer": "2",
    "shipping.country string": "FR",
    "shipping.phone string": "+33612345678",
    "first_product string": "mat",
}

TRAITS: Final = "first_name: Sarah\nemail: sarah@shop.example\npush_token: t\ntimezone: Europe/Paris"


@pytest.fixture(scope="module")
def cart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cart") / "abandoned-cart"
    return Path(shutil.copytree(str(files("parcours.examples") / "abandoned-cart"), folder))


@pytest.fixture(scope="module")
def door(cart: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("door")
    digest = sha256(KEY.encode()).hexdigest()
    (folder / "serve.yaml").write_text(
        f"notice_s: 0\ntest_addresses: [qa@shop.example]\nkeys: [{{name: ada, sha256: {digest}, scopes: [operate]}}]\n"
    )
    recorded = [option for channel in ("email", "sms", "push") for option in ("--record", channel)]
    options = ["--config", str(folder / "serve.yaml"), *recorded]
    with served(cart, f"sqlite:///{folder}/store", *options, folder=folder) as door:
        yield door


@pytest.fixture
def plain(page: Page, door: Served) -> Iterator[Page]:
    """A page that runs no script, of somebody who has logged in."""
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False)
    shown = context.new_page()
    log_in(shown, door, "/try")
    yield shown
    context.close()


def begin(page: Page, **fields: str) -> None:
    for field, text in {"traits": TRAITS, "shorten": "5m", **fields}.items():
        page.locator(f"#{field}").fill(text)
    page.get_by_role("button", name="Begin", exact=True).click()
    page.wait_for_url(re.compile("/try/[0-9a-f]+$"))


def leave_a_cart(page: Page) -> None:
    page.get_by_label("An event").select_option("Cart Left")
    page.get_by_role("button", name="Fill in…").click()
    for label, text in CART.items():
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Tell it").click()
    page.wait_for_url(re.compile("/try/[0-9a-f]+$"))


def agree_to(page: Page, channel: str) -> None:
    page.get_by_label("Consent for").select_option(channel)
    page.get_by_role("button", name="Grant").click()


def let_wait_be_over(page: Page) -> None:
    page.get_by_role("button", name="Let the wait be over").click()


def kept(page: Page, cart: Path) -> str:
    """The test that the page has written, which lies in the project then."""
    page.get_by_role("link", name="Keep as a test…").click()
    text = page.locator("#kept").input_value()
    (cart / "tests" / "kept.yaml").write_text(text)
    return text


def judged_by_command(cart: Path) -> subprocess.CompletedProcess[str]:
    """`parcours test` in a process of its own: in this one a loop runs, for the browser."""
    command = [sys.executable, "-c", "from parcours.cli import main; main()", "test", str(cart)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_abandoned_cart_is_walked_through_and_the_kept_test_passes(plain: Page, cart: Path) -> None:
    begin(plain)
    for channel in ("sms", "push"):
        agree_to(plain, channel)
    leave_a_cart(plain)
    assert "abandoned-cart, at opened" in plain.locator("main").inner_text()
    assert "Sarah" in plain.locator(".contents").first.inner_text()
    frame = plain.locator("iframe.mail").content_frame
    assert frame.get_by_text("Back to the cart").is_visible()

    for _ in range(10):  # by night a message is held until the morning, which is one more wait
        if "She has been through it" in plain.locator("main").inner_text():
            break
        let_wait_be_over(plain)

    heads = plain.locator("article h3").all_inner_texts()
    assert heads == ["cart-reminder by push", "cart-reminder by sms", "cart-reminder by email"]
    text = kept(plain, cart)
    assert "what: ended" in text and "step: last-call, channel: push" in text
    result = judged_by_command(cart)
    judged = re.search(r"^(passed|FAILED)  tests/kept.yaml:1 ", result.stdout, re.MULTILINE)
    assert judged is not None
    said = plain.locator("main").inner_text()
    assert ("and passes" in said) == (judged[1] == "passed"), said
    if "held" not in text:
        assert judged[1] == "passed", "unless quiet hours lay otherwise, what was seen is what happens"


def test_who_opens_the_mail_is_reminded_no_more(plain: Page, cart: Path) -> None:
    begin(plain)
    leave_a_cart(plain)

    plain.get_by_label("She reacts").select_option("opened")
    plain.get_by_role("button", name="React").click()

    assert "She has been through it" in plain.locator("main").inner_text()
    assert "reaction: opened" in kept(plain, cart)
    assert "It has been run with waits as they are written, and passes." in plain.locator("main").inner_text()
    result = judged_by_command(cart)
    assert result.returncode == 0, result.stdout
    plain.get_by_role("link", name="Back", exact=True).click()
    plain.get_by_role("button", name="End the trial").click()
    assert plain.url.endswith("/try")


@pytest.mark.parametrize("width, scheme", SIGHTS)
def test_nothing_in_test_mode_keeps_anybody_out(scheme: str, width: int, page: Page, door: Served, cart: Path) -> None:
    page.context.set_default_timeout(20_000)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 800})
    found: dict[str, list[str]] = {}

    def look(what: str) -> None:
        found[what] = violations(page)
        assert page.evaluate(OVERFLOWING) == 0, what
        assert page.evaluate(SCROLLING) == 0, what

    log_in(page, door, "/try")
    look("begin")
    page.get_by_role("button", name="Begin", exact=True).click()
    look("begun")
    page.get_by_role("button", name="Let the wait be over").click()
    assert "nobody waits for anything" in page.get_by_role("alert").inner_text()
    look("refused")
    page.get_by_role("button", name="End the trial").click()
    begin(page, traits="email: qa@shop.example\nfirst_name: Sarah")
    page.get_by_role("button", name="Fill in…").click()
    look("event")
    page.get_by_role("link", name="Back", exact=True).click()
    leave_a_cart(page)
    let_wait_be_over(page)
    assert page.get_by_role("button", name="Really send to qa@shop.example").is_visible()
    look("with messages")
    kept(page, cart)
    look("kept")
    page.get_by_role("link", name="Back", exact=True).click()
    page.get_by_role("button", name="End the trial").click()
    page.locator("#people").fill("\n".join(f"p{number}: {{}}" for number in range(100)))
    page.get_by_role("button", name="Begin", exact=True).click()
    look("many")
    page.get_by_role("button", name="End the trial").click()
    page.locator("#shorten").fill("soon")
    page.get_by_role("button", name="Begin", exact=True).click()
    look("wrong")

    assert {what: each for what, each in found.items() if each} == {}


def test_a_mail_in_its_frame_asks_nobody_for_anything(plain: Page, door: Served) -> None:
    asked: list[str] = []
    plain.on("request", lambda request: asked.append(request.url))
    begin(plain)
    leave_a_cart(plain)

    assert plain.locator("iframe.mail").content_frame.get_by_text("Back to the cart").is_visible()

    assert [each for each in asked if not each.startswith(f"{door.address}/")] == []
