"""A report as a page in a browser: it loads nothing, runs nothing, fits a telephone, and has two themes and paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

OVERFLOWING: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
GROUND: Final = "getComputedStyle(document.body).backgroundColor"
OF_CHART: Final = "getComputedStyle(document.querySelector('svg.chart > rect')).fill"
NARROW_BOXES: Final = """
[...document.querySelectorAll('.scroll')].filter(box => box.getBoundingClientRect().right > innerWidth).length
"""
UNNAMED: Final = """
[...document.querySelectorAll('svg, .scroll, nav')].filter(each => !each.getAttribute('aria-label')).length
"""


@pytest.mark.parametrize("scheme, ground, sheet", [
    ("light", "rgb(246, 245, 242)", "rgb(255, 255, 255)"),
    ("dark", "rgb(19, 20, 22)", "rgb(31, 34, 37)"),
])  # fmt: skip
def test_the_page_opens_without_a_network_in_the_theme_of_its_reader(
    scheme: str, ground: str, sheet: str, page: Page, asked: list[str], report: Path
) -> None:
    page.context.set_offline(True)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")

    page.goto(report.as_uri())

    assert asked == [report.as_uri()], "nothing else is asked for, and nothing is wrong with it"
    assert page.title() == "Report of shop", "no script has changed it"
    assert (page.evaluate(GROUND), page.evaluate(OF_CHART)) == (ground, sheet)
    assert page.evaluate(UNNAMED) == 0


@pytest.mark.parametrize("width", [360, 1_280])
def test_nothing_is_wider_than_the_page_and_what_is_wide_scrolls_in_its_box(
    width: int, page: Page, report: Path
) -> None:
    page.set_viewport_size({"width": width, "height": 800})

    page.goto(report.as_uri())

    assert page.evaluate(OVERFLOWING) == 0
    assert page.evaluate(NARROW_BOXES) == 0
    page.get_by_text("Rows as CSV").first.click()
    assert page.evaluate(OVERFLOWING) == 0, "nor is a table as CSV"


def test_on_paper_it_is_black_on_white_without_what_can_only_be_clicked(page: Page, report: Path) -> None:
    page.set_viewport_size({"width": 688, "height": 1_000})  # A4 without its margins
    page.goto(report.as_uri())

    page.emulate_media(media="print", color_scheme="dark")

    assert page.evaluate(GROUND) == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert not page.locator("details, nav").first.is_visible()
    assert page.evaluate(OVERFLOWING) == 0
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_what_scrolls_can_be_reached_by_the_keyboard_and_the_first_stop_leads_to_the_figures(
    page: Page, report: Path
) -> None:
    page.goto(report.as_uri())

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the figures"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.locator("main .scroll").first.focus()
    assert page.evaluate("document.activeElement.getAttribute('role')") == "region"
