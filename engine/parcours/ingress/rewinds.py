"""What would come of reading a source again from a place behind, and do it: told dry first, and done with its token."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from parcours.errors import CallerError, RewindOutdated
from parcours.ingress.bodies import decoded
from parcours.ingress.changes import answered
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request, Route, json_answer
from parcours.service.source_rewinds import PlaceBehind, Rewind


class RewindAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a source is to be read again from.

    to         a position, an ISO 8601 time with a zone, or "earliest"
    partition  that one alone; all that the log has, without it
    dry        only say what would come of it
    token      that of the dry answer, without which nothing is done
    """

    to: int | str
    partition: str | None = None
    dry: bool | None = None
    token: str | None = None


async def rewind(door: Door, request: Request) -> Answer:
    """Say it, or do it."""
    asked, name = decoded(request, RewindAsked), request.params["name"]
    if all(each.source != name for each in await answered(door.service.sources())):
        raise Problem(404, "unknown", f"this door reads no source {name!r}")
    if not asked.dry and asked.token is None:
        raise Problem(400, "invalid", "ask for it dry first, and name the token of that answer")
    call = door.service.rewind_source(
        name, _place(asked.to), partition=asked.partition, dry=bool(asked.dry), token=asked.token
    )
    try:
        return json_answer(await answered(call))
    except RewindOutdated as error:
        raise Problem(409, "outdated", str(error)) from None
    except CallerError as error:
        raise Problem(409, "refused", str(error)) from None


def _place(to: int | str) -> PlaceBehind:
    if isinstance(to, int) or to == "earliest":
        return to  # type: ignore[return-value]  # it is that text
    try:
        return datetime.fromisoformat(to)
    except ValueError:
        raise Problem(400, "invalid", "to: a position, a time or 'earliest' is expected") from None


ROUTES: Final = (
    Route(
        method="POST",
        path="/sources/{name}/rewind",
        handler=rewind,
        takes=RewindAsked,
        gives=Rewind,
        scope="operate",
        summary="Read it again from a place behind.",
    ),
)
