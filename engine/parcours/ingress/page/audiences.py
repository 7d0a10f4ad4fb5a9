"""/audiences: a line for each audience: what it means, who asks for it, when it was saved. Nobody is counted."""

from __future__ import annotations

from typing import Final

from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.look_bodies import AudienceNamed
from parcours.ingress.looked_sets import audiences_named
from parcours.ingress.page.audience import meaning, saved_words, use_words
from parcours.ingress.page.cards import Column, Row, cards
from parcours.ingress.page.frame import address, name, screen, seen
from parcours.insight.figures import counted_text
from parcours.insight.page.markup import Child, Markup, element, together

COLUMNS: Final = (
    Column("Audience"),
    Column("Who is in it", is_whole=True),
    Column("Saved last", is_whole=True),
    Column("Asked for by", is_whole=True),
)


async def _audiences(door: Door, request: Request) -> Answer:
    rows = [_row(each, request) for each in await audiences_named(door)]
    table = cards(counted_text(len(rows), "audience", "audiences"), COLUMNS, rows) if rows else _none()
    return screen(door, request, "Audiences", element("h1", "Audiences"), table)


audiences_screen = seen(_audiences)


def _none() -> Markup:
    return element("p", "The project has no audience. They stand in ", element("code", "audiences.yaml"), ".")


def _row(of: AudienceNamed, request: Request) -> Row:
    link = element("a", name(of.name), href=address(request, "audiences", of.name))
    label = element("div", name(of.label), class_="tags") if of.label else None
    saved: Child = "" if of.condition is not None else saved_words(of.last_save, request)
    uses = element("ul", [element("li", use_words(each, request)) for each in of.used_by], class_="sizes")
    return Row(together(link, label), [meaning(of.condition), saved, uses if of.used_by else "nobody"])
