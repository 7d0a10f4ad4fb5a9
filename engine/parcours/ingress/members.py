"""Who becomes a member of a saved audience by a call: people who are named, or those of a funnel."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from parcours.core.time_text import time_text
from parcours.errors import AuthorError, CallerError, EngineClosed, ExtraMissing
from parcours.ingress.changes import answered, body_alone, by_whom
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request, Route, json_answer
from parcours.insight.windows import Window
from parcours.service.saved_people import NAMED_MAX

BODY_BYTES_MAX: Final = 2 * 1024 * 1024
"""Room for as many ids as may be named, of 400 bytes each."""


class FunnelMeant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    words    the funnel in words, or its name in insight/ of what is published
    who      `reached:2`, `lost:2` or `group:NAME`
    options  in place of its keys, by these
    from_ms, to_ms  what happened from this instant on, and before that one
    live     the 24 hours up to what is known, in place of both
    stitch   what was before a merge is the person's, whatever the project says
    """

    words: str
    who: str
    options: dict[str, str | int | float | bool | list[str] | None] = {}
    from_ms: int | None = None
    to_ms: int | None = None
    live: bool = False
    stitch: bool = False


class MembersAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either `people` by their ids, or a `funnel`.

    mode  replace: nobody else is in it then; append: they come in besides
    """

    people: Annotated[list[str], msgspec.Meta(max_length=NAMED_MAX)] | None = None
    funnel: FunnelMeant | None = None
    mode: Literal["replace", "append"] = "replace"


class MembersSaved(msgspec.Struct, frozen=True, kw_only=True):
    """
    people   how many were saved
    at       from when on they are in it, and others are not
    unknown  of how many who were named nothing is known: they were left out
    """

    name: str
    people: int
    at: str
    unknown: int


async def members(door: Door, request: Request) -> Answer:
    """Save people as an audience; answered once they are in it."""
    asked = body_alone(request, MembersAsked, BODY_BYTES_MAX, optional=False)
    name, by, funnel = request.params["name"], by_whom(request), asked.funnel
    if (asked.people is None) == (funnel is None):
        raise Problem(400, "invalid", "one of `people` and `funnel` is expected")
    try:
        if funnel is None:
            saving = door.service.save_people(name, asked.people, asked.mode, by=by)
        else:
            window = Window(funnel.from_ms, funnel.to_ms, funnel.live)
            saving = door.service.save_funnel(
                name, funnel.words, funnel.who, asked.mode, options=funnel.options, window=window,
                stitch=funnel.stitch, by=by,
            )  # fmt: skip
        saved = await answered(saving)
    except EngineClosed:
        raise
    except (AuthorError, CallerError, ExtraMissing) as error:
        raise Problem(409, "refused", str(error)) from None  # which names nobody
    told = MembersSaved(name=saved.audience, people=saved.people, at=time_text(saved.at), unknown=saved.unknown)
    return json_answer(told)


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/audiences/{name}/members",
        handler=members,
        takes=MembersAsked,
        gives=MembersSaved,
        scope="operate",
        body_bytes_max=BODY_BYTES_MAX,
        summary="Save people as an audience.",
    ),
)
