"""The live page in a browser: its figures, by mouse and by keyboard, without a script, in both themes, on a telephone
and on paper.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal

import httpx
import pytest
from tests import installed
from tests.browser.test_accessibility import RUN, SIGHTS, told
from tests.ingress.page.studio import TEXTS
from tests.ingress.served import Served, served, until
from tests.projects import write_texts

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

KEY: Final = "sk_studio"

SCREENS: Final = (
    "/",
    "/try",
    "/journeys/booked",
    "/journeys/booked?step=coming",
    "/journeys/booked/versions",
    "/journeys/booked/versions?left=1&right=1",
    "/journeys/booked/pause",
    "/journeys/booked/stop",
    "/deliveries",
    "/changes",
    "/engine",
    "/dead",
    "/publish",
    "/journeys/booked/steps/remind/message",
    "/people?q=person1",
    "/people/person1",
    "/people/person1/erase",
    "/journeys/none",
)

OVERFLOWING: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

SCROLLING: Final = """
[...document.querySelectorAll('main .scroll')].filter(
  each => each.scrollWidth > each.clientWidth + 1 && !each.closest('figure')
).length
"""
"""Boxes that scroll sideways, beside that of the picture."""

LONG: Final = "journey: long\nentry: {event: Joined}\nsteps:\n" + "".join(
    f"  - {{id: step-{number}, wait: {number}d}}\n" for number in range(1, 13)
)
"""A journey of as many steps as have to go on one page of paper, one below the other."""

A4_PIXELS: Final = 688
"""The width of the paper without its margins."""


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The studio, to which nine have come."""
    folder = tmp_path_factory.mktemp("studio")
    write_texts(folder / "studio", {**TEXTS, "journeys/long.yaml": LONG})
    digest = sha256(KEY.encode()).hexdigest()
    (folder / "serve.yaml").write_text(
        f"notice_s: 0\nsettings: {{instant_steps_max: 3}}\n"
        f"keys: [{{name: ada, sha256: {digest}, scopes: [operate, ingest, people]}}]\n"
    )
    options = ["--config", str(folder / "serve.yaml"), "--record", "email"]
    with served(folder / "studio", f"sqlite:///{folder}/store", *options, folder=folder) as door:
        come(door, range(9))
        yield door


def come(door: Served, numbers: range) -> None:
    """People book and join, every third comes."""
    calls = []
    for number in numbers:
        who = {"userId": f"person{number}"}
        calls.append({"type": "identify", "traits": {"email": f"p{number}@mail.example"}, **who})
        events = ["Booked", "Joined", *(["Came"] if number % 3 == 0 else [])]
        calls += [{"type": "track", "event": each, "properties": {"total": 80}, **who} for each in events]
    sent = httpx.post(f"{door.address}/v1/batch", json={"batch": calls}, auth=(KEY, ""))
    assert sent.json()["accepted"] == len(calls), sent.text


def log_in(page: Page, door: Served, path: str = "/") -> None:
    """As somebody does who follows a link: to the form, and back to where it leads."""
    page.goto(f"{door.address}{path}")
    page.locator("#key:focus").wait_for()
    page.keyboard.type(KEY)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{door.address}{path}")


def test_each_box_has_the_figures_that_programs_are_told_while_events_flow(page: Page, door: Served) -> None:
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False)  # with it they change by themselves (test_following.py)
    plain = context.new_page()
    log_in(plain, door, "/journeys/booked")
    for beginning in (100, 200):
        come(door, range(beginning, beginning + 30))
        until(lambda: boxes(plain) == told_steps(door), "the same figures in the picture and in JSON")
        report = httpx.get(f"{door.address}/report", headers={"Authorization": f"Bearer {KEY}"}).json()
        shown = boxes(plain)
        assert shown == report["summary"]["journeys"]["booked"]["steps"]
        assert all(each["inflow"] == each["waiting"] + each["gone_on"] + each["ended"] for each in shown.values())
    context.close()


def told_steps(door: Served) -> object:
    answer = httpx.get(f"{door.address}/journeys/booked", headers={"Authorization": f"Bearer {KEY}"}).json()
    return answer["steps"]


def boxes(page: Page) -> dict[str | None, dict[str, int]]:
    """The figures of each box, loaded anew."""
    page.reload()
    shown = {}
    for box in page.locator("a.box[data-step]:not([data-step=''])").all():
        counts = re.search(r"(\d+) came, (\d+) wait, (\d+) went on, (\d+) ended", box.get_attribute("aria-label") or "")
        assert counts is not None
        shown[box.get_attribute("data-step")] = dict(
            zip(("inflow", "waiting", "gone_on", "ended"), map(int, counts.groups()), strict=True)
        )
        line = box.locator("xpath=following-sibling::*[1]").locator(".figures").text_content()
        assert line == f"{counts[1]} in · {counts[3]} on · {counts[4]} out"
    return shown


def test_by_the_keyboard_alone_one_comes_from_the_list_to_a_step_and_out(page: Page, door: Served) -> None:
    log_in(page, door)

    tab_to(page, "booked")
    page.keyboard.press("Enter")
    page.wait_for_url("**/journeys/booked")
    tab_to(page, "coming: wait for", label=True)
    page.keyboard.press("Enter")
    page.wait_for_url("**/journeys/booked?step=coming#step")
    assert page.evaluate("document.activeElement.id") == "step", "a reader goes on at what was asked for"
    assert "Came or remind opened" in page.locator("#step").inner_text()
    tab_to(page, "quiet")
    page.keyboard.press("Enter")
    page.wait_for_url("**/journeys/booked?step=quiet#step")
    page.goto(page.url.partition("?")[0])
    tab_to(page, "Log out")
    page.keyboard.press("Enter")
    page.wait_for_url("**/in")
    page.goto(f"{door.address}/journeys")
    assert page.url.endswith("/in?next=%2Fjourneys")


def tab_to(page: Page, words: str, *, label: bool = False) -> None:
    """Go from stop to stop until one says this."""
    what = "getAttribute('aria-label') || ''" if label else "textContent"
    for _ in range(60):
        page.keyboard.press("Tab")
        if str(page.evaluate(f"(document.activeElement.{what}).trim()")).startswith(words):
            return
    raise AssertionError(f"no stop says {words!r}")


def test_without_a_script_all_of_it_can_be_read_and_used(page: Page, door: Served) -> None:
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    log_in(plain, door)
    for path in SCREENS:
        plain.goto(f"{door.address}{path}")
        assert plain.locator("h1").count() == 1 and plain.locator("h1").is_visible()
    plain.goto(f"{door.address}/journeys?tag=classes")
    plain.get_by_role("searchbox").fill("joi")
    plain.get_by_role("button", name="Show").click()
    assert plain.locator("tbody th a").all_inner_texts() == ["joined"]
    plain.get_by_role("button", name="Log out").click()
    assert plain.url.endswith("/in")
    context.close()


@pytest.mark.parametrize("width, scheme", SIGHTS)
def test_nothing_on_it_keeps_anybody_out(
    scheme: Literal["light", "dark"], width: int, page: Page, door: Served
) -> None:
    page.context.set_default_timeout(20_000)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{door.address}/in")
    found = {"/in": violations(page)}
    log_in(page, door)
    for path in SCREENS:
        page.goto(f"{door.address}{path}")
        found[path] = violations(page)
        assert page.evaluate(OVERFLOWING) == 0, path
        assert page.evaluate(SCROLLING) == 0, path

    assert {path: each for path, each in found.items() if each} == {}


def violations(page: Page) -> list[str]:
    """By the rules of axe-core. The page lets no script of others run, so it comes by the debugger."""
    page.evaluate((installed.npm_packages() / "axe-core" / "axe.min.js").read_text())
    return told(page.evaluate(RUN)["violations"])


def test_it_asks_this_door_alone_and_breaks_no_rule_of_its_own(page: Page, door: Served, asked: list[str]) -> None:
    log_in(page, door)
    for path in SCREENS[:-1]:
        page.goto(f"{door.address}{path}")
    page.goto(f"{door.address}/report?kind=channel")

    page.goto(f"{door.address}/report?kind=journey")

    said = [each for each in asked if not each.startswith(f"{door.address}/")]
    assert [each for each in said if not each.startswith("[DOM] Password forms")] == []  # there are no names of users
    assert [each for each in asked if each.endswith(".css")], "it has asked for something"


def test_on_paper_a_journey_is_one_page_in_black_on_white(page: Page, door: Served) -> None:
    log_in(page, door, "/journeys/booked")
    page.set_viewport_size({"width": A4_PIXELS, "height": 1_000})

    page.emulate_media(media="print", color_scheme="dark")

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.evaluate(OVERFLOWING) == 0
    for gone in ("button", "header nav", ".up"):
        assert not page.locator(gone).first.is_visible(), gone
    assert page.locator("header time").is_visible() and page.locator("svg.picture").is_visible()
    for path in ("/journeys/booked", "/journeys/long", "/journeys"):
        page.goto(f"{door.address}{path}")
        assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))) == 1, path
