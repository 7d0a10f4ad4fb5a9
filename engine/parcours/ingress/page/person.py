"""/people/{id}: who she is, her way through journeys, why she got or did not get what, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from parcours.core.identity import person_asked_for
from parcours.core.profile import Profile
from parcours.ingress.asked_people import look_of
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Problem, Request
from parcours.ingress.page.frame import address, moment, name, screen, seen
from parcours.ingress.page.her_messages import besides, decisions, messages
from parcours.ingress.page.her_way import not_entered, way
from parcours.ingress.page.lines import bullets, json_text, text
from parcours.ingress.page.parts import chips, heads, wide
from parcours.insight.explain import AskedFor, Explanation
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.service.person import Person

TRAITS_SHOWN: Final = 100

LISTED_MAX: Final = 50
"""Names, audiences, addresses: so many of each."""

VALUE_MAX: Final = 300
"""Characters of a trait's value."""

UNKNOWN: Final = "nothing is known of such a person: nobody has come by this name, or she was erased"


async def _person(door: Door, request: Request) -> Answer:
    found, told = await _known(door, request)
    program = door.service.program
    sections = {
        "Her way": way(found, told, program, request),
        "Why not": not_entered(found, told, program, request),
        "Messages": messages(told, program, request),
        "Decisions": decisions(told),
        "Besides": besides(told),
    }
    shown = {
        title: element("section", element("h2", title), each, id=_id(title)) for title, each in sections.items() if each
    }
    return screen(
        door,
        request,
        found.name,
        element("p", element("a", "People", href=address(request, "people")), class_="up"),
        element("div", element("h1", name(found.name)), _buttons(found, request), class_="headline"),
        _merged(found, told.asked_for, request),
        _contents(shown),
        element(
            "div",
            element("section", element("h2", "Who she is"), _who(found, told), class_="panel who"),
            element("div", shown.values()),
            class_="person",
        ),
        reloads=False,
    )


person_screen = seen(_person)


async def _known(door: Door, request: Request) -> tuple[Person, Explanation]:
    """What is known of the person of the path, and why she got what. Her look is recorded. Raises Problem."""
    asked, look = request.params["id"], look_of(request)
    found = await door.service.profile(asked, look=look)
    told = await door.service.explain(asked, look=None if found else look)
    if found is None:
        if not told.notes and not any(each.runs or each.refusals for each in told.journeys):
            raise Problem(404, "unknown", UNKNOWN, headers=VARY)
        found = Person.of(told.person, Profile(), door.service.program, asked_for=person_asked_for(asked))
    return found, told


def _contents(titles: Iterable[str]) -> Markup:
    items = [element("li", element("a", each, href=f"#{_id(each)}")) for each in titles]
    return element("nav", element("ul", items), aria_label="On this page")


def _id(title: str) -> str:
    return title.lower().replace(" ", "-")


def _merged(found: Person, asked: AskedFor | None, request: Request) -> Markup | None:
    """That she was asked for by a name that has become hers."""
    if found.asked_for == found.name:
        return None
    since = None if asked is None or asked.since is None else together(" since ", moment(asked.since))
    call = None if asked is None or asked.call is None else f", by {asked.call}"
    link = element("a", name(found.name), href=address(request, "people", found.name))
    return element("p", "You asked for ", name(found.asked_for), ", which is ", link, since, call, ".", class_="note")


def _buttons(found: Person, request: Request) -> Markup:
    """What may be done with the scope that is needed for it."""
    buttons = [_button("Export", address(request, "people", found.name, "export"))]
    if request.key is not None and request.key.opens("people"):
        buttons.append(_button("Erase…", address(request, "people", found.name, "erase")))
    return together(buttons)


def _button(words: str, where: str) -> Markup:
    return element("form", element("button", words), method="get", action=where)


def _who(found: Person, told: Explanation) -> Markup:
    rows: list[tuple[str, Child]] = [
        ("Names", _names(found, told)),
        ("Audiences", chips(sorted(found.audiences)[:LISTED_MAX]) if found.audiences else "none"),
        ("Suppressed", _suppressed(found) or "no address"),
    ]
    if told.places:
        rows.append(("Places", bullets(told.places)))
    lines = [element("div", element("dt", term), element("dd", each)) for term, each in rows]
    return together(element("dl", lines, class_="rules"), _traits(found), _consents(found))


def _names(found: Person, told: Explanation) -> Markup:
    """All of hers; of those that were merged into her since when, as far as it is told."""
    since = {
        other: at for at, note in told.notes for other in found.names if note.startswith(f"{other} was merged into her")
    }
    others = [
        together(name(other), together(" since ", moment(since[other])) if other in since else None)
        for other in found.names[:LISTED_MAX]
    ]
    return element("ul", [element("li", each) for each in (name(found.name), *others)])


def _suppressed(found: Person) -> Markup | None:
    pairs = [f"{channel}: {each}" for channel, addresses in found.suppressed.items() for each in addresses]
    return bullets(pairs[:LISTED_MAX]) if pairs else None


def _traits(found: Person) -> Markup:
    if not found.traits:
        return element("p", "No trait of hers is known.")
    shown = [*found.traits.items()][:TRAITS_SHOWN]
    rows = [
        element(
            "tr",
            element("th", name(trait), scope="row"),
            element("td", text(value if isinstance(value, str) else json_text(value), VALUE_MAX)),
        )
        for trait, value in shown
    ]
    table = element(
        "table",
        element("caption", "Traits"),
        heads("Trait", "Value", numbers_from=2),
        element("tbody", rows),
    )
    left_out = len(found.traits) - len(shown)
    more = element("p", f"{left_out:,} more are in the export.") if left_out else None
    return together(wide(table, "Table of traits"), more)


def _consents(found: Person) -> Markup:
    words = {True: "granted", False: "withdrawn", None: "nothing"}
    rows = [
        element(
            "tr",
            element("th", name(channel), scope="row"),
            element("td", "all" if purpose is None else name(purpose)),
            element("td", words[found.consents.get((channel, purpose))]),
            element("td", "yes" if may else "no"),
        )
        for (channel, purpose), may in [*found.in_force.items()][:TRAITS_SHOWN]
    ]
    if not rows:
        return element("p", "Nothing is sent that needs her consent.")
    table = element(
        "table",
        element("caption", "Consent to marketing"),
        heads("Channel", "Purpose", "She said", "In force", numbers_from=4),
        element("tbody", rows),
    )
    return wide(table, "Table of consents")
