"""/journeys/{name}/versions: what of a journey somebody may go by, who published it, and any two side by side."""

from __future__ import annotations

from collections.abc import Sequence

from parcours.ingress.changes import answered
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.journey_figures import journey_asked
from parcours.ingress.page.frame import address, moment, name, screen, seen
from parcours.ingress.page.parts import heads, numeric, wide
from parcours.ingress.page.side_by_side import side_by_side
from parcours.ingress.page.standing import standing
from parcours.ingress.version_comparison import comparison_asked
from parcours.insight.page.markup import Markup, element
from parcours.journey.publish.ledger import LedgerEntry, Version


async def _versions(door: Door, request: Request) -> Answer:
    report = await answered(door.service.report())
    journey, entry = journey_asked(door, report.ledger, request)
    of = standing(report, journey, entry, report.counts.get(journey, []))
    comparison = await comparison_asked(door, journey, entry, request)
    rows = [_row(each, of.peopled.get(each.number, 0), journey, request) for each in reversed(entry.versions)]
    table = element(
        "table",
        element("caption", "Versions that somebody may go by, the newest first"),
        heads("Version", "Published", "By key", "Digest", "Runs in it", numbers_from=4),
        element("tbody", rows),
    )
    return screen(
        door,
        request,
        f"Versions of {journey}",
        element("p", element("a", name(journey), href=address(request, "journeys", journey)), class_="up"),
        element("h1", "Versions of ", name(journey)),
        wide(table, "Table of versions", "sheet"),
        element("p", "A version is kept for as long as somebody is in it. Whoever enters goes by the newest one."),
        _choice(entry, journey, request),
        None if comparison is None else side_by_side(comparison, request),
        reloads=comparison is None,
    )


versions_screen = seen(_versions)


def _choice(entry: LedgerEntry, journey: str, request: Request) -> Markup | None:
    """The form that asks for two versions; without any choice the newest two."""
    numbers = [f"{each.number}" for each in reversed(entry.versions)]
    if len(numbers) < 2:
        return None
    chosen = {"left": request.query.get("left", numbers[1]), "right": request.query.get("right", numbers[0])}
    return element(
        "form",
        [
            element("label", f"{words} ", element("select", _options(numbers, chosen[side]), name=side))
            for side, words in (("left", "Compare version"), ("right", "with version"))
        ],
        element("button", "Compare"),
        action=address(request, "journeys", journey, "versions", fragment="compared"),
        class_="filter",
    )


def _options(numbers: Sequence[str], chosen: str) -> list[Markup]:
    return [element("option", each, value=each, selected=each == chosen) for each in numbers]


def _row(of: Version, runs: int, journey: str, request: Request) -> Markup:
    link = element("a", f"{of.number}", href=address(request, "journeys", journey, version=str(of.number)))
    return element(
        "tr",
        element("th", link, scope="row"),
        element("td", moment(of.at) if of.at else "long ago"),
        element("td", name(of.by) if of.by else "nobody was named"),
        element("td", element("code", of.digest)),
        numeric(runs),
    )
