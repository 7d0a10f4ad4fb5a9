"""The change protocol: all shards hold, get a change of what is published with one effective time, and go on.

First every shard is told to hold, durably, and says how far its time is. Then the change gets its time, no
earlier than any of these, and goes to every shard, which commits it and goes on. Each call is repeated until
the shard answers; a shard that starts again in between still holds. All calls of a change carry the number of
the attempt, so that one which is carried out too late or twice does no harm (shard/attempts.py). Whoever starts
again in the middle finds out by asking (`settle`): what one shard has taken the others take too, with the same
time, and where none has, nothing has happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from parcours.core.offers.lessons import Lessons
from parcours.errors import ShardUnavailable
from parcours.journey.project import Project
from parcours.journey.publish.ledger import (
    ChangeFigures,
    Ledger,
    Named,
    Reopening,
    Verb,
    changed,
    is_reopened,
    noted,
    published,
    retired,
)
from parcours.journey.publish.publications import Publications, candidate_of, source_of
from parcours.routing.leases import end_leases
from parcours.routing.moves import end_moves, let_move
from parcours.routing.patience import Patience
from parcours.routing.ports import ChangePort, until_answered
from parcours.shard.attempts import NO_ATTEMPT
from parcours.shard.messages import Holding
from parcours.shard.requests import (
    AwaitScan,
    CountOffers,
    EndScan,
    GetHolding,
    Hold,
    Learn,
    LetIn,
    LetSave,
    Publish,
    Release,
)
from parcours.shard.scans import OF_CAMPAIGN

STOP_PATIENCE_S: Final = 5.0
"""How long somebody who stops waits for shards that stand still to go on."""

Making: TypeAlias = Callable[[Publications, int], Publications]
"""Makes what is published next of what is published now and an effective time in ms; the same if nothing changes."""


def publishing(
    project: Project, *, reopen: Reopening, in_use: Collection[tuple[str, int]] | None = None, by: str = ""
) -> Making:
    """Publish a project.

    reopen  whether closed and stopped journeys that have not changed are open again, or which of them
    in_use  (journey, version) of all that somebody goes by: the others are forgotten; None: nobody has looked
    by      whose change it is: the name of a key
    """
    offer, source = candidate_of(project), source_of(project)

    def make(before: Publications, at: int) -> Publications:
        unchanged = offer.source == before.ledger.source
        shut = [name for name, each in before.ledger.journeys.items() if each.offered and each.entries != "open"]
        if unchanged and not any(is_reopened(name, reopen) for name in shut):
            return before
        kept = before.ledger if in_use is None else retired(before.ledger, in_use)
        ledger = published(kept, offer, at, reopen=reopen, by=by)
        return _with_sources(ledger, {**before.sources, ledger.publication: source})

    return make


def changing(verb: Verb, journey: str, by: str = "", of: Named = "journey") -> Making:
    """Close, stop, pause or resume a journey or a campaign. The function made raises CallerError where it cannot."""

    def make(before: Publications, at: int) -> Publications:
        ledger = changed(before.ledger, verb, journey, at, by, of)
        return before if ledger is before.ledger else Publications(ledger, before.sources)

    return make


def noting(make: Making, figures: ChangeFigures, said: Sequence[str]) -> Making:
    """The same change, which remembers what it has come to."""

    def noted_too(before: Publications, at: int) -> Publications:
        after = make(before, at)
        return after if after is before else Publications(noted(after.ledger, figures, said), after.sources)

    return noted_too


def _with_sources(ledger: Ledger, sources: dict[int, bytes]) -> Publications:
    named = ledger.publications()
    return Publications(ledger, {number: source for number, source in sources.items() if number in named})


async def newest(ports: Sequence[ChangePort]) -> Publications:
    """What is published by the word of the shard that knows best: a change may have reached some of them only."""
    return _newest([await port.ask(GetHolding()) for port in ports])


def _newest(holdings: Sequence[Holding]) -> Publications:
    """New stores begin one after the other, each at its time: the last one's is everybody's."""
    known = max(
        holdings, key=lambda each: (each.publications.ledger.number, not each.fresh, each.publications.ledger.at)
    )
    return known.publications


async def settle(ports: Sequence[ChangePort]) -> Publications:
    """Bring to its end what a life before began and did not finish, ahead of any attempt; what is published now.

    Once one shard knows from when on a read lets people in, an audience holds that was saved, or rankings know more,
    all others stand still and are told the same time. Nobody collects what a scan has taken, but for those of
    campaigns: it ends.
    """
    holdings = [await until_answered(partial(port.ask, GetHolding())) for port in ports]
    known = _newest(holdings)
    entering = {
        (read.journey, read.at): LetIn(NO_ATTEMPT, read.journey, read.at, read.entries_from, read.people)
        for each in holdings
        for read in each.reads
        if read.entries_from is not None
    }
    saved = {each.name: each for holding in holdings for each in holding.saves}
    lessons = await _newest_lessons(ports, holdings)
    if lessons is not None and lessons.since <= known.ledger.at:
        lessons = None  # it comes with the publication, by which rankings have forgotten something
    for port, holding in zip(ports, holdings, strict=True):
        if lessons is not None and holding.learned_ms < lessons.since:
            await until_answered(partial(port.ask, Learn(NO_ATTEMPT, lessons)))
        for name in saved.keys() - {each.name for each in holding.saves}:
            save = saved[name]
            request = LetSave(NO_ATTEMPT, name, save.audience, silent=save.silent, at=save.at)
            await until_answered(partial(port.ask, request))
        for read in holding.reads:
            if read.entries_from is None and (read.journey, read.at) in entering:
                await until_answered(partial(port.ask, entering[read.journey, read.at]))
        await until_answered(partial(port.ask, Publish(NO_ATTEMPT, known)))
        for scan in holding.scans:
            if not scan.startswith(OF_CAMPAIGN):
                await until_answered(partial(port.ask, EndScan(scan)))
    return known


async def _newest_lessons(ports: Sequence[ChangePort], holdings: Sequence[Holding]) -> Lessons | None:
    """What rankings know by the word of the shard that knows best; None where all know the same."""
    known = [each.learned_ms for each in holdings]
    if min(known) == max(known):
        return None
    best = ports[known.index(max(known))]
    counted = await until_answered(lambda: best.ask(CountOffers()))
    assert counted.newest is not None, "the shard has said that it knows one"
    return counted.newest


async def carry_out(
    ports: Sequence[ChangePort],
    before: Publications,
    make: Making,
    now_ms: int,
    told: Callable[[Publications], Awaitable[None]],
    attempt: int,
    patience: Patience | None = None,
    *,
    listens: bool = True,
) -> Publications:
    """Make a change, at `now_ms` or as soon as all shards can be told; what is published then.

    attempt  higher than the number of any attempt before; no other one may be under way
    told  is called with it before any shard is, for whoever has to know first
    patience  how long it waits for the shards to stand still; for as long as it takes, if it is not given. From then on
              the change is made, however long it takes
    listens  whether by it something may listen to more events: then no router answers any by itself from its time on
    Raises what `make` raises, and ShardUnavailable where a shard took too long; nothing has happened then.
    """
    if make(before, now_ms) is before:
        return before
    patience = patience or Patience()
    try:
        await end_moves(ports, patience)
        holdings = [
            await patience.answer(number, partial(port.ask, Hold(attempt))) for number, port in enumerate(ports)
        ]
        await let_move(ports)  # as far as anything happens in shards that stand still
        if listens:
            now_ms += await end_leases(ports, patience)
        after = make(before, max(now_ms, before.ledger.at, *(each.stamp_ms for each in holdings)))
        await told(after)
    except ShardUnavailable:
        for port in ports:  # one of them does not answer: whoever asked for the change does not wait for it any more
            patience.leave(_release(port, attempt))
        raise
    except (Exception, asyncio.CancelledError):
        await _release_all(ports, attempt, patience)
        raise
    for port in ports:
        await until_answered(partial(port.ask, Publish(attempt, after)))
    return after


async def at_one_time(
    ports: Sequence[ChangePort],
    now_ms: int,
    attempt: int,
    tell: Callable[[int], LetIn | LetSave | AwaitScan | Learn],
    patience: Patience | None = None,
) -> int:
    """Stop all shards, tell them one time that none of them has passed, and let them go on; returns the time.

    tell  makes the request of the time, by which a shard goes on
    Raises ShardUnavailable where a shard takes too long; nothing has happened then. Not to be cancelled once shards
    stand still: those that have not been told would go on doing so.
    """
    patience = patience or Patience()
    try:
        holdings = [
            await patience.answer(number, partial(port.ask, Hold(attempt))) for number, port in enumerate(ports)
        ]
    except (Exception, asyncio.CancelledError):
        await _release_all(ports, attempt, patience)
        raise
    at = max(now_ms, *(each.stamp_ms for each in holdings))
    for port in ports:
        await until_answered(partial(port.ask, tell(at)))
    return at


async def see_through(telling: Iterable[asyncio.Future[Any]]) -> None:
    """Let whoever tells shards that stand still come to the end, for as long as somebody who stops waits for that."""
    left = [*telling]
    if left:
        await asyncio.wait(left, timeout=STOP_PATIENCE_S)
    for each in left:
        each.cancel()
    await asyncio.gather(*left, return_exceptions=True)


async def _release_all(ports: Sequence[ChangePort], attempt: int, patience: Patience) -> None:
    """Let shards go on that stand still. For one that does not answer nobody waits long, but it is asked on."""
    released = asyncio.gather(*(_release(port, attempt) for port in ports))

    async def all_released() -> None:
        await released

    patience.leave(all_released())
    await asyncio.wait([released], timeout=STOP_PATIENCE_S)


async def _release(port: ChangePort, attempt: int) -> None:
    await until_answered(partial(port.ask, Release(attempt)))
