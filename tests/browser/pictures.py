"""Draws the pictures of the README: python -m tests.browser.pictures [FOLDER]

Shoppers come to the example of the full cart, whose days are seconds there, and a campaign runs over those who looked
at exercise equipment; what the page shows then is what stands in the pictures.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import httpx
from tests import installed
from tests.ingress.served import Served, served, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PICTURES: Final = Path(__file__).parents[2] / "engine" / "docs" / "pictures"

EXAMPLES: Final = Path(__file__).parents[2] / "engine" / "parcours" / "examples"

KEY: Final = "sk_pictures"

BEARER: Final = {"Authorization": f"Bearer {KEY}"}

SHOPPERS: Final = 800

WIDTH: Final = 1280


def calls_of(number: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    """What a shopper does; some have no address, and some carts are too small."""
    who = {"userId": f"shopper-{number}"}
    traits = {"first_name": "Sarah", "timezone": "Europe/Paris", "push_token": f"token-{number}"}
    if chance.random() < 0.95:
        traits["email"] = f"shopper-{number}@shop.example"
    yield {"type": "identify", "traits": traits, **who}
    for channel in ("sms", "push"):
        if chance.random() < 0.8:
            yield {"type": "consent", "channel": channel, "granted": True, **who}
    cart = {"total": chance.choice([20, 80, 120]), "currency": "EUR", "items": 1}
    shipping = {"country": "FR", "phone": f"+336{number:08}"}
    properties = {"cart": cart, "shipping": shipping, "first_product": "mat", "cart_id": f"c{number}"}
    yield {"type": "track", "event": "Cart Left", "properties": properties, **who}


def reactions_of(number: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Some read their mail, and some buy."""
    who = {"userId": f"shopper-{number}"}
    if chance.random() < 0.3:
        of = {"reaction": "opened", "journey": "abandoned-cart", "step": "mail", "channel": "email"}
        yield {"type": "reaction", **of, **who}
    if chance.random() < 0.25:
        yield {"type": "track", "event": "Order Completed", "properties": {"order_id": f"o{number}"}, **who}


def send(door: Served, calls: list[dict[str, Any]]) -> None:
    for first in range(0, len(calls), 500):
        answer = httpx.post(f"{door.address}/v1/batch", json={"batch": calls[first : first + 500]}, auth=(KEY, ""))
        assert not answer.json()["rejected"], answer.text


@contextmanager
def example(name: str, folder: Path) -> Iterator[Served]:
    """A door of an example, whose days are seconds."""
    shutil.copytree(EXAMPLES / name, folder / name)
    for path in (folder / name).glob("journeys/*.yaml"):
        short = path.read_text().replace("timeout: 1d", "timeout: 4s").replace("wait: 1d}", "wait: 4s}")
        path.write_text(short)
    digest = sha256(KEY.encode()).hexdigest()
    scopes = "[operate, ingest, people, feedback]"
    (folder / "serve.yaml").write_text(f"notice_s: 0\nkeys: [{{name: ada, sha256: {digest}, scopes: {scopes}}}]\n")
    records = [option for channel in ("email", "sms", "push") for option in ("--record", channel)]
    options = ["--config", str(folder / "serve.yaml"), *records]
    with served(folder / name, f"sqlite:///{folder}/store", *options, folder=folder) as door:
        yield door


def carts(browser: Browser, folder: Path, pictures: Path) -> None:
    """A journey with its figures, and one person."""
    chance = random.Random(7)
    with example("abandoned-cart", folder) as door:
        send(door, [call for number in range(SHOPPERS) for call in calls_of(number, chance)])
        send(door, [call for number in range(SHOPPERS) for call in reactions_of(number, chance)])
        time.sleep(9)
        send(door, [call for number in range(SHOPPERS, 2 * SHOPPERS) for call in calls_of(number, chance)])
        send(door, [call for number in range(SHOPPERS, 2 * SHOPPERS) for call in reactions_of(number, chance)])
        shoot(browser, door, "/journeys/abandoned-cart", pictures / "journey.png", 1240)
        shoot(browser, door, f"/people/{without_text(door)}", pictures / "person.png", 700)


def without_text(door: Served) -> str:
    """Somebody whose text message was refused."""
    for number in range(SHOPPERS):
        told = httpx.get(
            f"{door.address}/people/shopper-{number}/explain", headers={**BEARER, "Accept": "text/plain"}
        ).text
        if "refused by the gate 'consent'" in told:
            return f"shopper-{number}"
    raise AssertionError("everybody got one")


def campaign(browser: Browser, folder: Path, pictures: Path) -> None:
    """A campaign with the sizes of its sets."""
    with example("wishlist", folder) as door:
        lines = [json.loads(line) for line in (folder / "wishlist" / "events.ndjson").read_text().splitlines()]
        send(door, [{name: value for name, value in each.items() if name != "timestamp"} for each in lines])
        httpx.post(f"{door.address}/campaigns/wishlist/run", json={}, headers=BEARER).raise_for_status()

        def is_at_mail() -> bool:
            run = httpx.get(f"{door.address}/campaigns/wishlist/runs/1", headers=BEARER)
            return "mail" in run.json().get("at_hand", {})

        until(is_at_mail, "the mail of the campaign")
        shoot(browser, door, "/campaigns/wishlist", pictures / "campaign.png", 980)


def shoot(browser: Browser, door: Served, path: str, picture: Path, height: int) -> None:
    page = browser.new_context(viewport={"width": WIDTH, "height": height}, color_scheme="light").new_page()
    page.goto(f"{door.address}{path}")
    page.locator("#key").fill(KEY)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{door.address}{path}")
    page.wait_for_load_state()
    page.screenshot(path=picture)
    page.context.close()


def main(pictures: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=installed.chromium(), args=["--no-sandbox"])
        for number, draw in enumerate((carts, campaign)):
            (place := Path(folder) / str(number)).mkdir()
            draw(browser, place, pictures)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES)
