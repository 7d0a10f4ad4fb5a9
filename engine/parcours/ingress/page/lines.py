"""Texts of any length on a screen: cut, turning nothing around them, and in lists with and without times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from parcours.ingress.page.frame import TEXT_MAX, moment
from parcours.insight.page.markup import Child, Markup, element
from parcours.journey.picture.svg_text import cut


def text(of: str, most: int = TEXT_MAX) -> Markup:
    """A text as far as there is room for it."""
    return element("bdi", cut(of, most))


def json_text(value: object) -> str:
    """A value of a trait as JSON."""
    return msgspec.json.encode(value, enc_hook=_frozen).decode()


def _frozen(value: object) -> dict[str, object]:
    assert isinstance(value, Mapping), value
    return dict(value)


def bullets(of: Iterable[str]) -> Markup:
    """Texts as a list."""
    return element("ul", [element("li", text(each)) for each in of])


def timed(of: Iterable[tuple[int, Child]]) -> Markup:
    """What has happened, each with its time in front of it."""
    items = [element("li", moment(at), " ", text(each) if type(each) is str else each) for at, each in of]
    return element("ul", items, class_="lines")
