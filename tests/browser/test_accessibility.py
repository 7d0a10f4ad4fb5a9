"""A report as a page by the rules of axe-core: whoever does not see it well, or not at all, is told the same."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest
from tests import installed

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

RUN: Final = "axe.run(document, {resultTypes: ['violations']})"
"""All rules, good practice as well. Of contrasts within pictures it cannot tell: tests of their colours do."""

OPENED: Final = "document.querySelectorAll('details').forEach(each => { each.open = true })"

FULL: Final = "PARCOURS_BROWSER_FULL" in os.environ

SIGHTS: Final = [*product((360, 1_280), ("light", "dark"))] if FULL else [(360, "dark"), (1_280, "light")]
"""Widths and themes in which everything is looked at: each of them once, all four pairs with PARCOURS_BROWSER_FULL."""


@pytest.mark.parametrize("width, scheme", SIGHTS)
def test_nothing_on_it_keeps_anybody_out(
    scheme: Literal["light", "dark"], width: int, page: Page, report: Path
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(report.as_uri())
    page.evaluate(OPENED)

    page.evaluate((installed.npm_packages() / "axe-core" / "axe.min.js").read_text())
    found = page.evaluate(RUN)

    assert told(found["violations"]) == []


def told(found: list[dict[str, Any]]) -> list[str]:
    """What is wrong, each with where it is first, how often, and why."""
    return [
        f"{each['impact']}: {each['id']}: {len(each['nodes'])} times, such as {each['nodes'][0]['html'][:300]}: "
        f"{each['nodes'][0]['failureSummary']}"
        for each in found
    ]
