"""Events in: calls of Segment's HTTP API, blocks of lines and CloudEvents, each answered once it is on disk.

A request is answered as a whole: 200 if every line of it is durable, a duplicate, or of no use whoever sends it again;
429 if any of them is none of that, whatever became of the others. Then the client comes again with all of them, and
those that are durable by then are duplicates.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, UnsetType

from parcours.errors import NobodyYet, Overloaded
from parcours.ingress import cloudevents, segment_http
from parcours.ingress.bodies import unpacked
from parcours.ingress.call_lines import CallLines
from parcours.ingress.call_mending import Terms
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Handler, Problem, Request, Route, json_answer
from parcours.ingress.keys import Key, secrets_shown
from parcours.ingress.pressure import retry_after_s
from parcours.ingress.segment_http import (
    BATCH_BYTES_MAX,
    BATCH_CALLS_MAX,
    BLOCK_BYTES_MAX,
    UNPACKED_BYTES_MAX,
    Calls,
)
from parcours.service.acknowledgement import LinesTaken

KINDS: Final = {
    "identify": "identify", "i": "identify", "track": "track", "t": "track", "page": "page", "p": "page",
    "screen": "screen", "s": "screen", "group": "group", "g": "group", "alias": "alias", "a": "alias",
    "consent": "consent",
}  # fmt: skip
"""The type of a call that names none, by the last part of the path."""

ANSWER_WAIT_S: Final = 8.0
"""How long shards may take to answer: clients give up a request after ten seconds or more."""

LISTED_MAX: Final = 100
"""Rejected calls that an answer lists; a client that gets all of them wrong needs no more."""

PUSH_TRAIT: Final = re.compile(r"profile\.([A-Za-z_]\w*)")
"""An address of push messages that one trait holds."""


class Rejected(msgspec.Struct, rename="camel"):
    """
    index  where it stands in the request, from 0
    """

    index: int
    message_id: str | None
    reason: str


class Outcome(msgspec.Struct):
    """What became of the calls of a request.

    duplicate       recognised by their message id
    rejected        the first of those that are of no use
    rejected_count  how many there are, where not all are listed
    without_id      how many will count again if the request is repeated; none if it is not said
    """

    success: bool
    accepted: int
    duplicate: int
    rejected: list[Rejected]
    rejected_count: int | UnsetType = UNSET
    without_id: int | UnsetType = UNSET


class CallBody(msgspec.Struct, rename="camel"):
    """A call. Whatever else clients send with it is ignored."""

    type: str | None = None
    event: str | None = None
    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    message_id: str | int | None = None
    timestamp: str | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None
    write_key: str | None = None


class BatchBody(msgspec.Struct, rename="camel"):
    """Many calls, each with its type."""

    batch: Annotated[list[CallBody], msgspec.Meta(min_length=1, max_length=BATCH_CALLS_MAX)]
    sent_at: str | None = None
    context: dict[str, Any] | None = None
    write_key: str | None = None


class Done(msgspec.Struct):
    """It is done."""

    success: bool = True


class Destination(msgspec.Struct, rename="camel"):
    """Where Segment's browser library sends events."""

    api_key: str
    api_host: str
    protocol: str


class LibrarySettings(msgspec.Struct):
    """What Segment's browser library asks for first."""

    integrations: dict[str, Destination]


async def one_call(door: Door, request: Request) -> Answer:
    """A single call; the path says of which type, unless it does so itself."""
    most = door.service.settings.event_bytes_max
    calls = segment_http.single(_unpacked(request, most), most)
    return await _ingested(door, request, calls, KINDS[request.path.rpartition("/")[2]])


async def batch(door: Door, request: Request) -> Answer:
    """Many calls."""
    return await _ingested(door, request, segment_http.batch(_unpacked(request, UNPACKED_BYTES_MAX)))


async def block(door: Door, request: Request) -> Answer:
    """A block of lines of the event format."""
    return await _ingested(door, request, segment_http.block(_unpacked(request, BLOCK_BYTES_MAX)))


async def events(door: Door, request: Request) -> Answer:
    """CloudEvents. A single one that is of no use is 400: there is no batch that would be lost with it."""
    mode = cloudevents.mode_of(request.headers)
    terms = terms_of(door, request, request.key or door.admit(request, "ingest"))
    body = _unpacked(request, UNPACKED_BYTES_MAX)
    lines = cloudevents.read(mode, request.headers, body, terms, door.service.program.cloud_types)
    outcome = await taken_by(door, request, lines)
    if outcome.rejected and mode != "batch":
        raise Problem(400, "invalid", outcome.rejected[0].reason)
    return json_answer(outcome)


async def library_metrics(_door: Door, _request: Request) -> Answer:
    """What Segment's browser library tells of itself, which nobody here reads."""
    return json_answer(Done())


async def library_settings(door: Door, request: Request) -> Answer:
    """Where Segment's browser library is to send events: here."""
    key = request.params["writeKey"]
    door.keys.admit([key], "ingest", request.headers.get("origin"), request.received_ms)
    here = urlsplit(request.url)
    prefix = here.path[: here.path.rindex("/projects/")].removesuffix("/v1")
    return json_answer(LibrarySettings({"Segment.io": Destination(key, f"{here.netloc}{prefix}/v1", here.scheme)}))


async def source_config(door: Door, request: Request) -> Answer:
    """What RudderStack's browser library asks for first: no destinations, and nothing to be told of itself."""
    key = request.query.get("writeKey")
    shown = [*secrets_shown(request.headers), *([key] if key else [])]
    if shown:
        door.keys.admit(shown, "ingest", request.headers.get("origin"), request.received_ms)
    silent = {"enabled": False}
    source = {
        "id": "parcours",
        "name": "parcours",
        "writeKey": shown[0] if shown else "",
        "enabled": True,
        "workspaceId": "parcours",
        "destinations": [],
        "connections": [],
        "dataplanes": {},
        "config": {"statsCollection": {"errors": silent, "metrics": silent}},
    }
    return json_answer({"source": source, "updatedAt": "2026-01-01T00:00:00Z"})


def _unpacked(request: Request, most: int) -> bytes:
    return unpacked(request.body, request.headers.get("content-encoding", ""), most)


def terms_of(door: Door, request: Request, key: Key, kind: str | None = None) -> Terms:
    """By what the calls of a request are read."""
    settings = door.settings
    push = door.service.program.addresses.get("push")
    trait = None if push is None else PUSH_TRAIT.fullmatch(push.text)
    return Terms(
        key=key,
        kind=kind,
        received_ms=request.received_ms,
        sent_ms=segment_http.sent_ms(request.headers.get("sentat")),
        event_bytes_max=door.service.settings.event_bytes_max,
        push_trait=trait[1] if trait else None,
        identity_secret=settings.identity_secret if settings.identity_verification == "required" else None,
        fresh_id=lambda: secrets.token_hex(16),
        spoken_of=door.spoken_of,
    )


async def _ingested(door: Door, request: Request, calls: Calls, kind: str | None = None) -> Answer:
    key = request.key or door.admit(request, "ingest", calls.write_key)
    lines = calls.read(terms_of(door, request, key, kind))
    return json_answer(await taken_by(door, request, lines))


async def taken_by(door: Door, request: Request, lines: CallLines) -> Outcome:
    """What became of the lines. Raises Problem where not all of them have been answered."""
    figures = door.figures
    refused = [(message_id, reason) for _, message_id, reason in lines.refused]
    if not lines.lines:
        figures.events(len(refused), refused, request.received_ms)
        return _outcome(lines, LinesTaken(0, (), ()))
    loop = asyncio.get_running_loop()
    handed_in_s = loop.time()
    try:
        taken = await door.service.take_lines(
            lines.lines,
            lines.skews_ms if any(lines.skews_ms) else (),
            user_ids=lines.user_ids,
            are_reports=lines.are_reports,
            room_wait_s=door.settings.room_wait_ms / 1_000,
            answer_wait_s=ANSWER_WAIT_S,
        )
    except NobodyYet as error:
        taken = LinesTaken(0, (), (), error)
    outcome = _outcome(lines, taken)
    if taken.failure is not None:
        raise _busy(door, request, taken.failure, outcome, [lines.places[place] for place in taken.committed])
    on_disk_s = loop.time()
    figures.acks.observe(on_disk_s - handed_in_s)
    rejected = [*refused, *((lines.ids[place], why) for place, why in taken.rejected)]
    figures.events(len(refused) + len(lines.lines), rejected, request.received_ms)
    door.pace.note(len(lines.lines) - taken.alone, on_disk_s)
    return outcome


def _busy(door: Door, request: Request, error: NobodyYet, outcome: Outcome, committed: Iterable[int]) -> Problem:
    waiting = error.waiting_lines if isinstance(error, Overloaded) else door.service.waiting_lines()
    pace = door.pace.per_second(asyncio.get_running_loop().time())
    told = {**msgspec.structs.asdict(outcome), "success": False, "committed": list(committed)}
    return Problem(
        429,
        "busy",
        str(error),
        headers={"Retry-After": str(retry_after_s(waiting, pace, request.request_id))},
        more={name: value for name, value in told.items() if value is not UNSET},
    )


def _outcome(lines: CallLines, taken: LinesTaken) -> Outcome:
    by_shards = [(lines.places[place], lines.ids[place], reason) for place, reason in taken.rejected]
    rejected = sorted([*lines.refused, *by_shards])
    return Outcome(
        success=True,
        accepted=taken.accepted,
        duplicate=len(taken.repeated),
        rejected=[Rejected(*each) for each in rejected[:LISTED_MAX]],
        rejected_count=len(rejected) if len(rejected) > LISTED_MAX else UNSET,
        without_id=lines.without_id or UNSET,
    )


def _paths(*names: str) -> dict[str, Any]:
    """The path of this name under /v1, and what else means the same."""
    first, *further = names
    return {"path": f"/v1/{first}", "also": (*(f"/{name}" for name in names), *(f"/v1/{name}" for name in further))}


def _row(handler: Handler, names: Sequence[str], summary: str, **more: Any) -> Route:
    """Of a path to which clients of Segment's API send, browsers among them."""
    told = {"body_bytes_max": BATCH_BYTES_MAX, "scope": "ingest", "key_in_body": True, "gives": Outcome, **more}
    return Route(method="POST", handler=handler, summary=summary, by_browsers=True, **_paths(*names), **told)


SINGLE: Final = (
    ("track", "t"), ("identify", "i"), ("page", "p"), ("screen", "s"), ("group", "g"), ("alias", "a"), ("consent",),
)  # fmt: skip
"""The paths of single calls."""

ROUTES: Final = (
    _row(batch, ("batch", "b", "import"), "Many calls.", takes=BatchBody),
    *(_row(one_call, names, f"A {names[0]} call.", takes=CallBody) for names in SINGLE),
    _row(block, ("ndjson",), "A block of event lines.", body_bytes_max=BLOCK_BYTES_MAX, key_in_body=False),
    _row(library_metrics, ("m",), "What a browser's library tells of itself.", scope=None, gives=Done),
    Route(
        method="POST", path="/events", handler=events, scope="ingest", gives=Outcome, by_browsers=True,
        body_bytes_max=BATCH_BYTES_MAX, summary="CloudEvents.",
    ),
    Route(
        method="GET", path="/v1/projects/{writeKey}/settings", also=("/projects/{writeKey}/settings",),
        handler=library_settings, gives=LibrarySettings, by_browsers=True,
        summary="Where Segment's browser library sends events.",
    ),
    Route(
        method="GET", path="/sourceConfig", handler=source_config, by_browsers=True,
        summary="What RudderStack's browser library asks for first.",
    ),
)  # fmt: skip
