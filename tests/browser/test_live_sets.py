"""The screens of campaigns, audiences and analyses in a browser: in both themes, on a telephone and on paper, without
a script, by the keyboard, and from the list of campaigns to a run that was begun there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal

import httpx
import pytest
from tests.browser.test_accessibility import SIGHTS
from tests.browser.test_live_page import KEY, OVERFLOWING, SCROLLING, log_in, tab_to, violations
from tests.ingress.page.gallery import TEXTS
from tests.ingress.served import Served, served, until
from tests.projects import write_texts

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SCREENS: Final = (
    "/campaigns",
    "/campaigns/push",
    "/campaigns/push?step=both",
    "/campaigns/push?runs=all",
    "/campaigns/push/runs/1?step=later",
    "/campaigns/weekly",
    "/campaigns/push/preview",
    "/campaigns/weekly/run",
    "/campaigns/push/pause",
    "/campaigns/push/stop",
    "/campaigns/none",
    "/audiences",
    "/audiences/best",
    "/audiences/high?sample=5",
    "/offers",
    "/insight",
    "/insight/funnel/buying",
    "/insight/flow/around?from=2020-01-01",
    "/insight/attribution/mails",
    "/insight/cohort/back",
    "/insight/metric/revenue",
    "/insight/metric/revenue?from=2020-02-01&to=2020-01-01",
)

PEOPLE: Final = 8


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The gallery, to which eight have come, with a run that waits."""
    folder = tmp_path_factory.mktemp("gallery")
    write_texts(folder / "gallery", TEXTS)
    digest = sha256(KEY.encode()).hexdigest()
    (folder / "serve.yaml").write_text(
        "notice_s: 0\nsettings: {campaign_lead_ms: 20}\n"
        f"keys: [{{name: ada, sha256: {digest}, scopes: [operate, ingest, 'people:read']}}]\n"
    )
    options = ["--config", str(folder / "serve.yaml"), "--record", "email"]
    with served(folder / "gallery", f"sqlite:///{folder}/store", *options, folder=folder) as door:
        come(door)
        asked(door, "POST", "/campaigns/push/run")
        until(lambda: "later" in asked(door, "GET", "/campaigns/push/runs/1")["at_hand"], "the wait of the run")
        yield door


def come(door: Served) -> None:
    """Two share each address, and every second one buys."""
    calls = []
    for number in range(PEOPLE):
        who = {"userId": f"guest{number}"}
        traits = {"email": f"m{number // 2}@gallery.example", "score": number, "city": "Paris"}
        calls += [{"type": "identify", "traits": traits, **who}, {"type": "track", "event": "Visited", **who}]
        if number % 2:
            calls.append({"type": "track", "event": "Bought", "properties": {"total": 10}, **who})
    sent = httpx.post(f"{door.address}/v1/batch", json={"batch": calls}, auth=(KEY, ""))
    assert sent.json()["accepted"] == len(calls), sent.text


def asked(door: Served, method: str, path: str) -> dict[str, Any]:
    """What programs are told."""
    answer = httpx.request(method, f"{door.address}{path}", headers={"Authorization": f"Bearer {KEY}"})
    told: dict[str, Any] = answer.raise_for_status().json()
    return told


@pytest.mark.parametrize("width, scheme", SIGHTS)
def test_nothing_on_them_keeps_anybody_out(
    scheme: Literal["light", "dark"], width: int, page: Page, door: Served
) -> None:
    page.context.set_default_timeout(20_000)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    log_in(page, door)
    found = {}
    for path in SCREENS:
        page.goto(f"{door.address}{path}")
        found[path] = violations(page)
        assert page.evaluate(OVERFLOWING) == 0, path
        assert page.evaluate(SCROLLING) == 0, path

    assert {path: each for path, each in found.items() if each} == {}


def test_each_box_has_the_sizes_that_programs_are_told_and_one_is_at_hand(page: Page, door: Served) -> None:
    log_in(page, door, "/campaigns/push")

    told = asked(door, "GET", "/campaigns/push/runs/1")["steps"]
    for step, known in told.items():
        label = page.locator(f"a.box[data-step='{step}']").get_attribute("aria-label") or ""
        sizes = [f"{size} {'in the set' if of == 'main' else of}" for of, size in known["outputs"].items()]
        assert ", ".join(sizes) in label, label
    at_hand = page.locator("g:has(> .mark)").filter(has_text="at hand")
    assert at_hand.locator(".name").text_content() == "later"


def test_it_asks_this_door_alone_and_breaks_no_rule_of_its_own(page: Page, door: Served) -> None:
    log_in(page, door)
    asked_for: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url))
    page.on("console", lambda message: asked_for.append(message.text))
    for path in SCREENS:
        page.goto(f"{door.address}{path}")

    said = [each for each in asked_for if not each.startswith(f"{door.address}/")]
    failed = [each for each in said if "the server responded with a status of 4" in each]
    assert said == failed and len(failed) == 2, "a campaign that there is not, and a period that is none"


def test_without_a_script_and_by_the_keyboard_a_campaign_is_previewed_begun_and_stopped(
    page: Page, door: Served
) -> None:
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    log_in(plain, door, "/campaigns/weekly")

    plain.get_by_role("link", name="Preview").click()
    plain.get_by_role("button", name="Preview").click()
    row = plain.get_by_role("row").filter(has_text="inside").first
    assert re.match(r"inside\s+4\s+4 in the set", row.inner_text()), row.inner_text()
    plain.get_by_text("guest4").first.wait_for()  # whoever may see people is shown some
    plain.goto(f"{door.address}/campaigns/weekly")
    plain.get_by_role("link", name="Run…").click()
    plain.get_by_role("button", name="Let run 1 begin").click()
    plain.wait_for_url("**/campaigns/weekly/runs/1#main")
    plain.get_by_role("link", name="weekly").or_(plain.get_by_role("link", name="Stop…")).first.click()
    plain.get_by_role("textbox").fill("weekly")
    plain.get_by_role("button", name="Stop weekly").click()
    plain.wait_for_url("**/campaigns/weekly")
    assert plain.get_by_text("stopped", exact=True).first.is_visible()
    context.close()

    log_in(page, door, "/campaigns")
    tab_to(page, "push")
    page.keyboard.press("Enter")
    page.wait_for_url("**/campaigns/push")
    tab_to(page, "mail: send news", label=True)
    page.keyboard.press("Enter")
    page.wait_for_url("**/campaigns/push/runs/1?step=mail#step")
    assert page.evaluate("document.activeElement.id") == "step"


def test_a_period_is_chosen_by_a_form_and_stands_in_the_address(page: Page, door: Served) -> None:
    log_in(page, door, "/insight/metric/buyers")
    assert page.locator("dl.figures dd").inner_text() == "4"

    page.get_by_label("From").fill("2020-01-01")
    page.get_by_label("Before").fill("2020-02-01")
    page.get_by_role("button", name="Show").click()

    page.wait_for_url("**/insight/metric/buyers?from=2020-01-01&to=2020-02-01")
    assert page.locator("dl.figures dd").inner_text() == "0"
    assert page.get_by_label("From").input_value() == "2020-01-01"


def test_on_paper_a_campaign_has_its_picture_and_no_buttons(page: Page, door: Served) -> None:
    log_in(page, door, "/campaigns/push")

    page.emulate_media(media="print", color_scheme="dark")

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for gone in ("button", "header nav", ".controls"):
        assert not page.locator(gone).first.is_visible(), gone
    assert page.locator("svg.picture").is_visible()
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))) <= 2
