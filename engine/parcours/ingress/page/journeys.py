"""/journeys: a line for each journey, those first that somebody should look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from parcours.ingress.changes import answered
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.journey_figures import journeys_of
from parcours.ingress.page.controls import may_change
from parcours.ingress.page.frame import NAME_MAX, address, name, screen, seen
from parcours.ingress.page.parts import STATES, chips, choice, goal_words, state_words
from parcours.ingress.page.publishing import folder_note
from parcours.ingress.page.rows import stacking
from parcours.ingress.page.signs import health, signs_of, urgency
from parcours.ingress.page.standing import Standing, standing
from parcours.insight.figures import counted_text
from parcours.insight.health import Sign
from parcours.insight.page.markup import Child, Markup, element, together

ENTERED: Final = "Entered"

COLUMNS: Final = ("Journey", "State", "Health", "Goal reached", "In it now", ENTERED, "Versions with people")

NUMBERS: Final = frozenset({"In it now", ENTERED, "Versions with people"})

TAGS_MAX: Final = 200
"""Tags to choose from; whoever uses more filters by text."""


async def _journeys(door: Door, request: Request) -> Answer:
    report = await answered(door.service.report())
    counts = report.counts
    lines = [standing(report, name, entry, counts.get(name, [])) for name, entry in journeys_of(door, report.ledger)]
    found = [(each, signs_of(report, each.name, request)) for each in lines if _is_asked_for(each, request)]
    found.sort(key=lambda each: (urgency(each[1]), each[0].name))
    return screen(
        door,
        request,
        "Journeys",
        element("h1", "Journeys"),
        await folder_note(door, may_publish=may_change(request), where=address(request, "publish")),
        _filter(lines, request) if lines else None,
        element(
            "div",
            _table(found, len(lines), request) if found else _none(lines, request),
            data_topics="journeys",
            data_ledger=report.ledger.number,
        ),
    )


journeys_screen = seen(_journeys)


def _is_asked_for(of: Standing, request: Request) -> bool:
    text, tag, state = (request.query.get(each, "") for each in ("q", "tag", "state"))
    description = "" if of.journey is None else of.journey.description
    searched = "\n".join([of.name, description, *of.tags]).casefold()
    return (
        text.strip().casefold() in searched and (not tag or tag in of.tags) and (not state or state == of.entry.state)
    )


def _none(lines: Sequence[Standing], request: Request) -> Markup:
    if lines:
        every = element("a", f"Show all {len(lines):,}", href=address(request, "journeys"))
        return element("p", "No journey is like that. ", every, ".")
    return element("p", "No journey is published yet. ", element("code", "parcours publish"), " publishes a project.")


def _filter(lines: Sequence[Standing], request: Request) -> Markup:
    tags = sorted({tag for each in lines for tag in each.tags})[:TAGS_MAX]
    return element(
        "form",
        element(
            "label", "Text ", element("input", type="search", name="q", value=request.query.get("q", "")[:NAME_MAX])
        ),
        choice("Tag", "tag", tags, request.query.get("tag", "")) if tags else None,
        choice("State", "state", STATES, request.query.get("state", "")),
        element("button", "Show"),
        action=address(request, "journeys"),
        role="search",
        class_="filter",
    )


def _table(found: Sequence[tuple[Standing, Sequence[Sign]]], of: int, request: Request) -> Markup:
    many = counted_text(len(found), "journey", "journeys")
    rows = [_line(each, signs, request) for each, signs in found]
    caption = many if len(found) == of else f"{many} of {of:,}"
    return stacking(caption, COLUMNS, rows, NUMBERS, [each.name for each, _ in found])


def cells(of: Standing, signs: Sequence[Sign], request: Request) -> dict[str, Child]:
    """The cells of a journey's line behind its name, by their columns."""
    versions = ", ".join(f"{version} ({runs:,})" for version, runs in of.peopled.items())
    entered = together(f"{of.lately:,} in {of.hours} h", element("div", f"{of.count.entered:,} in all", class_="tags"))
    told = (state_words(of), health(signs, request), goal_words(of), f"{of.in_it:,}", entered, versions or "none")
    return dict(zip(COLUMNS[1:], told, strict=True))


def _line(of: Standing, signs: Sequence[Sign], request: Request) -> Sequence[Child]:
    link = element("a", name(of.name), href=address(request, "journeys", of.name))
    head = together(link, element("div", chips(of.tags), class_="tags") if of.tags else None)
    return (head, *cells(of, signs, request).values())
