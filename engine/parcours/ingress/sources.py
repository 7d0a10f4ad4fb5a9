"""How are sources read by this door, whether at all, and where does one go on whose position its log has lost?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from parcours.errors import CallerError
from parcours.ingress.bodies import decoded
from parcours.ingress.changes import answered, looking
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Problem, Request, Route, json_answer
from parcours.sources.pump import SourceState


class PartitionShown(msgspec.Struct, frozen=True):
    """
    position  where reading goes on, null as long as that is not known
    lag       lines that no shard has answered, null where the log does not tell
    """

    partition: str
    state: str
    position: int | None
    lag: int | None
    trouble: str | None


class SourceShown(msgspec.Struct, frozen=True):
    """`outcomes` are since the door was opened."""

    name: str
    paused: bool
    outcomes: dict[str, int]
    trouble: str | None
    partitions: list[PartitionShown]


class Sources(msgspec.Struct, frozen=True):
    """By name."""

    sources: list[SourceShown]


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
    return json_answer(Sources([_shown(each) for each in await answered(door.service.sources())]), headers=VARY)


async def move(door: Door, request: Request) -> Answer:
    """Go on at a position, as whoever operates the engine has decided."""
    asked = decoded(request, MoveAsked)
    try:
        await answered(door.service.move_source(request.params["name"], asked.partition, asked.position))
    except CallerError as error:
        raise Problem(404, "unknown", str(error)) from None
    return json_answer(Moved(asked.partition, asked.position))


async def pause(door: Door, request: Request) -> Answer:
    """Let nobody read on."""
    return await _paused(door.service.pause_source, request, paused=True)


async def resume(door: Door, request: Request) -> Answer:
    """Let everybody read on."""
    return await _paused(door.service.resume_source, request, paused=False)


async def _paused(call: Callable[[str], Awaitable[None]], request: Request, *, paused: bool) -> Answer:
    name = request.params["name"]
    try:
        await answered(call(name))
    except CallerError as error:
        raise Problem(404, "unknown", str(error)) from None
    return json_answer(Paused(name, paused))


def _shown(source: SourceState) -> SourceShown:
    partitions = [
        PartitionShown(each.partition, each.state, each.position, each.lag, each.trouble) for each in source.partitions
    ]
    return SourceShown(source.source, source.paused, dict(source.outcomes), source.trouble, partitions)


ROUTES: Final = (
    looking("/sources", sources, Sources, "How sources are read."),
    Route(
        method="POST",
        path="/sources/{name}/pause",
        handler=pause,
        gives=Paused,
        scope="operate",
        summary="Let nobody read it on.",
    ),
    Route(
        method="POST",
        path="/sources/{name}/resume",
        handler=resume,
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
