"""How are sources read by this door, whether at all, and where does one go on whose position its log has lost?"""

from __future__ import annotations

from typing import Final

import msgspec

from parcours.ingress.bodies import decoded
from parcours.ingress.changes import answered, looking
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Handler, Request, Route, json_answer
from parcours.ingress.page.sources import paused_form
from parcours.ingress.source_bodies import Sources, paused_there, sources_told, unknown


class MoveAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where reading of a partition goes on."""

    partition: str
    position: int


class Moved(msgspec.Struct, frozen=True):
    """All shards have heard of it."""

    partition: str
    position: int


class Paused(msgspec.Struct, frozen=True):
    """Whether nobody reads the source from now on: no other door either, and not after a restart."""

    name: str
    paused: bool


async def sources(door: Door, _request: Request) -> Answer:
    """All sources, by name."""
    return json_answer(Sources(await sources_told(door)), headers=VARY)


async def move(door: Door, request: Request) -> Answer:
    """Go on at a position, as whoever operates the engine has decided."""
    asked = decoded(request, MoveAsked)
    with unknown():
        await answered(door.service.move_source(request.params["name"], asked.partition, asked.position))
    return json_answer(Moved(asked.partition, asked.position))


def _pausing(*, paused: bool) -> Handler:
    async def handler(door: Door, request: Request) -> Answer:
        """Let nobody read on, or everybody."""
        await paused_there(door, request, paused=paused)
        return json_answer(Paused(request.params["name"], paused))

    return handler


ROUTES: Final = (
    looking("/sources", sources, Sources, "How sources are read."),
    Route(
        method="POST",
        path="/sources/{name}/pause",
        handler=_pausing(paused=True),
        page=paused_form(paused=True),
        gives=Paused,
        scope="operate",
        summary="Let nobody read it on.",
    ),
    Route(
        method="POST",
        path="/sources/{name}/resume",
        handler=_pausing(paused=False),
        page=paused_form(paused=False),
        gives=Paused,
        scope="operate",
        summary="Let it be read on.",
    ),
    Route(
        method="POST",
        path="/sources/{name}/move",
        handler=move,
        takes=MoveAsked,
        gives=Moved,
        scope="operate",
        summary="Go on at another position.",
    ),
)
