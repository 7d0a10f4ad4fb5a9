"""Facts in SQL behind the door: one query of the tables and views, for a key that sees people."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from parcours.ingress.changes import body_alone, by_whom
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request, Route, json_answer
from parcours.ingress.facts import found
from parcours.insight.warehouse.answer_forms import plain
from parcours.insight.windows import told_time
from parcours.shard.messages import Look

PATH: Final = "/facts/sql"


class SqlAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    query     one query of the tables and views
    stitch    whether what was before a merge is the person's, whatever the project says
    exported  whether what is not exported yet is left out
    """

    query: str
    stitch: bool = False
    exported: bool = False


class SqlAnswered(msgspec.Struct, frozen=True, kw_only=True):
    """
    as_of  the instant up to which everything is known, null where nothing is
    rows   the values of each in the order of the columns
    more   whether there are more rows than are given
    """

    as_of: str | None
    columns: list[str]
    rows: list[list[Any]]
    more: bool


async def sql(door: Door, request: Request) -> Answer:
    """What the query gives."""
    asked = body_alone(request, SqlAsked, optional=False)
    look = Look(by_whom(request), f"{request.method} {PATH}")
    told = await found(
        lambda: door.service.insight().sql(asked.query, stitch=asked.stitch, exported=asked.exported, look=look)
    )
    rows = [[plain(value) for value in row] for row in told.rows]
    return json_answer(
        SqlAnswered(as_of=told_time(told.as_of_ms), columns=[*told.columns], rows=rows, more=told.is_cut)
    )


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path=PATH,
        handler=sql,
        takes=SqlAsked,
        gives=SqlAnswered,
        scope="people:read",
        summary="Ask facts in SQL.",
    ),
)
