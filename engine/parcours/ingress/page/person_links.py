"""Where does a person's name lead, and that of a journey or step on her page? Nowhere without a screen behind it."""

from __future__ import annotations

from parcours.ingress.exchange import Request
from parcours.ingress.keys import sees_people
from parcours.ingress.page.frame import address, name
from parcours.insight.page.markup import Markup, element
from parcours.journey.program import CampaignEntry, Program


def person_link(person: str, request: Request) -> Markup:
    """A person's name as it is shown to whoever asks, which leads to her page if he may see people."""
    if not sees_people(request.key):
        return name(person)
    return element("a", name(person), href=address(request, "people", person))


def journey_link(journey: str, program: Program, request: Request) -> Markup:
    """A journey's name; those of campaigns have no screen of a journey."""
    if not any(each.name == journey and not isinstance(each.entry, CampaignEntry) for each in program.versions()):
        return name(journey)
    return element("a", name(journey), href=address(request, "journeys", journey))


def step_link(journey: str, version: int, step: str, program: Program, request: Request) -> Markup:
    """A step in the version that somebody went by, as long as that is kept."""
    compiled = program.journey(journey, version)
    if compiled is None or isinstance(compiled.entry, CampaignEntry) or step not in compiled.steps:
        return name(step)
    where = address(request, "journeys", journey, version=f"{version}", step=step, fragment="step")
    return element("a", name(step), href=where)
