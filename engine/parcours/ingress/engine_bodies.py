"""What is answered about the engine and its door: the bodies of the route of engine_routes.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec


class TroubleShown(msgspec.Struct, frozen=True, kw_only=True):
    """
    since  when this door has noticed it first; it looks every few seconds
    means  what it means, and `to_do` what there is to do if it is still there after five minutes; "" where nobody knows
    """

    trouble: str
    since: str
    means: str
    to_do: str


class ShardShown(msgspec.Struct, frozen=True, kw_only=True):
    """
    lag_ms         how long it took to tell its figures
    stamp          its newest effective time
    next           when its next timer is due, or was; None where nothing is due at all
    late_ms        for how long that has been due, and `late` about how many people have a timer that is due
    ready, claimed, held  deliveries that could leave now, that are on their way, and that wait for anything else
    waiting_lines  that wait for it at this door
    journal_bytes  of the journal behind the oldest image, which begins at `journal_from`
    standing_still people who are about to become one with somebody
    unanswered     messages to other shards that these have not answered
    refuses        why it wants no events for now, None if it does
    """

    shard: int
    people: int
    lag_ms: float
    stamp: str
    next: str | None
    late_ms: int
    late: int
    ready: int
    claimed: int
    held: int
    waiting_lines: int
    journal_bytes: int
    journal_from: str | None
    epoch: int
    process: str
    standing_still: int
    unanswered: int
    refuses: str | None


class ShardAway(msgspec.Struct, frozen=True, kw_only=True):
    """A shard that did not answer, for so long."""

    shard: int
    asked_ms: float
    waiting_lines: int


class DoorShown(msgspec.Struct, frozen=True, kw_only=True):
    """What this door has done in the last `window_s` seconds, and what it is doing.

    events  calls of which it has said what became of them; `busy` are requests answered with 429
    active  requests that are being answered, and `body_bytes` of bodies under way
    """

    window_s: int
    requests: int
    events: int
    busy: int
    active: int
    body_bytes: int
    streams: Mapping[str, int]


class RejectedShown(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was of no use, by its message id; None of one that had none."""

    at: str
    reason: str
    message_id: str | None


class KeyShown(msgspec.Struct, frozen=True, kw_only=True):
    """
    last_used  None where it has not been used since this door began
    """

    name: str
    scopes: Sequence[str]
    public: bool
    expires: str | None
    last_used: str | None


class DestinationShown(msgspec.Struct, frozen=True, kw_only=True):
    """
    outcomes  how many changes of members, or facts, so far, by what became of them
    waiting   changes that have not been answered for, or records of which it has not been told
    """

    name: str
    takes: Literal["members", "facts"]
    outcomes: Mapping[str, int]
    waiting: int


class EngineShown(msgspec.Struct, frozen=True, kw_only=True):
    """
    troubles      the newest first
    merges        what became of merges that calls asked for
    rejected      calls of no use since this door began, by the kind of reason; `newest_rejected` are the last 20
    limits        how often each setting's limit was reached
    dead_letters  how many there are; None where a shard does not say so now
    """

    troubles: list[TroubleShown]
    shards: list[ShardShown]
    away: list[ShardAway]
    door: DoorShown
    merges: Mapping[str, int]
    rejected: Mapping[str, int]
    newest_rejected: list[RejectedShown]
    limits: Mapping[str, int]
    dead_letters: int | None
    keys: list[KeyShown]
    destinations: list[DestinationShown]
