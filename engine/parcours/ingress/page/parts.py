"""The parts that screens share: how a state looks, how far a goal is reached, and boxes for what is wide."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from parcours.ingress.page.frame import NAME_MAX, moment
from parcours.ingress.page.standing import Standing
from parcours.insight.figures import amount_text, percent_text
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.journey.picture.svg_text import cut

ANY: Final = "any"

STATES: Final = ("open", "paused", "closed", "stopped")


def state_words(of: Standing) -> Markup:
    """The state, and since when it is paused."""
    since = of.entry.paused_at
    told = together(of.entry.state, " since ", moment(since)) if since is not None else of.entry.state
    return chip(told, of.entry.state)


def chip(of: Child, look: str = "") -> Markup:
    """A word or two in a frame of their own."""
    return element("span", of, class_=f"chip {look}".rstrip())


def chips(words: Iterable[str]) -> Markup:
    """The same of several texts of somebody's choice."""
    return together([together(chip(element("bdi", cut(each, NAME_MAX))), " ") for each in words])


def goal_words(of: Standing) -> Markup:
    """How many of those who entered have reached the goal, and how many should have."""
    if of.journey is not None and of.journey.goal is None:
        return together("no goal")
    entered, goal, target = of.count.entered, of.count.goal, of.target_percent
    share = percent_text(goal, entered)
    wanted = "" if target is None else f", target {amount_text(target)} %"
    told = f"{goal:,} of {entered:,}" if not share else f"{share}, {goal:,} of {entered:,}"
    return together(element("span", f"{told}{wanted}", class_="reached"), _meter(goal, entered, target))


def _meter(goal: int, entered: int, target: float | None) -> Markup | None:
    if not entered:
        return None
    bounds = {} if target is None else {"high": f"{target:g}", "optimum": "100"}
    share = f"{min(100.0, goal * 100 / entered):.1f}"
    return element("meter", min=0, max=100, value=share, aria_label="Share that has reached the goal", **bounds)


def wide(of: Markup, label: str, look: str = "") -> Markup:
    """A box that scrolls by itself where it is wider than the screen, with the keyboard as well."""
    return element("div", of, class_=f"scroll {look}".rstrip(), role="region", tabindex=0, aria_label=label)


def numeric(number: int) -> Markup:
    """A cell with a number."""
    return element("td", f"{number:,}", class_="number")


def choice(label: str, field: str, values: Iterable[str], chosen: str, words: Callable[[str], str] = str) -> Markup:
    """A field of a filter: any of them, or one. What is asked for is there even if nothing else has it."""
    offered = [*dict.fromkeys([*values, *([chosen] if chosen else [])])]
    options = [
        element("option", cut(words(each), NAME_MAX) or "(empty)", value=each, selected=each == chosen)
        for each in offered
    ]
    return element("label", f"{label} ", element("select", element("option", ANY, value=""), options, name=field))


def instant(text: str) -> Markup:
    """An instant as JSON has it, to the second."""
    return element("time", f"{text[:10]} {text[11:19]} UTC", datetime=text)


def heads(*columns: str, numbers_from: int) -> Markup:
    """The row of a table's heads; those of numbers begin at this place."""
    cells = [
        element("th", column, scope="col", class_="number" if at >= numbers_from else None)
        for at, column in enumerate(columns)
    ]
    return element("thead", element("tr", cells))
