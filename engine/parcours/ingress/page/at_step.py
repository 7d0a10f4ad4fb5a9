"""Who waits at a step, and what has happened there last, for its panel."""

from __future__ import annotations

from parcours.ingress.door import Door
from parcours.ingress.exchange import Request
from parcours.ingress.page.frame import TEXT_MAX, address
from parcours.ingress.page.parts import heads, instant, wide
from parcours.ingress.page.person_links import person_link
from parcours.ingress.step_bodies import NewestFact, StepWaits, WaitingShown
from parcours.ingress.steps import step_facts, step_waits
from parcours.insight.page.markup import Markup, element, together
from parcours.journey.picture.svg_text import cut


async def people_at(door: Door, request: Request, step: str) -> Markup:
    """Both, as the shards have them now."""
    waits = await step_waits(door, request, step, request.query.get("skip", "0"))
    return together(_waiting(waits, request), _facts(await step_facts(door, request, step), request))


def _waiting(of: StepWaits, request: Request) -> Markup:
    if not of.waiting:
        return element("p", "Nobody waits here." if of.whole and not request.query.get("skip") else "Nobody else.")
    table = element(
        "table",
        element("caption", "Who waits here, the longest first"),
        heads("Person", "Since", "Goes on at the latest", "Version", numbers_from=3),
        element("tbody", [_who(each, request) for each in of.waiting]),
    )
    bound = None if of.whole else element("p", f"The longest among the {of.looked_at:,} people looked at.")
    more = None
    if of.next is not None:
        href = address(
            request, "journeys", of.name, version=request.query.get("version"), step=of.step, skip=f"{of.next}",
            fragment="step",
        )  # fmt: skip
        more = element("p", element("a", "Next", href=href))
    return together(wide(table, "Table of who waits"), bound, more)


def _who(of: WaitingShown, request: Request) -> Markup:
    until = "never: it is parked" if of.parked else "nobody knows" if of.until is None else instant(of.until)
    return element(
        "tr",
        element("th", person_link(of.person, request), scope="row"),
        element("td", instant(of.since)),
        element("td", until),
        element("td", f"{of.version}", class_="number"),
    )


def _facts(facts: list[NewestFact], request: Request) -> Markup | None:
    if not facts:
        return None
    rows = [
        element(
            "tr",
            element("th", instant(each.at), scope="row"),
            element("td", person_link(each.person, request)),
            element("td", element("bdi", cut(each.words, TEXT_MAX))),
        )
        for each in facts
    ]
    table = element(
        "table",
        element("caption", "What has happened here last"),
        heads("When", "Person", "What", numbers_from=3),
        element("tbody", rows),
    )
    return wide(table, "Table of what has happened")
