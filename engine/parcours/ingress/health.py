"""Is the door alive, and can it take events? For whoever restarts it, and for whoever sends traffic to it."""

from __future__ import annotations

from typing import Final

import msgspec

from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request, Route, json_answer


class Health(msgspec.Struct, frozen=True):
    """`ok` for as long as the event loop turns."""

    status: str


class Readiness(msgspec.Struct, frozen=True):
    """
    reasons  why no traffic should come here, none if it should
    """

    ready: bool
    reasons: list[str]


async def health(_door: Door, _request: Request) -> Answer:
    """Alive: the loop turns."""
    return json_answer(Health("ok"))


async def ready(door: Door, _request: Request) -> Answer:
    """Whether traffic may come."""
    reasons = [f"the door is {door.state}"] if door.state != "open" else await door.service.unready()
    return json_answer(Readiness(not reasons, reasons), status=503 if reasons else 200)


ROUTES: Final = (
    Route(
        method="GET", path="/health", handler=health, gives=Health, always=True, summary="Whether the process is alive."
    ),
    Route(
        method="GET", path="/ready", handler=ready, gives=Readiness, always=True, summary="Whether traffic may come."
    ),
)
