"""Changes by the live page, in a browser that runs no script: a pause, and two windows that want different things."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from tests.browser.test_accessibility import SIGHTS
from tests.browser.test_live_page import KEY, OVERFLOWING, SCROLLING, come, log_in, violations
from tests.ingress.page.studio import TEXTS
from tests.ingress.served import Served, served
from tests.projects import write_texts

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the project of the studio lies, and its store."""
    return tmp_path_factory.mktemp("studio")


@pytest.fixture(scope="module")
def door(folder: Path) -> Iterator[Served]:
    """The studio, to which nine have come."""
    write_texts(folder / "studio", TEXTS)
    digest = sha256(KEY.encode()).hexdigest()
    (folder / "serve.yaml").write_text(
        f"notice_s: 0\nkeys: [{{name: ada, sha256: {digest}, scopes: [operate, ingest]}}]\n"
    )
    options = ["--config", str(folder / "serve.yaml"), "--record", "email"]
    with served(folder / "studio", f"sqlite:///{folder}/store", *options, folder=folder) as door:
        come(door, range(9))
        yield door


@contextmanager
def plain_window(page: Page, door: Served, path: str) -> Iterator[Page]:
    """A window of its own, logged in, that runs no script."""
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False)
    try:
        window = context.new_page()
        log_in(window, door, path)
        yield window
    finally:
        context.close()


def test_a_journey_is_paused_and_resumed_and_another_window_sees_it(page: Page, door: Served) -> None:
    with plain_window(page, door, "/journeys/booked") as one, plain_window(page, door, "/journeys") as other:
        one.get_by_role("link", name="Pause…").click()
        assert "6 runs stay where they are, and nothing is sent." in one.locator("main").inner_text()
        one.get_by_role("button", name="Pause booked").click()
        one.wait_for_url("**/journeys/booked")
        assert one.locator(".chip.paused").inner_text().startswith("paused since")
        other.reload()
        assert "paused since" in other.get_by_role("row", name="booked").inner_text()

        one.get_by_role("link", name="Resume…").click()
        one.get_by_role("button", name="Resume booked").click()
        one.wait_for_url("**/journeys/booked")
        assert one.locator(".headline .chip").first.inner_text() == "open"


def test_who_has_read_what_holds_no_more_is_told_so_and_nothing_is_done(page: Page, door: Served) -> None:
    path = "/journeys/joined/stop"
    with plain_window(page, door, path) as one, plain_window(page, door, "/journeys/booked/pause") as other:
        other.get_by_role("button", name="Pause booked").click()
        other.wait_for_url("**/journeys/booked")

        one.get_by_label("Type its name").fill("joined")
        one.get_by_role("button", name="Stop joined").click()
        told = one.get_by_role("alert").inner_text()
        assert "something has been changed meanwhile" in told and "pause of booked by ada" in told
        assert one.get_by_label("Type its name").input_value() == "", "it has to be meant once more"
        other.goto(f"{door.address}/journeys/joined")
        assert other.locator(".headline .chip").first.inner_text() == "open"

        one.get_by_label("Type its name").fill("joined")
        one.get_by_role("button", name="Stop joined").click()
        one.wait_for_url("**/journeys/joined")
        assert one.locator(".headline .chip").first.inner_text() == "stopped"


def test_the_folder_of_the_door_is_published_and_both_versions_stand_side_by_side(
    page: Page, door: Served, folder: Path
) -> None:
    path = folder / "studio" / "journeys" / "booked.yaml"
    path.write_text(path.read_text().replace("timeout: 1d", "timeout: 2d"))
    with plain_window(page, door, "/journeys") as window:
        window.get_by_role("link", name="Publish…").click()
        assert "coming: time-out 1d → 2d" in window.locator("main").inner_text()
        window.get_by_role("button", name="Publish").click()
        window.wait_for_url("**/journeys")
        assert window.get_by_role("link", name="Publish…").count() == 0

        window.goto(f"{door.address}/journeys/booked/versions")
        window.get_by_role("button", name="Compare").click()
        assert window.get_by_role("heading", name="Version 1 and version 2").is_visible()
        changed = window.get_by_role("link", name="Changed. coming: wait for", exact=False)
        assert changed.count() == 2


@pytest.mark.parametrize("width, scheme", SIGHTS)
def test_nothing_in_changes_keeps_anybody_out(
    scheme: Literal["light", "dark"], width: int, page: Page, door: Served, folder: Path
) -> None:
    page.context.set_default_timeout(20_000)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    path = folder / "studio" / "journeys" / "booked.yaml"
    text = path.read_text()
    path.write_text(text.replace("id: done, end: true", "id: done, wait: 4d"))
    found: dict[str, list[str]] = {}

    def look(address: str = "") -> None:
        if address:
            page.goto(f"{door.address}{address}")
        found[f"{address or 'refused'}"] = violations(page)
        assert page.evaluate(OVERFLOWING) == 0, address
        assert page.evaluate(SCROLLING) == 0, address

    log_in(page, door, "/publish")
    look("/journeys")
    look("/publish")
    path.write_text(text)
    page.get_by_role("button", name="Publish").click()
    assert "the folder has been changed meanwhile" in page.get_by_role("alert").inner_text()
    look()
    look("/journeys/booked/versions?left=1&right=2")
    look("/journeys/booked/close")

    assert {address: each for address, each in found.items() if each} == {}
