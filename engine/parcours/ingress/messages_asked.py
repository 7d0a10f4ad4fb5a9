"""Which message is asked for, and with whose data? The same for its JSON, its screen, and the frame in it."""

from __future__ import annotations

from typing import Final

import msgspec

from parcours.dispatch.message_reading import MessageSaid
from parcours.errors import CallerError, EngineClosed
from parcours.ingress.changes import answered, by_whom
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Problem, Request
from parcours.ingress.keys import SEES_PEOPLE, sees_people
from parcours.ingress.queries import queried
from parcours.shard.messages import Look

MESSAGE: Final = "/journeys/{name}/steps/{step}/message"

DIGITS_MAX: Final = 9


class MessageAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    version  of the journey, the newest without it
    person   with whose data, nobody's without it; that takes a key with `people:read`
    """

    version: str | None = None
    person: str | None = None


async def messages_asked(door: Door, request: Request) -> list[MessageSaid]:
    """What the step of the path says on each of its channels. Raises Problem."""
    asked = queried(request, MessageAsked)
    person = (asked.person or "").strip() or None
    if person is not None and not sees_people(request.key):
        raise Problem(403, "scope", f"the key {by_whom(request)!r} does not open {SEES_PEOPLE!r}", headers=VARY)
    look = None if person is None else Look(by_whom(request), f"{request.method} {MESSAGE}")
    name, step = request.params["name"], request.params["step"]
    telling = door.service.message_at(name, step, version=_version(asked.version), person=person, look=look)
    try:
        return await answered(telling)
    except EngineClosed:
        raise
    except CallerError as error:
        raise Problem(404, "unknown", str(error), headers=VARY) from None


def _version(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
        raise Problem(400, "invalid", "?version= is a whole number", headers=VARY)
    return int(text)
