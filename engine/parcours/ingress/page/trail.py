"""/changes: who has changed what is published, when, and what it came to; the newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.page.frame import TEXT_MAX, address, name, screen, seen
from parcours.ingress.page.parts import instant
from parcours.ingress.page.rows import stacking
from parcours.ingress.trail import trail_told
from parcours.ingress.trail_bodies import ChangeShown, Trail
from parcours.insight.figures import counted_text
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.journey.picture.svg_text import cut

COLUMNS = ("When", "Who", "What", "Figures before it", "Ledger")

DONE = {"close": "closed", "stop": "stopped", "pause": "paused", "resume": "resumed"}


async def _changes(door: Door, request: Request) -> Answer:
    told = trail_told(door, request)
    campaigns = door.service.program.campaign_names()
    rows = [_row(each, request, is_campaign=each.name in campaigns) for each in told.changes]
    table = stacking("What was changed, the newest first", COLUMNS, rows) if rows else element("p", "No more changes.")
    at_hand = counted_text(told.remembered, "change", "changes")
    return screen(
        door,
        request,
        "Changes",
        element("h1", "Changes"),
        table,
        _pages(told, request),
        element("p", f"At hand: {at_hand}. Older ones are facts, in the table ", element("code", "changes"), "."),
    )


changes_screen = seen(_changes)


def _row(of: ChangeShown, request: Request, *, is_campaign: bool) -> Sequence[Child]:
    return (
        instant(of.at),
        name(of.by) if of.by else element("i", "nobody was named"),
        together(_what(of, request, is_campaign=is_campaign), _said(of)),
        ", ".join(_figures(of)) or "not counted",
        f"{of.before:,} → {of.ledger:,}",
    )


def _what(of: ChangeShown, request: Request, *, is_campaign: bool) -> Markup:
    if of.what == "publish":
        return together("published a project")
    named = name(of.name) if is_campaign else element("a", name(of.name), href=address(request, "journeys", of.name))
    return together(DONE[of.what], " ", named)


def _said(of: ChangeShown) -> Markup | None:
    lines = [element("bdi", cut(each, TEXT_MAX)) for each in of.changes]
    if len(lines) < 2:
        return element("div", lines, class_="lead") if lines else None
    return element("ul", [element("li", each) for each in lines], class_="told")


def _figures(of: ChangeShown) -> Iterator[str]:
    if of.runs is None:
        return
    if of.runs.stay or not (of.runs.end or of.runs.make_up):
        yield f"{counted_text(of.runs.stay, 'run', 'runs')} stayed"
    if of.runs.end:
        yield f"{of.runs.end:,} ended"
    if of.runs.make_up:
        yield f"{of.runs.make_up:,} made up for what the pause had kept"
    if of.deliveries_cancelled:
        yield f"{counted_text(of.deliveries_cancelled, 'delivery', 'deliveries')} cancelled"


def _pages(told: Trail, request: Request) -> Markup | None:
    if told.next is None:
        return None
    return element("p", element("a", "Older ones", href=address(request, "changes", skip=f"{told.next}")))
