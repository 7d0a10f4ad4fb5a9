"""/journeys: a line for each journey, those first that somebody should look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from parcours.ingress.changes import answered
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.journey_figures import journeys_of
from parcours.ingress.page.frame import NAME_MAX, address, name, screen, seen
from parcours.ingress.page.parts import STATES, chips, goal_words, state_words
from parcours.ingress.page.signs import health, signs_of, urgency
from parcours.ingress.page.standing import Standing, standing
from parcours.insight.figures import counted_text
from parcours.insight.health import Sign
from parcours.insight.page.markup import Child, Markup, element
from parcours.journey.picture.svg_text import cut

ANY: Final = "any"

COLUMNS: Final = ("Journey", "State", "Health", "Goal reached", "In it now", "Entered", "Versions with people")

NUMBERS: Final = frozenset({"In it now", "Entered", "Versions with people"})

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
        _choice("Tag", "tag", tags, request) if tags else None,
        _choice("State", "state", STATES, request),
        element("button", "Show"),
        action=address(request, "journeys"),
        role="search",
        class_="filter",
    )


def _choice(label: str, field: str, values: Sequence[str], request: Request) -> Markup:
    chosen = request.query.get(field, "")
    options = [
        element("option", cut(each, NAME_MAX) or "(empty)", value=each, selected=each == chosen) for each in values
    ]
    return element("label", f"{label} ", element("select", element("option", ANY, value=""), options, name=field))


def _table(found: Sequence[tuple[Standing, Sequence[Sign]]], of: int, request: Request) -> Markup:
    many = counted_text(len(found), "journey", "journeys")
    heads = [element("th", each, role="columnheader", scope="col", class_=_look(each)) for each in COLUMNS]
    # The roles are those that the elements have anyway, until a narrow screen shows each row as a block of its own.
    table = element(
        "table",
        element("caption", many if len(found) == of else f"{many} of {of:,}"),
        element("thead", element("tr", heads, role="row"), role="rowgroup"),
        element("tbody", [_line(each, signs, request) for each, signs in found], role="rowgroup"),
        role="table",
    )
    return element("div", table, class_="journeys")


def _look(column: str) -> str | None:
    return "number" if column in NUMBERS else None


def cells(of: Standing, signs: Sequence[Sign], request: Request) -> dict[str, Child]:
    """The cells of a journey's line behind its name, by their columns."""
    versions = ", ".join(f"{version} ({runs:,})" for version, runs in of.peopled.items())
    return dict(
        zip(
            COLUMNS[1:],
            (
                state_words(of),
                health(signs, request),
                goal_words(of),
                f"{of.in_it:,}",
                f"{of.count.entered:,}",
                versions or "none",
            ),
            strict=True,
        )
    )


def _line(of: Standing, signs: Sequence[Sign], request: Request) -> Markup:
    link = element("a", name(of.name), href=address(request, "journeys", of.name))
    head = element(
        "th",
        link,
        element("div", chips(of.tags), class_="tags") if of.tags else None,
        scope="row",
        role="rowheader",
    )
    shown = [
        element("td", element("div", cell), role="cell", class_=_look(column), data_label=column)
        for column, cell in cells(of, signs, request).items()
    ]
    return element("tr", head, shown, role="row", data_journey=of.name)
