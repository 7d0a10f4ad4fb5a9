"""How does HTML get written? By elements, whose texts are escaped unless they are elements themselves.

Whatever is not ours has one way in, as the text of a child or an attribute, and `escaped_lines` makes it harmless.
An element is a text of its own type, and forgetting that makes it a plain one: so a mistake shows as tags that can be
read, and never as tags that do something.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

from parcours.journey.picture.svg_text import escaped_lines

VOID: Final = frozenset({"br", "hr", "input", "link", "meta"})
"""Elements that have no end and no children."""

Attribute: TypeAlias = str | int | bool | None
"""True stands there without a value, False and None not at all."""


class Markup(str):
    """HTML that is ours: it is never escaped again."""

    __slots__ = ()


Child: TypeAlias = str | Markup | None | Iterable["str | Markup | None"]
"""A text, an element, nothing, or several of them."""


def element(tag: str, *children: Child, **attributes: Attribute) -> Markup:
    """An element. Its attributes have `_` in place of `-`, and one behind what Python reserves, as in `class_`."""
    head = f"<{tag}{''.join(_attribute(name, value) for name, value in attributes.items())}>"
    if tag in VOID:
        assert not children, tag
        return Markup(head)
    return Markup(f"{head}{together(*children)}</{tag}>")


def together(*children: Child) -> Markup:
    """Children one after the other, without an element around them."""
    return Markup("".join(_child(each) for each in children))


def drawn(svg: str) -> Markup:
    """A picture as the functions that draw write it, which have escaped its texts."""
    return Markup(svg.rstrip("\n"))


def _child(child: Child) -> str:
    match child:
        case None:
            return ""
        case Markup():
            return child
        case str():
            return escaped_lines(child)
        case _:
            return "".join(map(_child, child))


def _attribute(name: str, value: Attribute) -> str:
    written = name.removesuffix("_").replace("_", "-")
    match value:
        case None | False:
            return ""
        case True:
            return f" {written}"
        case _:
            return f' {written}="{escaped_lines(str(value))}"'
