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
from parcours.ingress.door import Door
from parcours.ingress.exchange import SMALL_BODY_MAX, VARY, Answer, Handler, Problem, Request, Route, json_answer
from parcours.ingress.operate_bodies import ChangeAsked
from parcours.ingress.project_folder import ProjectFolder
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
    or_gives: type[msgspec.Struct] | None = None,
    page: Handler | None = None,
) -> Route:
    """The row of what changes nothing."""
    return Route(
        method="GET",
        path=path,
        also=also,
        handler=handler,
        gives=gives,
        or_gives=or_gives,
        asks=asks,
        page=page,
        scope="operate:read",
        summary=summary,
    )


def change_routes(
    path: str,
    changing: Callable[[Verb], Handler],
    foreseeing: Callable[[Verb], Handler],
    summaries: Mapping[Verb, str],
    page: Callable[[Verb], Handler],
    form: Callable[[Verb], Handler],
) -> Iterator[Route]:
    """The rows of what can be changed of one journey or campaign, below this path: a verb, and what it does.

    foreseeing  says what it would do
    page        the same as a page, with a form
    form        answers that form
    """
    for verb, summary in summaries.items():
        yield Route(
            method="POST",
            path=f"{path}/{verb}",
            handler=changing(verb),
            page=form(verb),
            takes=ChangeAsked,
            gives=ChangeOutcome,
            scope="operate",
            summary=summary,
        )
        yield Route(
            method="GET",
            path=f"{path}/{verb}",
            handler=foreseeing(verb),
            page=page(verb),
            gives=ChangeOutcome,
            scope="operate",
            summary=f"What it would do to {verb} it.",
        )


def journey_change(
    door: Door, verb: Verb, name: str, ledger: int | None, by: str
) -> Callable[[bool], Awaitable[ChangeOutcome]]:
    """Does this to a journey, or says what it would do: which of both is what it is called with."""
    call = {
        "pause": door.service.pause_journey,
        "resume": door.service.resume_journey,
        "close": door.service.close_journey,
        "stop": door.service.stop_journey,
    }[verb]
    return lambda dry: call(name, dry=dry, ledger=ledger, by=by)


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
    return refusal(outcome, dry=dry) if outcome.refused else json_answer(outcome, headers=VARY)


def refusal(outcome: ChangeOutcome, *, dry: bool) -> Answer:
    """The answer to what cannot be done. Raises Problem unless it was only asked for dry."""
    if dry:
        return json_answer(outcome, headers=VARY)
    more: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(outcome, dry=False))
    raise Problem(409, "refused", "; ".join(outcome.refused), more=more)


def folder_of(door: Door) -> ProjectFolder:
    """The folder of the door. Raises Problem where it has none."""
    if door.folder is None:
        raise Problem(404, "unknown", "this door was started without a folder: `parcours publish FOLDER` sends one")
    return door.folder


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
