"""/offers: what became of each offer at each placement: how often it was given, seen, clicked, and kept away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.offer_figures import CapOfAll, OfferShown, offers_shown
from parcours.ingress.page.cards import Column, Row, cards
from parcours.ingress.page.frame import NAME_MAX, address, name, screen, seen
from parcours.ingress.page.parts import chips
from parcours.ingress.page.run_parts import moment_of
from parcours.insight.figures import counted_text
from parcours.insight.offer_counts import OfferCount
from parcours.insight.page.markup import Child, Markup, element, together

OFFERS_MAX: Final = 200
"""Offers on one screen; more are found by their names."""

COLUMNS: Final = (
    Column("Offer", is_whole=True),
    Column("Placement", is_whole=True),
    Column("Given", is_number=True),
    Column("Shown", is_number=True),
    Column("Clicked", is_number=True),
    Column("Dismissed", is_number=True),
    Column("Converted", is_number=True),
    Column("Given back", is_number=True),
    Column("Kept away by caps", is_number=True),
)

NOT_YET: Final = OfferCount()


async def _offers(door: Door, request: Request) -> Answer:
    every = await offers_shown(door)
    found = [each for each in every if _is_asked_for(each, request)]
    rows = [row for each in found[:OFFERS_MAX] for row in _rows(each)]
    left = len(found) - OFFERS_MAX
    return screen(
        door,
        request,
        "Offers",
        element("h1", "Offers"),
        element("p", "Since the store began. ", _report(request), " has it by time, and why offers were not chosen."),
        _filter(request) if every else None,
        cards(_caption(found, every), COLUMNS, rows) if rows else _none(every, request),
        element("p", f"{left:,} more: filter by a part of their names.") if left > 0 else None,
    )


offers_screen = seen(_offers)


def _is_asked_for(of: OfferShown, request: Request) -> bool:
    searched = "\n".join([of.name, of.title, *of.tags]).casefold()
    return request.query.get("q", "").strip().casefold() in searched


def _report(request: Request) -> Markup:
    return element("a", "The report of offers", href=address(request, "report", kind="offer"))


def _caption(found: Sequence[OfferShown], every: Sequence[OfferShown]) -> str:
    many = counted_text(len(found), "offer", "offers")
    return many if len(found) == len(every) else f"{many} of {len(every):,}"


def _none(every: Sequence[OfferShown], request: Request) -> Markup:
    if every:
        whole = element("a", f"Show all {len(every):,}", href=address(request, "offers"))
        return element("p", "No offer is like that. ", whole, ".")
    return element("p", "The project has no offers. They stand in ", element("code", "offers.yaml"), ".")


def _filter(request: Request) -> Markup:
    asked = request.query.get("q", "")[:NAME_MAX]
    return element(
        "form",
        element("label", "Text ", element("input", type="search", name="q", value=asked)),
        element("button", "Show"),
        action=address(request, "offers"),
        role="search",
        class_="filter",
    )


def _rows(of: OfferShown) -> Iterator[Row]:
    """A row for each placement; of an offer that nobody got yet one."""
    for placement, count in of.placements.items() or [("nowhere yet", NOT_YET)]:
        figures = (
            count.decided, count.shown, count.clicked, count.dismissed, count.converted, count.given_back, count.capped,
        )  # fmt: skip
        yield Row(_head(of), [name(placement), *(f"{each:,}" for each in figures)])


def _head(of: OfferShown) -> Child:
    told = [each for each in (_period(of), *map(_cap, of.totals)) if each is not None]
    if not of.title and not of.decisions:
        told.append(together("offered no more"))
    chosen = together("by ", [together(", " if at else "", name(each)) for at, each in enumerate(of.decisions)])
    return together(
        name(of.name),
        element("div", name(of.title), class_="tags") if of.title and of.title != of.name else None,
        element("div", chosen, class_="tags") if of.decisions else None,
        [element("div", each, class_="tags") for each in told],
        element("div", chips(of.tags), class_="tags") if of.tags else None,
    )


def _period(of: OfferShown) -> Markup | None:
    begins = together("from ", moment_of(of.begins)) if of.begins is not None else None
    ends = together("until ", moment_of(of.ends)) if of.ends is not None else None
    return None if begins is None and ends is None else together(begins, " " if begins and ends else "", ends)


def _cap(of: CapOfAll) -> Markup:
    return together(f"at most {of.max:,} {'each day' if of.daily else 'ever'}, for everybody together")
