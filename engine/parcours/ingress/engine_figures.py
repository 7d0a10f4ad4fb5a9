"""How does the engine stand, and the door before it? The figures of /metrics, as they are now, and what they mean.

The same for JSON and for the screen. What a shard does not say is left out: who looks here wants to know just then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from parcours.core.time_text import time_text
from parcours.errors import ShardUnavailable
from parcours.ingress.destination_figures import destinations_shown
from parcours.ingress.door import Door
from parcours.ingress.engine_bodies import (
    DoorShown,
    EngineShown,
    KeyShown,
    RejectedShown,
    ShardAway,
    ShardShown,
    TroubleShown,
)
from parcours.ingress.exchange import Request
from parcours.ingress.hidden_names import shown_trouble
from parcours.ingress.keys import Key
from parcours.ingress.trouble_meanings import meaning_of
from parcours.ingress.troubles import Noticed
from parcours.service.figures import EngineFigures
from parcours.shard.figures import ShardFigures


async def engine_told(door: Door, request: Request) -> EngineShown:
    """All of it."""
    figures = await door.figures.of_engine(door.service, request.received_ms)
    troubles = door.troubles.noticed(await door.service.troubles(), request.received_ms)
    told = [(number, each.figures) for number, each in enumerate(figures.shards)]
    limits, merges = Counter[str](), Counter[str]()
    for _, each in told:
        if each is not None:
            limits.update(dict(each.totals.limits))
            merges.update(dict(each.totals.merges))
    return EngineShown(
        troubles=[_trouble(each, request.key) for each in troubles],
        shards=[_shard(number, each, figures) for number, each in told if each is not None],
        away=[_away(number, figures) for number, each in told if each is None],
        door=_door(door),
        merges=dict(sorted(merges.items())),
        rejected=dict(sorted(door.figures.rejections().items())),
        newest_rejected=[
            RejectedShown(at=time_text(each.at_ms), reason=each.kind, message_id=each.message_id)
            for each in tuple(door.figures.newest_rejected)[::-1]
        ],
        limits=dict(sorted(limits.items())),
        dead_letters=await _dead_letters(door),
        keys=[_key(each, door.keys.used_ms) for each in door.keys.all()],
        destinations=destinations_shown([each for _, each in told if each is not None]),
    )


async def _dead_letters(door: Door) -> int | None:
    try:
        return len(await door.service.dead_letters())
    except ShardUnavailable:
        return None


def _trouble(of: Noticed, key: Key | None) -> TroubleShown:
    meaning = meaning_of(of.trouble)
    return TroubleShown(
        trouble=shown_trouble(of.trouble, key),
        since=time_text(of.since_ms),
        means="" if meaning is None else meaning.means,
        to_do="" if meaning is None else meaning.to_do,
    )


def _shard(number: int, of: ShardFigures, figures: EngineFigures) -> ShardShown:
    status = of.status
    ready = sum(status.ready.values())
    return ShardShown(
        shard=number,
        people=status.people,
        lag_ms=round(figures.shards[number].lag_ms, 1),
        stamp=time_text(status.stamp_ms),
        next=None if status.next_ms is None else time_text(status.next_ms),
        late_ms=of.timers_late_ms,
        late=of.timers_late,
        ready=ready,
        claimed=status.claimed,
        held=max(0, sum(of.outbox.values()) - ready - status.claimed),
        waiting_lines=figures.waiting_lines[number],
        journal_bytes=of.journal_bytes,
        journal_from=None if of.journal_from_ms is None else time_text(of.journal_from_ms),
        epoch=of.epoch,
        process=of.process,
        standing_still=status.standing_still,
        unanswered=status.unanswered,
        refuses=status.refuses,
    )


def _away(number: int, figures: EngineFigures) -> ShardAway:
    return ShardAway(
        shard=number,
        asked_ms=round(figures.shards[number].lag_ms, 1),
        waiting_lines=figures.waiting_lines[number],
    )


def _door(door: Door) -> DoorShown:
    counts = door.figures.rates.counts()
    return DoorShown(
        window_s=door.figures.rates.window_s(),
        requests=counts["requests"],
        events=counts["events"],
        busy=counts["busy"],
        active=door.figures.active_now(),
        body_bytes=door.figures.body_bytes_now(),
        streams=door.figures.open_streams(),
    )


def _key(of: Key, used_ms: Mapping[str, int]) -> KeyShown:
    used = used_ms.get(of.name)
    return KeyShown(
        name=of.name,
        scopes=sorted(of.scopes),
        public=of.public,
        expires=None if of.expires_ms is None else time_text(of.expires_ms),
        last_used=None if used is None else time_text(used),
    )
