"""/journeys/{name}/versions: what of a journey somebody may go by, and who published it."""

from __future__ import annotations

from parcours.ingress.changes import answered
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.journey_figures import journey_asked
from parcours.ingress.page.frame import address, moment, name, screen, seen
from parcours.ingress.page.parts import heads, numeric, wide
from parcours.ingress.page.standing import standing
from parcours.insight.page.markup import Markup, element
from parcours.journey.publish.ledger import Version


async def _versions(door: Door, request: Request) -> Answer:
    report = await answered(door.service.report())
    journey, entry = journey_asked(door, report.ledger, request)
    of = standing(report, journey, entry, report.counts.get(journey, []))
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
    )


versions_screen = seen(_versions)


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
