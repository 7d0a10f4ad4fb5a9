"""How is a change asked for, and what is answered? The same for journeys, campaigns and publications.

Each can be asked for dry, with `ledger`, or both: what it would do is told before it is done, and nobody changes what
is not any more as he has seen it. The name of the key is kept with the change.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from parcours.errors import CallerError, LedgerOutdated, PublishRefused, ShardUnavailable
from parcours.ingress.bodies import decoded
from parcours.ingress.exchange import SMALL_BODY_MAX, Answer, Handler, Problem, Request, Route, json_answer
from parcours.ingress.operate_bodies import ChangeAsked
from parcours.journey.publish.ledger import Verb
from parcours.service.change_outcome import ChangeOutcome

T = TypeVar("T")


def looking(
    path: str,
    handler: Handler,
    gives: type[msgspec.Struct],
    summary: str,
    *,
    also: tuple[str, ...] = (),
    asks: type[msgspec.Struct] | None = None,
    page: Handler | None = None,
) -> Route:
    """The row of what changes nothing."""
    return Route(
        method="GET",
        path=path,
        also=also,
        handler=handler,
        gives=gives,
        asks=asks,
        page=page,
        scope="operate:read",
        summary=summary,
    )


def change_routes(
    path: str,
    changing: Callable[[Verb], Handler],
    summaries: Mapping[Verb, str],
    page: Callable[[Verb], Handler] | None = None,
) -> Iterator[Route]:
    """The rows of what can be changed of one journey or campaign, below this path: a verb, and what it does.

    page  answers a form of the page
    """
    for verb, summary in summaries.items():
        yield Route(
            method="POST",
            path=f"{path}/{verb}",
            handler=changing(verb),
            page=None if page is None else page(verb),
            takes=ChangeAsked,
            gives=ChangeOutcome,
            scope="operate",
            summary=summary,
        )


async def answered(call: Awaitable[T]) -> T:
    """What the engine answers. Raises Problem where a shard holds it up, or where somebody else was faster."""
    try:
        return await call
    except ShardUnavailable as error:
        raise Problem(503, "unavailable", str(error), headers={"Retry-After": "1"}) from None
    except LedgerOutdated as error:
        raise Problem(409, "ledger", str(error)) from None


async def outcome_of(change: Callable[[bool], Awaitable[ChangeOutcome]], *, dry: bool) -> Answer:
    """What a change has come to, or would. One that is refused is looked at dry, for all the reasons."""
    try:
        outcome = await answered(change(dry))
    except (PublishRefused, CallerError):
        outcome = await answered(change(True))
        if not outcome.refused:  # somebody has changed something in between, and it may be tried again
            raise
    return refusal(outcome, dry=dry) if outcome.refused else json_answer(outcome)


def refusal(outcome: ChangeOutcome, *, dry: bool) -> Answer:
    """The answer to what cannot be done. Raises Problem unless it was only asked for dry."""
    if dry:
        return json_answer(outcome)
    more: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(outcome, dry=False))
    raise Problem(409, "refused", "; ".join(outcome.refused), more=more)


def body_alone(request: Request, kind: type[msgspec.Struct], most: int = SMALL_BODY_MAX, *, optional: bool) -> Any:
    """The body; none at all is an empty object if it is optional. Raises Problem for what is said in a query."""
    if request.query:
        raise Problem(400, "invalid", "nothing of the query is read: say it in the body, as JSON")
    if not request.body and optional:
        return kind()
    return decoded(request, kind, most)


def by_whom(request: Request) -> str:
    """The name that is kept with a change."""
    return "" if request.key is None else request.key.name
