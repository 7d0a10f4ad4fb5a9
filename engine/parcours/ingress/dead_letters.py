"""What could not be applied and was set aside; it can be applied once more."""

from __future__ import annotations

from typing import Final

from parcours.core.time_text import time_text
from parcours.errors import CallerError, EngineClosed
from parcours.ingress.changes import answered
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Problem, Request, json_answer
from parcours.ingress.hidden_names import shown_person, shown_reason
from parcours.ingress.keys import sees_people
from parcours.ingress.operate_bodies import Letters, LetterShown, Resent
from parcours.instants import ceil_ms
from parcours.service.set_aside import DeadLetter

DEAD: Final = "/dead"
LETTER: Final = "/dead/{id}"

EVENT: Final = "an event"
"""What can be applied once more; a timer cannot."""


async def dead(door: Door, request: Request) -> Answer:
    """All letters."""
    return json_answer(Letters(await letters_told(door, request)), headers=VARY)


async def letter(door: Door, request: Request) -> Answer:
    """One of them."""
    return json_answer(await letter_asked(door, request), headers=VARY)


async def resend(door: Door, request: Request) -> Answer:
    """Apply it once more."""
    return json_answer(Resent(await sent_again(door, request)))


async def letters_told(door: Door, request: Request) -> list[LetterShown]:
    """All letters for whoever asks."""
    return [_shown(each, request) for each in await answered(door.service.dead_letters())]


async def letter_asked(door: Door, request: Request) -> LetterShown:
    """The one that the path names. Raises Problem where there is none."""
    for each in await letters_told(door, request):
        if each.id == request.params["id"]:
            return each
    raise Problem(404, "unknown", "there is no such letter, or not any more")


async def sent_again(door: Door, request: Request) -> int:
    """How many were applied: it may fail again. Raises Problem for what cannot be applied once more."""
    try:
        return await answered(door.service.resend([request.params["id"]]))
    except EngineClosed:
        raise
    except CallerError as error:
        raise Problem(404, "unknown", str(error)) from None


def _shown(of: DeadLetter, request: Request) -> LetterShown:
    return LetterShown(
        id=of.id,
        at=time_text(ceil_ms(of.at)),
        what="a timer" if of.line is None else EVENT,
        person=shown_person(of.person, request.key, request.received_ms),
        reason=shown_reason(of.reason, request.key),
        line=of.line.decode(errors="replace") if of.line is not None and sees_people(request.key) else None,
    )
