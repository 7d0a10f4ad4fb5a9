"""/live: what changes while somebody looks on, for the script of the page, or for a program."""

from __future__ import annotations

from typing import Final

import msgspec

from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request, Route
from parcours.ingress.keys import secrets_shown
from parcours.ingress.live_streams import STALLED_S
from parcours.ingress.live_topics import Topic, topics_of
from parcours.ingress.page.live_figures import LiveFigures
from parcours.ingress.page.session import SCOPE, session_of
from parcours.ingress.queries import queried
from parcours.ingress.server_sent import EVENT_STREAM

UNBUFFERED: Final = {"X-Accel-Buffering": "no"}
"""Proxies that collect answers before they pass them on are asked not to."""


class LiveAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The topics, with commas between them."""

    topics: str = ""


async def live(door: Door, request: Request) -> Answer:
    """A stream of the figures of these topics: all of them first, then what changes."""
    topics = topics_of(queried(request, LiveAsked).topics, request.root)
    for topic in topics:
        _check(door, topic)
    if request.method == "HEAD":
        return Answer(media_type=EVENT_STREAM)
    stream = door.live_streams.follow(topics, lambda: LiveFigures(door), lambda: _is_admitted(door, request))
    return Answer(stream=stream, media_type=EVENT_STREAM, headers=UNBUFFERED, stalled_s=STALLED_S)


def _check(door: Door, topic: Topic) -> None:
    journeys, campaigns = door.service.ledger.journeys, door.service.program.campaign_names()
    if topic.journey and (topic.journey not in journeys or topic.journey in campaigns):
        raise Problem(400, "invalid", f"there is no journey {topic.journey[:80]!r} to follow")


def _is_admitted(door: Door, request: Request) -> bool:
    """Whether whoever has been let in would be now, too."""
    if not door.keys:
        return True
    if not secrets_shown(request.headers):
        return session_of(door, request.headers) is not None
    known = None if request.key is None else door.keys.named(request.key.name, door.now_ms())
    return known == request.key and known is not None and known.opens(SCOPE)


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/live",
        handler=live,
        asks=LiveAsked,
        scope=SCOPE,
        by_session=True,
        summary="What changes, as a stream of server-sent events.",
    ),
)
