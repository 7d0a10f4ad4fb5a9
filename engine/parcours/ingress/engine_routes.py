"""How does the engine stand? The routes for whoever is on call, and the letters that can be applied once more."""

from __future__ import annotations

from typing import Final

from parcours.ingress.changes import looking
from parcours.ingress.dead_letters import DEAD, LETTER, dead, letter, resend
from parcours.ingress.door import Door
from parcours.ingress.engine_bodies import EngineShown
from parcours.ingress.engine_figures import engine_told
from parcours.ingress.exchange import VARY, Answer, Request, Route, json_answer
from parcours.ingress.operate_bodies import Letters, LetterShown, Resent
from parcours.ingress.page.dead import dead_screen, letter_screen, resend_form
from parcours.ingress.page.engine import engine_screen


async def engine(door: Door, request: Request) -> Answer:
    """Its shards, this door, and what is not in order."""
    return json_answer(await engine_told(door, request), headers=VARY)


ROUTES: Final[tuple[Route, ...]] = (
    looking("/engine", engine, EngineShown, "How shards and the door stand.", page=engine_screen),
    looking(DEAD, dead, Letters, "What could not be applied.", page=dead_screen),
    looking(LETTER, letter, LetterShown, "One of that.", page=letter_screen),
    Route(
        method="POST",
        path=f"{LETTER}/resend",
        handler=resend,
        gives=Resent,
        page=resend_form,
        scope="operate",
        summary="Apply an event once more.",
    ),
)
