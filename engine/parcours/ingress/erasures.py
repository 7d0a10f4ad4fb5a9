"""Erasing a person over HTTP, and how far it is."""

from __future__ import annotations

from typing import Final

import msgspec

from parcours.core.time_text import time_text
from parcours.ingress.changes import answered
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request, Route, json_answer
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


async def erase(door: Door, request: Request) -> Answer:
    """Erase a person."""
    by = "" if request.key is None else request.key.name
    job = await answered(door.service.erase(request.params["id"], by=by))
    return json_answer(_shown(job), status=202)


async def erasure(door: Door, request: Request) -> Answer:
    """How far an erasure is."""
    job = await answered(door.service.erasure(request.params["job"]))
    if job is None:
        raise Problem(404, "unknown", "there is no such erasure")
    return json_answer(_shown(job))


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
        scope="people:read",
        summary="How far an erasure is.",
    ),
)
