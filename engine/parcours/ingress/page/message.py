"""/journeys/{name}/steps/{step}/message: what a step sends, its HTML in a frame in which nothing runs or is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from parcours.dispatch.message_reading import MessageSaid
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.keys import sees_people
from parcours.ingress.messages_asked import messages_asked
from parcours.ingress.page.frame import TEXT_MAX, address, name, screen, seen
from parcours.ingress.page.lines import bullets, json_text, text
from parcours.insight.page.markup import Markup, element
from parcours.journey.picture.svg_text import cut

SAID_MAX: Final = 20_000
"""Characters of a text of a message."""


async def _message(door: Door, request: Request) -> Answer:
    journey, step = request.params["name"], request.params["step"]
    contents = await messages_asked(door, request)
    version, person = request.query.get("version"), request.query.get("person", "").strip()
    back = address(request, "journeys", journey, version=version, step=step, fragment="step")
    whose = ("with the data of ", name(person)) if person else ("with nobody's data",)
    return screen(
        door,
        request,
        f"What {step} of {journey} says",
        element("p", element("a", name(step), " of ", name(journey), href=back), class_="up"),
        element("h1", "What ", name(step), " says"),
        element("p", "As it would be rendered now, ", *whose, ". No gate is asked, and no image is fetched."),
        _whose(request, person) if sees_people(request.key) else None,
        [_content(each, request, person) for each in contents],
        reloads=False,
    )


message_screen = seen(_message)


def _whose(request: Request, person: str) -> Markup:
    version = request.query.get("version")
    return element(
        "form",
        element("label", "With the data of", for_="person"),
        element("input", id="person", name="person", type="search", value=cut(person, TEXT_MAX)),
        None if version is None else element("input", type="hidden", name="version", value=version),
        element("button", "Show"),
        method="get",
        class_="filter find",
    )


def _content(of: MessageSaid, request: Request, person: str) -> Markup:
    remarks = [element("h3", "Its channel remarks"), bullets(of.remarks)] if of.remarks else []
    if of.said is None:
        failed = element("p", "It cannot be rendered: ", text(of.failed or ""), class_="warning")
        return element("section", element("h2", name(of.channel)), failed, class_="panel message")
    fields = [*_fields(of, request, person)]
    return element("section", element("h2", name(of.channel)), fields, remarks, class_="panel message")


def _fields(of: MessageSaid, request: Request, person: str) -> Iterator[Markup]:
    for field, value in (of.said or {}).items():
        yield element("h3", name(field))
        if field in of.html:
            yield _frame(of.channel, field, request, person)
        else:
            words = value if isinstance(value, str) else json_text(value)
            shown = words if len(words) <= SAID_MAX else f"{words[:SAID_MAX]}…"
            yield element("p", element("bdi", shown), class_="said")


def _frame(channel: str, field: str, request: Request, person: str) -> Markup:
    where = address(
        request, "journeys", request.params["name"], "steps", request.params["step"], "message", channel, field,
        version=request.query.get("version"), person=person or None,
    )  # fmt: skip
    return element("iframe", src=where, sandbox="", title=f"{channel} {field}", class_="proof", loading="lazy")
