"""What does the message of a step say? With nobody's data, or with one person's for whoever may see people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from parcours.ingress.changes import looking
from parcours.ingress.door import Door
from parcours.ingress.exchange import PAGE, VARY, Answer, Problem, Request, Route, json_answer
from parcours.ingress.messages_asked import MESSAGE, MessageAsked, messages_asked
from parcours.ingress.page.message import message_screen

FRAME_POLICY: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
"""For browsers: nothing of a message runs, none of its images or anything else is fetched, and it sends nothing."""


class ContentShown(msgspec.Struct, frozen=True, kw_only=True):
    """
    said     the fields of the channel's content; null where it cannot be rendered, for what `failed` says
    html     those of its fields that are HTML
    remarks  what the channel's check has to say of it
    """

    channel: str
    said: Mapping[str, Any] | None
    failed: str | None
    html: list[str]
    remarks: list[str]


class MessageShown(msgspec.Struct, frozen=True):
    """What the step sends, on each of its channels."""

    name: str
    step: str
    contents: list[ContentShown]


async def message(door: Door, request: Request) -> Answer:
    """What the message of a step says now."""
    contents = [
        ContentShown(
            channel=each.channel,
            said=each.said,
            failed=each.failed,
            html=sorted(each.html),
            remarks=[*each.remarks],
        )
        for each in await messages_asked(door, request)
    ]
    return json_answer(MessageShown(request.params["name"], request.params["step"], contents), headers=VARY)


async def framed(door: Door, request: Request) -> Answer:
    """The HTML of a message, for a frame in a page of ours."""
    channel, field = request.params["channel"], request.params["field"]
    for each in await messages_asked(door, request):
        if each.channel == channel and each.said is not None and field in each.html:
            headers = {**VARY, "Content-Security-Policy": FRAME_POLICY}
            return Answer(body=str(each.said[field]).encode(), media_type=PAGE, headers=headers)
    raise Problem(404, "unknown", "the message says nothing there that is HTML", headers=VARY)


ROUTES: Final[tuple[Route, ...]] = (
    looking(MESSAGE, message, MessageShown, "What a step sends.", asks=MessageAsked, page=message_screen),
    Route(
        method="GET",
        path=f"{MESSAGE}/{{channel}}/{{field}}",
        handler=framed,
        asks=MessageAsked,
        page=framed,
        scope="operate:read",
        summary="The HTML of what a step sends, for a frame.",
    ),
)
