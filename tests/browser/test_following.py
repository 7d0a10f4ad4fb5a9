"""The live page while somebody looks on: figures come by themselves or are old, and steps open in place."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import httpx
import pytest
from tests.browser.test_live_page import KEY, come, log_in, violations
from tests.ingress.page.studio import TEXTS
from tests.ingress.served import Served, served, until
from tests.projects import write_texts

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

BEARER: Final = {"Authorization": f"Bearer {KEY}"}

PATIENCE_MS: Final = 60_000

SHOWN: Final = """
() => {
  const text = (part) => document.querySelector(`dl.figures [data-live=${part}]`)?.textContent;
  const boxes = [...document.querySelectorAll("a.box[data-step]:not([data-step=''])")].map(box => {
    const row = document.querySelector(`tr[data-step="${box.dataset.step}"]`);
    const shown = box.nextElementSibling;
    return [box.dataset.step, {
      label: box.getAttribute("aria-label"), title: box.querySelector("title").textContent,
      line: shown.querySelector(".figures").textContent,
      marks: [...shown.querySelectorAll(".mark")].map(mark => mark.textContent),
      row: [...row.querySelectorAll(".number")].map(cell => Number(cell.textContent.replace(",", ""))),
    }];
  });
  const entry = document.querySelector("a.box[data-step='']").getAttribute("aria-label");
  return {boxes: Object.fromEntries(boxes), entry, entered: text("entered"), goal: text("goal")};
}
"""
"""All figures of a journey at one moment."""

SAYS: Final = """
words => {
  const said = document.querySelector("header .following")?.textContent ?? "";
  return new RegExp(words).test(said);
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("followed")
    write_texts(folder / "studio", TEXTS)
    digest = sha256(KEY.encode()).hexdigest()
    (folder / "serve.yaml").write_text(
        f"notice_s: 0\nsettings: {{instant_steps_max: 3}}\nsigning_keys: [env:SIGNING]\n"
        f"keys: [{{name: ada, sha256: {digest}, scopes: [operate, ingest]}}]\n"
    )
    return folder


def opened(folder: Path, port: int = 0) -> AbstractContextManager[Served]:
    options = ["--config", str(folder / "serve.yaml"), "--record", "email", "--port", str(port)]
    environ = {"SIGNING": "k" * 32}
    return served(folder / "studio", f"sqlite:///{folder}/store", *options, folder=folder, environ=environ)


@pytest.fixture(scope="module")
def door(folder: Path) -> Iterator[Served]:
    with opened(folder) as door:
        come(door, range(9))
        yield door


@pytest.fixture(autouse=True)
def patient(page: Page) -> None:
    page.context.set_default_timeout(PATIENCE_MS)


def until_says(page: Page, words: str) -> None:
    """Wait until the line on top says this of the figures."""
    page.wait_for_function(SAYS, arg=words)


def told(door: Served, journey: str = "booked") -> dict[str, list[int]]:
    answer = httpx.get(f"{door.address}/journeys/{journey}", headers=BEARER).raise_for_status().json()
    return {
        step: [each[name] for name in ("inflow", "waiting", "gone_on", "ended")]
        for step, each in answer["steps"].items()
    }


def until_it_agrees(page: Page, door: Served, journey: str = "booked") -> dict[str, Any]:
    """What the page shows once that is what programs are told: runs may still go on after an event was taken."""
    shown: dict[str, Any] = {}

    def agrees() -> bool:
        shown.update(page.evaluate(SHOWN))
        return {step: box["row"] for step, box in shown["boxes"].items()} == told(door, journey)

    until(agrees, "the same figures on the page and in JSON")
    return shown


def check_boxes(shown: dict[str, Any], parked: dict[str, int] | None = None) -> None:
    """Each box says its figures everywhere in it, and they add up."""
    for step, box in shown["boxes"].items():
        came, waits, on, out = box["row"]
        stuck = (parked or {}).get(step, 0)
        assert came == waits + on + out
        said = f"{came} came, {waits} wait, {on} went on, {out} ended{f', {stuck} parked' if stuck else ''}."
        assert box["label"].endswith(said) and box["title"] == box["label"]
        assert box["line"] == f"{came} in · {on} on · {out} out"
        assert box["marks"] == [*([f"{waits}"] if waits else []), *([f"!{stuck}"] if stuck else [])]


def test_all_figures_come_by_themselves_and_are_those_that_programs_are_told(page: Page, door: Served) -> None:
    log_in(page, door, "/journeys/booked")
    until_says(page, "^live$")
    page.evaluate("window.first = true")
    for beginning in (100, 200, 300):
        come(door, range(beginning, beginning + 30))
        shown = until_it_agrees(page, door)

        check_boxes(shown)
        report = httpx.get(f"{door.address}/report", headers=BEARER).json()["summary"]["journeys"]["booked"]
        steps = report["steps"].items()
        rows = {step: [each[of] for of in ("inflow", "waiting", "gone_on", "ended")] for step, each in steps}
        assert rows == {step: box["row"] for step, box in shown["boxes"].items()}
        assert shown["entered"] == f"{report['entered']}"
        assert f"{report['goal']} of {report['entered']}" in shown["goal"]
        assert shown["entry"].endswith(f"{report['entered']} entered.")
    assert page.locator("path[data-hot]").count() >= 3, "ways were taken just now"
    assert page.evaluate("window.first"), "it was not loaded again"
    page.reload()
    assert page.evaluate(SHOWN) == shown, "the script writes what the server does"


def test_parked_runs_are_marked_as_the_server_does(page: Page, door: Served) -> None:
    log_in(page, door, "/journeys/stuck")
    until_says(page, "^live$")
    come(door, range(400, 405))

    shown = until_it_agrees(page, door, "stuck")

    check_boxes(shown, {"three": shown["boxes"]["three"]["row"][1]})
    assert shown["boxes"]["three"]["row"][1] >= 14


def test_a_pause_in_one_window_is_seen_in_another(page: Page, door: Served) -> None:
    log_in(page, door, "/journeys/joined")
    other = page.context.new_page()
    other.goto(f"{door.address}/journeys")
    for each in (page, other):
        until_says(each, "^live$")

    httpx.post(f"{door.address}/journeys/joined/pause", json={}, headers=BEARER).raise_for_status()

    page.locator(".headline .chip.paused").wait_for()
    other.locator("tr[data-journey=joined] .chip.paused").wait_for()
    httpx.post(f"{door.address}/journeys/joined/resume", json={}, headers=BEARER).raise_for_status()
    page.locator(".headline .chip.open").wait_for()
    other.locator("tr[data-journey=joined] .chip.open").wait_for()


def test_the_list_counts_by_itself(page: Page, door: Served) -> None:
    log_in(page, door, "/journeys")
    until_says(page, "^live$")
    entered = page.locator("tr[data-journey=booked] td[data-label=Entered] > div")
    before = int(entered.inner_text().split()[0])

    come(door, range(500, 505))

    now = before + 5
    entered.filter(has_text=re.compile(rf"^{now} in 24 h\s*{now} in all$")).wait_for()


def test_when_the_network_is_cut_the_figures_are_stale_and_come_back_whole(page: Page, door: Served) -> None:
    log_in(page, door, "/journeys/booked")
    until_says(page, "^live$")
    page.evaluate("window.first = true")

    page.context.set_offline(True)

    until_says(page, r"^stale \d+ s$")
    assert page.locator(".beside").get_attribute("aria-busy") == "true"
    come(door, range(600, 605))
    page.context.set_offline(False)
    until_says(page, "^live$")
    check_boxes(until_it_agrees(page, door))
    assert page.locator("[aria-busy]").count() == 0 and page.evaluate("window.first")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_that_are_old_keep_nobody_out(scheme: Literal["light", "dark"], page: Page, door: Served) -> None:
    page.emulate_media(color_scheme=scheme)
    log_in(page, door, "/journeys/stuck?step=three")
    for path in ("/journeys/stuck?step=three", "/journeys"):
        page.goto(f"{door.address}{path}")
        until_says(page, "^live$")
        page.context.set_offline(True)
        until_says(page, "^stale")

        assert violations(page) == []
        page.context.set_offline(False)


def test_an_engine_that_is_killed_has_stopped_and_its_figures_come_again(
    page: Page, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "serve.yaml").write_text((folder / "serve.yaml").read_text())
    write_texts(tmp_path / "studio", TEXTS)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with opened(tmp_path, port) as door:
        come(door, range(5))
        log_in(page, door, "/journeys/booked")
        until_says(page, "^live$")
        page.evaluate("window.first = true")
        door.process.kill()

        until_says(page, "^stopped$")

    assert page.locator(".beside").get_attribute("aria-busy") == "true"
    with opened(tmp_path, port) as again:
        until_says(page, "^live$")
        come(again, range(5, 9))
        check_boxes(until_it_agrees(page, again))
        assert page.evaluate("window.first"), "it was not loaded again"
        again.stop()
        until_says(page, "^stopped$")


def test_where_there_is_no_room_it_reloads(page: Page, door: Served) -> None:
    page.clock.install()
    page.route("**/live?*", lambda route: route.fulfill(status=503, json={"code": "busy"}))
    log_in(page, door, "/journeys/booked")
    until_says(page, "^reloads every 10 s$")
    come(door, range(700, 705))

    page.clock.run_for(10_000)

    until_it_agrees(page, door)


def test_a_screen_on_which_nothing_can_be_followed_is_fetched_anew_in_place(page: Page, door: Served) -> None:
    page.clock.install()
    log_in(page, door, "/changes")
    until_says(page, "^reloads every 10 s$")
    page.evaluate("window.first = true")
    changes = page.locator("main tbody tr")
    before, shown_at = changes.count(), page.locator("header time").get_attribute("datetime")
    httpx.post(f"{door.address}/journeys/joined/pause", json={}, headers=BEARER).raise_for_status()
    httpx.post(f"{door.address}/journeys/joined/resume", json={}, headers=BEARER).raise_for_status()

    page.clock.run_for(10_000)

    changes.nth(before + 1).wait_for()
    assert page.evaluate("window.first"), "it was not loaded again"
    assert page.locator("header time").get_attribute("datetime") != shown_at
    page.route("**/changes", lambda route: route.abort())
    for _ in range(3):
        page.clock.run_for(10_000)
    until_says(page, r"^stale \d+ s$")


def test_a_screen_that_is_fetched_anew_says_so_when_the_engine_hangs(page: Page, door: Served) -> None:
    page.clock.install()
    log_in(page, door, "/changes")
    until_says(page, "^reloads every 10 s$")
    page.route("**/changes", lambda _route: None)  # and so it waits for ever

    for _ in range(5):
        page.clock.run_for(10_000)

    until_says(page, r"^stale \d+ s$")


def test_the_time_of_stale_figures_is_that_of_what_was_heard_last(page: Page, door: Served) -> None:
    page.clock.install()
    log_in(page, door, "/journeys/booked")
    until_says(page, "^live$")
    page.context.set_offline(True)
    until_says(page, "^stale")
    shown_at = page.locator("header time").get_attribute("datetime")

    page.clock.run_for(30_000)

    until_says(page, r"^stale [34]\d s$")
    assert page.locator("header time").get_attribute("datetime") == shown_at


def test_an_engine_behind_a_proxy_that_finds_nobody_has_stopped(page: Page, door: Served) -> None:
    log_in(page, door, "/journeys/booked")
    until_says(page, "^live$")
    page.evaluate("window.first = true")
    page.route("**/live?*", lambda route: route.fulfill(status=503, body="<h1>Nobody there</h1>"))
    page.context.set_offline(True)
    page.context.set_offline(False)

    until_says(page, "^stopped$")
    page.unroute("**/live?*")

    until_says(page, "^live$")
    assert page.evaluate("window.first"), "it was not loaded again"


def test_a_step_opens_in_place_and_escape_brings_one_back(page: Page, door: Served) -> None:
    log_in(page, door, "/journeys/booked")
    until_says(page, "^live$")
    page.evaluate("window.first = true")

    page.locator("a.box[data-step=coming]").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/journeys/booked?step=coming#step")
    page.wait_for_function("document.activeElement.id === 'step'")
    assert page.locator("a.box[data-step=coming]").get_attribute("aria-current") == "true"
    until_says(page, "^live$")
    come(door, range(800, 803))
    came, waits, on, out = until_it_agrees(page, door)["boxes"]["coming"]["row"]
    said = f"{came:,} came in: {waits:,} wait, {on:,} went on, {out:,} went out."
    page.locator("#step [data-live=figures]", has_text=said).wait_for()
    page.locator("p.spoken", has_text=f"coming: {came:,} came in").wait_for(state="attached")

    page.keyboard.press("Escape")

    page.locator("#step").wait_for(state="detached")
    assert page.url.endswith("/journeys/booked#main") or page.url.endswith("/journeys/booked")
    page.wait_for_function("document.activeElement.dataset.step === 'coming'")
    page.go_back()
    page.locator("#step h2", has_text="coming").wait_for()
    page.go_forward()
    page.locator("#step").wait_for(state="detached")
    page.locator(".steps a", has_text="quiet").click()
    page.locator("#step h2", has_text="quiet").wait_for()
    page.locator("#step a", has_text="Close").click()
    page.locator("#step").wait_for(state="detached")
    page.wait_for_function("document.activeElement.closest('tr')?.dataset.step === 'quiet'")
    assert page.evaluate("window.first"), "nothing was loaded as a page of its own"


def test_arrow_keys_go_along_the_ways(page: Page, door: Served) -> None:
    log_in(page, door, "/journeys/booked")
    until_says(page, "^live$")
    page.locator("a.box[data-step='']").focus()
    ways = []
    for key in ("Down", "Down", "Down", "Right", "Right", "Left", "Up", "Up", "Up", "Up"):
        page.keyboard.press(f"Arrow{key}")
        ways.append(page.evaluate("document.activeElement.dataset.step"))

    assert ways[:2] == ["remind", "coming"]
    assert {ways[2], ways[3]} == {"done", "quiet"}
    assert ways[5] == ways[2] and ways[6:] == ["coming", "remind", "", ""]
