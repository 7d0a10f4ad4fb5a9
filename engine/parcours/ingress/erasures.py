"""Erasing a person over HTTP, and how far it is."""

from __future__ import annotations

from typing import Final

import msgspec

from parcours.core.time_text import time_text
from parcours.ingress.asked_people import known_person
from parcours.ingress.changes import answered, by_whom
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Problem, Request, Route, json_answer
from parcours.ingress.page.erase import erase_screen, erased_screen, job_screen
from parcours.service.erasure import ErasureJob


class ErasureStepShown(msgspec.Struct, frozen=True):
    """Whether these copies are free of her."""

    what: str
    done: bool


class ErasureShown(msgspec.Struct, frozen=True, kw_only=True):
    """
    asked_at   from then on nobody is told anything of her
    lapses_on  the day on which the journal is free of her, where facts lie there until they lapse
    """

    job: str
    asked_at: str
    done: bool
    rows: list[ErasureStepShown]
    lapses_on: str | None


class ErasureForeseen(msgspec.Struct, frozen=True):
    """
    owner     the name under which she is kept
    names     all of hers
    runs      that end where they are
    messages  that wait for her, and leave no more
    """

    owner: str
    names: list[str]
    runs: int
    messages: int


async def foreseen(door: Door, request: Request) -> Answer:
    """Who would be erased, and what would end."""
    found = await known_person(door, request)
    names = [found.name, *found.names]
    return json_answer(ErasureForeseen(found.name, names, len(found.runs), found.waiting), headers=VARY)


async def erase(door: Door, request: Request) -> Answer:
    """Erase a person."""
    job = await answered(door.service.erase(request.params["id"], by=by_whom(request)))
    return json_answer(_shown(job), status=202)


async def erasure(door: Door, request: Request) -> Answer:
    """How far an erasure is."""
    job = await answered(door.service.erasure(request.params["job"]))
    if job is None:
        raise Problem(404, "unknown", "there is no such erasure", headers=VARY)
    return json_answer(_shown(job), headers=VARY)


def _shown(job: ErasureJob) -> ErasureShown:
    return ErasureShown(
        job=job.id,
        asked_at=time_text(job.asked_at),
        done=job.done,
        rows=[ErasureStepShown(row.what, row.done) for row in job.rows],
        lapses_on=None if job.lapses_at is None else time_text(job.lapses_at)[:10],
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/people/{id}/erase",
        handler=foreseen,
        gives=ErasureForeseen,
        page=erase_screen,
        scope="people",
        summary="Who would be erased, and what would end.",
    ),
    Route(
        method="POST",
        path="/people/{id}/erase",
        handler=erase,
        gives=ErasureShown,
        page=erased_screen,
        scope="people",
        status=202,
        other_statuses=(303,),
        summary="Erase a person, as DELETE does.",
    ),
    Route(
        method="DELETE",
        path="/people/{id}",
        handler=erase,
        gives=ErasureShown,
        scope="people",
        status=202,
        summary="Erase a person.",
    ),
    Route(
        method="GET",
        path="/erasures/{job}",
        handler=erasure,
        gives=ErasureShown,
        page=job_screen,
        scope="people:read",
        summary="How far an erasure is.",
    ),
)
