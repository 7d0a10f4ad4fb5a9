"""Whom is somebody asking about? A person by any of her names, or whoever has an address; nobody is browsed.

That somebody has looked is a fact of whoever is found, with the name of the key and the route.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from parcours.core.identity import ANONYMOUS, USER, person_asked_for, person_in
from parcours.core.profile import Profile
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Problem, Request
from parcours.service.about_people import AddressKind
from parcours.service.person import Person
from parcours.shard.messages import Look

TABLE: Final = "/people.ndjson"

ADDRESS_KINDS: Final[tuple[AddressKind, ...]] = ("email", "phone")


def look_of(request: Request) -> Look:
    """Who asks for what, as the route has it."""
    by = "" if request.key is None else request.key.name
    if request.path == TABLE:
        return Look(by, f"{request.method} {TABLE}")
    last = request.path.removeprefix("/").split("/")[2:]
    route = "/".join(["/people", *(["{id}"] if "id" in request.params else []), *last])
    return Look(by, f"{request.method} {route}")


def unknown() -> Problem:
    """What is said of somebody of whom nothing is known."""
    return Problem(404, "unknown", "nothing is known of such a person", headers=VARY)


async def found_by(door: Door, request: Request, text: str) -> list[str]:
    """The names of everybody who has exactly this id, this name or this address, sorted."""
    look, found = look_of(request), set[str]()
    for name in _names(door, text):
        if (person := await door.service.profile(name, look=look)) is not None:
            found.add(person.name)
    for kind in ADDRESS_KINDS:
        found.update(await door.service.find(kind, text, look=look))
    if not found and await door.service.facts(text, look=look):  # somebody who was only ever refused
        found.add(await door.service.owner(text))
    return sorted(found)


def _names(door: Door, text: str) -> Iterator[str]:
    """The names that somebody may have who has this id in any namespace, or who is called by this whole name."""
    yield person_asked_for(text)
    caseless = {
        each.namespace: each.caseless for each in door.service.program.events.values() if each.namespace is not None
    }
    rules = {namespace: rule.caseless for namespace, rule in door.service.program.identities.items()}
    for namespace, folds in sorted(({ANONYMOUS: False} | caseless | rules).items()):
        if namespace != USER and (name := person_in(namespace, text, caseless=folds)) is not None:
            yield name


async def known_person(door: Door, request: Request) -> Person:
    """What is known of the person of the path now; of somebody who was only ever refused there are facts alone.

    Raises Problem for somebody of whom there are none either.
    """
    asked, look = request.params["id"], look_of(request)
    found = await door.service.profile(asked, look=look)
    if found is not None:
        return found
    if not await door.service.facts(asked, look=look):
        raise unknown()
    owner = await door.service.owner(asked)
    return Person.of(owner, Profile(), door.service.program, asked_for=person_asked_for(asked))
