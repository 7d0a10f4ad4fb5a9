"""/insight: what the project asks of facts, a line each, which leads to the answer."""

from __future__ import annotations

from typing import Final

from parcours.ingress.asked_analyses import AnalysisListed, analyses_of
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.page.cards import Column, Row, cards
from parcours.ingress.page.frame import TEXT_MAX, address, name, screen, seen
from parcours.insight.figures import counted_text
from parcours.insight.page.markup import Markup, element, together
from parcours.journey.picture.svg_text import cut

COLUMNS: Final = (Column("Name"), Column("Kind"), Column("What it asks", is_whole=True))

KINDS: Final = {"holdout": "hold-out"}


async def _analyses(door: Door, request: Request) -> Answer:
    listed = analyses_of(door.service.program)
    rows = [_row(each, request) for each in listed]
    report = element("a", "report", href=address(request, "report"))
    return screen(
        door,
        request,
        "Insight",
        element("h1", "Insight"),
        element("p", "Each is answered when it is opened, from all facts until then. The ", report, " has them all."),
        cards(counted_text(len(rows), "question", "questions"), COLUMNS, rows) if rows else _none(),
        reloads=False,
    )


analyses_screen = seen(_analyses)


def _none() -> Markup:
    return element("p", "The project asks nothing yet. Its questions stand in ", element("code", "insight/"), ".")


def _row(of: AnalysisListed, request: Request) -> Row:
    link = element("a", name(of.name), href=address(request, "insight", of.kind, of.name, metric=of.metric))
    beside = together(" by ", name(of.metric)) if of.metric is not None else None
    return Row(together(link, beside), [KINDS.get(of.kind, of.kind), element("bdi", cut(of.asks, TEXT_MAX))])
