"""Two versions of a journey on one screen: in words, as pictures with what is otherwise marked, and as documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from parcours.ingress.exchange import Request
from parcours.ingress.page.frame import TEXT_MAX, address
from parcours.ingress.page.parts import wide
from parcours.ingress.version_comparison import TEXT_LINES_MAX, Comparison, TextDifference
from parcours.insight.page.markup import Child, Markup, drawn, element, together
from parcours.insight.version_diff import Sign
from parcours.journey.picture.drawing import journey_svg
from parcours.journey.picture.svg_text import cut
from parcours.journey.program import Journey

LINES_MAX: Final = 400
"""What is told in words; who changes more than that reads the documents."""

DIFF_LINES_MAX: Final = 2_000
"""Lines of all documents that a screen shows."""

LEGEND: Final = "+ is new, − is gone, and ~ does something else."

KINDS: Final = {"+": "ins", "-": "del"}
"""The elements of lines that are new or gone, which say so to those who do not look."""


def side_by_side(of: Comparison, request: Request) -> Markup:
    """What is otherwise in the right version than in the left one."""
    left, right = of.left, of.right
    title = f"Version {left.version} and version {right.version}"
    return element(
        "section",
        element("h2", title, id="compared", tabindex=-1),
        told_lines(of.difference.told) if of.difference.told else element("p", "They do not differ in anything."),
        _pictures(of, request),
        _texts(of.texts),
        element(
            "p",
            "What people would have got otherwise is told, of two folders and by events that were recorded, by ",
            element("code", "parcours diff OLD NEW --events FILE"),
            ".",
        ),
        class_="compared",
    )


def told_lines(told: Iterable[str]) -> Markup:
    """Differences in words, a line each, as many as anybody reads."""
    lines = [*told]
    more = f"and {len(lines) - LINES_MAX:,} more" if len(lines) > LINES_MAX else None
    shown: list[Child] = [element("bdi", cut(each, TEXT_MAX)) for each in lines[:LINES_MAX]]
    return element("ul", [element("li", each) for each in [*shown, more] if each], class_="told")


def _pictures(of: Comparison, request: Request) -> Markup:
    signs = of.difference.signs
    gone: dict[str, Sign] = {name: sign for name, sign in signs.items() if sign != "+" and name in of.left.steps}
    new: dict[str, Sign] = {name: sign for name, sign in signs.items() if name in of.right.steps}
    legend = element("p", LEGEND, class_="lead") if signs else None
    both = _picture(of.left, "left", gone, request), _picture(of.right, "right", new, request)
    return together(legend, element("div", both, class_="pair"))


def _picture(journey: Journey, side: str, signs: Mapping[str, Sign], request: Request) -> Markup:
    version = f"{journey.version}"

    def link(step: str) -> str:
        fragment = "step" if step else "main"
        return address(request, "journeys", journey.name, version=version, step=step or None, fragment=fragment)

    svg = drawn(journey_svg(journey, link=link, prefix=side, embedded=True, signs=signs))
    caption = element("figcaption", f"Version {version}")
    return element("figure", caption, wide(svg, f"Picture on the {side}, of version {version}"))


def _texts(texts: Iterable[TextDifference]) -> Markup | None:
    left, shown = DIFF_LINES_MAX, list[Markup]()
    for each in texts:
        lines = each.lines[:left]
        left -= len(lines)
        shown.append(element("h4", element("bdi", cut(each.path, TEXT_MAX))))
        if not each.lines:
            shown.append(element("p", f"It is longer than {TEXT_LINES_MAX:,} lines, and is not compared here."))
            continue
        shown.append(element("pre", [_line(line) for line in lines], class_="diff"))
        if len(lines) < len(each.lines):
            shown.append(element("p", f"and {len(each.lines) - len(lines):,} lines more"))
    if not shown:
        return None
    kept = "As the store has them: without comments, and keys in the order in which they are documented."
    return together(element("h3", "The documents"), element("p", kept, class_="lead"), shown)


def _line(line: str) -> Markup:
    return element(KINDS.get(line[:1], "span"), f"{line}\n")
