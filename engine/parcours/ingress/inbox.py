"""What lies in a person's inbox, for her app: as JSON or as a stream of changes; and the token by which it may look.

Nobody looks by a name alone: it takes a key that may look at people, or a token that names this person and is not
expired. A page cannot send headers with a stream, so the token may stand in the query here. Each entry carries a token
of its own, by which the app tells what the person did with it, at `POST /r/{token}`.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated, Any, Final

import msgspec

from parcours.config import DAY_MS
from parcours.core.identity import person_asked_for
from parcours.core.time_text import time_text
from parcours.ingress.bodies import decoded
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request, Route, json_answer
from parcours.ingress.inbox_streams import InboxStream
from parcours.ingress.keys import SEES_PEOPLE, secrets_shown
from parcours.ingress.server_sent import EVENT_STREAM
from parcours.ingress.tokens import InboxToken, ReactionToken, Seals, TokenRefused
from parcours.service.inbox import InboxItem

DAYS_MAX: Final = 30
"""A token of an app that nobody uses any more opens nothing for long."""

VARY: Final = {"Vary": "Accept, Origin"}


class InboxEntryShown(msgspec.Struct, frozen=True):
    """
    id     by which events of the stream name it
    token  for `POST /r/{token}`; null where the door has no signing keys
    """

    id: str
    token: str | None
    channel: str
    message: str
    at: str
    expires: str
    pinned: bool
    seen: bool
    content: dict[str, Any]


class InboxShown(msgspec.Struct, frozen=True):
    """The newest entries that have not expired, pinned ones first."""

    entries: list[InboxEntryShown]


class InboxTokenAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how many days the token is good."""

    days: Annotated[int, msgspec.Meta(ge=1, le=DAYS_MAX)] | None = None


class InboxTokenGiven(msgspec.Struct, frozen=True):
    """The token, and when it expires."""

    token: str
    expires: str


async def inbox(door: Door, request: Request) -> Answer:
    """The entries, or their changes where a stream is asked for."""
    person = person_asked_for(request.params["id"])
    until_ms = _admitted_until(door, request, person)
    if EVENT_STREAM in request.headers.get("accept", "") and request.method == "GET":
        return await _stream(door, request, person, until_ms)
    look = door.service.inbox if request.method == "HEAD" else door.service.fetch_inbox
    items = await look(request.params["id"])
    answer = json_answer(InboxShown([_shown(door, person, item) for item in items]), headers=VARY)
    etag = f'"{blake2b(answer.body, digest_size=16).hexdigest()}"'
    if etag in [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]:
        return Answer(status=304, headers={**VARY, "ETag": etag})
    return Answer(body=answer.body, headers={**VARY, "ETag": etag})


async def _stream(door: Door, request: Request, person: str, until_ms: int | None) -> Answer:
    streams = door.inbox_streams
    streams.check_room()
    last = request.headers.get("last-event-id") or None
    watch = await door.service.watch_inbox(request.params["id"], last)
    stream = InboxStream(
        streams, door, watch, lambda item: _shown(door, person, item), resumes=last is not None, until_ms=until_ms
    )
    streams.add(stream)
    return Answer(stream=stream, media_type=EVENT_STREAM, headers=VARY)


async def inbox_token(door: Door, request: Request) -> Answer:
    """A token with which an app may look into this person's inbox."""
    asked = decoded(request, InboxTokenAsked) if request.body.strip() else InboxTokenAsked()
    person = person_asked_for(request.params["id"])
    expires_ms = request.received_ms + (asked.days or DAYS_MAX) * DAY_MS
    token = _seals(door).seal(InboxToken(person, expires_ms))
    return json_answer(InboxTokenGiven(token, time_text(expires_ms)))


def _seals(door: Door) -> Seals:
    if door.seals is None:
        raise Problem(503, "unavailable", "serve.yaml names no signing_keys, so there are no tokens")
    return door.seals


def _admitted_until(door: Door, request: Request, person: str) -> int | None:
    """When the client has to show another token; None for one that has shown a key. Raises Problem for any other."""
    shown = [request.query["token"]] if "token" in request.query else secrets_shown(request.headers)
    for text in shown:
        token = _unsealed(door, text)
        if token is not None and token.person == person and request.received_ms < token.expires_ms:
            return token.expires_ms
    door.admit(request, SEES_PEOPLE)
    return None


def _unsealed(door: Door, text: str) -> InboxToken | None:
    try:
        return None if door.seals is None else door.seals.unseal(InboxToken, text)
    except TokenRefused:
        return None


def _shown(door: Door, person: str, item: InboxItem) -> InboxEntryShown:
    token = None if door.seals is None else door.seals.seal(ReactionToken(person, item.key))
    return InboxEntryShown(
        id=item.key,
        token=token,
        channel=item.channel,
        message=item.message,
        at=time_text(item.at),
        expires=time_text(item.expires),
        pinned=item.pinned,
        seen=item.seen,
        content=dict(item.content),
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/inbox/{id}",
        handler=inbox,
        other_statuses=(304,),
        scope="people:read",
        key_in_body=True,  # or a token, which is looked for first
        gives=InboxShown,
        by_browsers=True,
        summary="Cards and in-app messages that lie with a person: JSON, or a stream of changes.",
    ),
    Route(
        method="POST",
        path="/people/{id}/inbox-token",
        handler=inbox_token,
        scope="people",
        takes=InboxTokenAsked,
        gives=InboxTokenGiven,
        summary="A token with which an app may look into a person's inbox.",
    ),
)
