"""How does MJML become HTML? Liquid's tags pass through it untouched.

Refused before the library sees it is what it would leave out without a word, or not survive.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final

import mjml
import re2

DEPTH_MAX: Final = 100
"""Elements within each other. The library goes down by recursion, and 3,000 levels end the process."""

ELEMENTS: Final = frozenset(
    [
        "mj-accordion",
        "mj-accordion-element",
        "mj-accordion-text",
        "mj-accordion-title",
        "mj-all",
        "mj-attributes",
        "mj-body",
        "mj-breakpoint",
        "mj-button",
        "mj-carousel",
        "mj-carousel-image",
        "mj-class",
        "mj-column",
        "mj-divider",
        "mj-font",
        "mj-group",
        "mj-head",
        "mj-hero",
        "mj-image",
        "mj-navbar",
        "mj-navbar-link",
        "mj-preview",
        "mj-raw",
        "mj-section",
        "mj-social",
        "mj-social-element",
        "mj-spacer",
        "mj-style",
        "mj-table",
        "mj-text",
        "mj-title",
        "mj-wrapper",
    ]
)
"""The elements that the library knows; it writes any other into the mail as it is."""

VOID: Final = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
"""Elements of HTML that have no end."""

LIQUID: Final = re2.compile(r"(?s)(\{%.*?%\}|\{\{.*?\}\})")
"""A tag or an output of a template. By RE2, whose work grows with the text alone, also where none is ever closed."""

MARKUP: Final = "<>&\"'"
"""What means something to a parser of MJML, and something else in a tag of Liquid."""

PRIVATE_USE: Final = range(0xE000, 0xF900)
"""Characters without a meaning of their own."""

_COMMENT: Final = re2.compile(r"(?s)<!--.*?-->")
_TAG: Final = re.compile(r"<(/?)([A-Za-z][\w-]*)|/>")
_INLINE_STYLE: Final = re.compile(r"<mj-style[^<>]*\sinline\b", re.IGNORECASE)


def compiled(source: str) -> str:
    """The HTML of it. Raises ValueError with the reason if it is no MJML that can be compiled."""
    unused = (chr(each) for each in PRIVATE_USE if chr(each) not in source)
    hidden = dict(zip(map(ord, MARKUP), unused, strict=False))
    protected = LIQUID.sub(lambda tag: tag[0].translate(hidden), source)
    try:
        check_mjml(protected)
        html = mjml.mjml2html(protected)
    except (OSError, ValueError) as error:
        advice = "; in a text < is written &lt;" if "unable to parse next" in str(error) else ""
        raise ValueError(f"mjml cannot be compiled: {error}{advice}") from error
    return html.translate({ord(stand_in): sign for sign, stand_in in hidden.items()})


def check_mjml(source: str) -> None:
    """Raise ValueError for elements that are unknown, or too deep, and for styles that would not be put inline."""
    source = _COMMENT.sub("", source)
    depth, last = 0, ""
    for tag in _TAG.finditer(source):
        name = (tag[2] or "").lower()
        if name:
            last = name
            _check_element(name)
        if name in VOID or (not name and last in VOID):
            continue
        depth += 1 if name and not tag[1] else -1
        if depth > DEPTH_MAX:
            raise ValueError(f"its elements are nested more than {DEPTH_MAX} deep")
    if _INLINE_STYLE.search(source):
        raise ValueError("<mj-style inline> is not put inline, set the attribute of the elements, or use mj-attributes")


def _check_element(name: str) -> None:
    if name == "mj-include":
        raise ValueError("<mj-include> finds nothing, for a message has no files beside it")
    if name.startswith("mj-") and name not in ELEMENTS:
        near = get_close_matches(name, ELEMENTS, n=1)
        raise ValueError(f"unknown element <{name}>{f', did you mean <{near[0]}>?' if near else ''}")
