"""/people: somebody is found by an id, a name or an address, exactly; nobody is browsed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from parcours.ingress.asked_people import ADDRESS_KINDS, found_by
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.page.frame import TEXT_MAX, address, screen, seen
from parcours.ingress.page.person_links import person_link
from parcours.insight.page.markup import Markup, element, together
from parcours.journey.picture.svg_text import cut

FOUND_SHOWN: Final = 20
"""Of everybody who has one address."""

NOBODY: Final = "Nobody is known by exactly this id, name or address, or she was erased."


async def _people(door: Door, request: Request) -> Answer:
    text = next((told for each in ("q", *ADDRESS_KINDS) if (told := request.query.get(each, "").strip())), "")
    found = await found_by(door, request, text) if text else []
    return screen(
        door,
        request,
        "People",
        element("h1", "People"),
        _form(request, text),
        _found(found, request) if text else None,
        element("p", "People are found one by one; there is no list of all. Whom you look at is recorded."),
        reloads=False,
    )


people_screen = seen(_people)


def _form(request: Request, text: str) -> Markup:
    return element(
        "form",
        element("label", "Id, name or address", for_="q"),
        element("input", id="q", name="q", type="search", value=cut(text, TEXT_MAX), required=True, autofocus=not text),
        element("button", "Find"),
        method="get",
        action=address(request, "people"),
        role="search",
        class_="filter find",
    )


def _found(found: Sequence[str], request: Request) -> Markup:
    if not found:
        return element("p", NOBODY, role="status")
    links = [element("li", person_link(each, request)) for each in found[:FOUND_SHOWN]]
    left_out = len(found) - len(links)
    more = element("p", f"{left_out:,} more have this address.") if left_out > 0 else None
    return together(element("ul", links, class_="found"), more)
