"""The table of all that the door answers, and the router made of it. What stands first is asked for most often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Final, TypeAlias

from starlette.routing import Route as Path
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from parcours.ingress import (
    campaigns,
    decisions,
    deliveries,
    engine_routes,
    erasures,
    facts,
    feedback,
    health,
    inbox,
    ingest,
    insight,
    links,
    looks,
    members,
    messages,
    metrics,
    offers,
    openapi,
    operate,
    people,
    reports,
    rewinds,
    snippet,
    sources,
    sql,
    steps,
)
from parcours.ingress.exchange import Route
from parcours.ingress.page import (
    entrance,
    live,
    static_files,
    trial,
    trial_done,
    trial_event,
    trial_kept,
    trial_messages,
    trials,
)

TABLES: Final[Sequence[Sequence[Route]]] = (
    ingest.ROUTES,
    decisions.ROUTES,
    links.ROUTES,
    snippet.ROUTES,
    health.ROUTES,
    metrics.ROUTES,
    openapi.ROUTES,
    operate.ROUTES,
    deliveries.ROUTES,
    engine_routes.ROUTES,
    entrance.ROUTES,
    static_files.ROUTES,
    live.ROUTES,
    trials.ROUTES,
    trial.ROUTES,
    trial_done.ROUTES,
    trial_event.ROUTES,
    trial_messages.ROUTES,
    trial_kept.ROUTES,
    steps.ROUTES,
    messages.ROUTES,
    reports.ROUTES,
    insight.ROUTES,
    offers.ROUTES,
    campaigns.ROUTES,
    looks.ROUTES,
    members.ROUTES,
    feedback.ROUTES,
    inbox.ROUTES,
    people.ROUTES,
    erasures.ROUTES,
    sources.ROUTES,
    rewinds.ROUTES,
    sql.ROUTES,
    facts.ROUTES,
)

ROUTES: Final[tuple[Route, ...]] = tuple(chain.from_iterable(TABLES))

Answering: TypeAlias = Callable[[Mapping[str, Route], Scope, Receive, Send], Awaitable[None]]
"""Answers a request to a path by the rows that it has, one for each method; none for a path that there is not."""


class _AtPath:
    """An ASGI application for one path: the table's rows for it, by method."""

    def __init__(self, rows: Mapping[str, Route], answering: Answering) -> None:
        self._rows = rows
        self._answering = answering

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answering(self._rows, scope, receive, send)


def router(routes: Iterable[Route], answering: Answering) -> Router:
    """The router of these rows."""
    by_path: dict[str, dict[str, Route]] = {}
    for route in routes:
        for path in (route.path, *route.also):
            rows = by_path.setdefault(path, {})
            assert route.method not in rows, f"{route.method} {path} stands in the table twice"
            rows[route.method] = route
    paths = [Path(path, _AtPath(rows, answering)) for path, rows in by_path.items()]
    return Router(paths, redirect_slashes=False, default=_AtPath({}, answering))
