"""Destinations: another system is told when a person enters an audience, and when she leaves it.

What it should have of her follows from her as she stands: whether she is in the audience, has agreed, and has a key.
After each input that is compared with what it may have by now. Where the two differ a change is asked for, which goes
the way of a delivery: an outbox entry, a claim, a receipt. No gate judges it, and it is no run's.

    idle -> queued -> claimed -> idle: told, or given up
              ^---------'  not told for certain: again after a delay

Of one person one change is under way at a time. So they arrive in order, and one that she has overtaken before it was
claimed is taken back. An attempt of which nobody knows what became may arrive late: until `SyncState.until` nothing
follows it, and whatever it may have done is done again, or undone. To do so twice does no harm.

Somebody whose key changes leaves under the old one and enters under the new one. A change of fields alone is none.
With a person it is kept under which keys the other side may have her, so whoever is merged can be taken out. Whoever is
to be erased is withheld, and is erased once no destination has her any more.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final, TypeAlias, assert_never

from parcours.channel import Accepted, Ambiguous, NotSent, Refused
from parcours.config import Settings
from parcours.core.audiences import is_inside
from parcours.core.consent import has_consent
from parcours.core.delivery.deliveries import make_ready
from parcours.core.delivery.delivery_key import key_of
from parcours.core.delivery.feedback import retry_pause_ms
from parcours.core.effect import Outgoing
from parcours.core.input import ContentRefused, Interrupted, Placed, Settlement
from parcours.core.profile import Profile, Timer
from parcours.core.sync_state import MemberChange, SyncState
from parcours.core.synced import Synced, SyncOutcome
from parcours.core.turn import Normalize, Turn
from parcours.expression.values import MISSING, to_json
from parcours.journey.destinations import Destination, SharedValue, lane_of
from parcours.journey.program import Program

Change: TypeAlias = tuple[MemberChange, str]
"""What is to be told: of whom by which key."""

GONE: Final = "the destination is not published any more"

_NOTHING_TOLD: Final = SyncState()


def follow_destinations(turn: Turn) -> None:
    """Ask for whatever destinations have to be told, once an input has been applied."""
    known = turn.program.destinations
    for name in [name for name in turn.profile.synced or () if name not in known]:
        _let_go(turn, name)
    for destination in known.values():
        _follow(turn, destination)


def retold(before: Program, after: Program) -> tuple[str, ...]:
    """The destinations that a publication has everybody looked at for: it may decide otherwise who is told of."""
    asks_otherwise = before.policies.consent != after.policies.consent
    old, new = before.destinations, after.destinations
    return tuple(
        name
        for name in sorted(old.keys() | new.keys())
        if name not in old
        or name not in new
        or old[name].membership != new[name].membership
        or (asks_otherwise and new[name].consent is not None)
    )


def withhold(turn: Turn) -> None:
    """Let every destination that has been told of her be told that she has left; follow_destinations does."""
    for state in (turn.profile.synced or {}).values():
        state.withheld = True


def claim(turn: Turn, key: str) -> bool:
    """Claim a change for whoever brings it there, unless it has been overtaken; False if there is no such change."""
    started = _start(turn, key)
    if started is not None:
        turn.effects.claimed.append((key, started[1].attempt))
    return started is not None


def record(turn: Turn, receipt: Settlement) -> bool:
    """Claim a change that is only recorded, and apply its receipt; False if there is no such change."""
    started = _start(turn, receipt.key)
    if started is not None:
        _answer(turn, *started, receipt)
    return started is not None


def take_receipt(turn: Turn, receipt: Settlement) -> bool:
    """Apply a receipt; False if there is no such change, also because it is answered for already."""
    found = _find(turn.profile, receipt.key)
    if found is not None and found[1].state == "claimed":
        _answer(turn, *found, receipt)
    return found is not None


def go_out(turn: Turn, key: str) -> bool:
    """The delay before another attempt is over; False if there is no such change."""
    found = _find(turn.profile, key)
    if found is not None:
        make_ready(turn, key)
    return found is not None


def set_aside(turn: Turn, key: str, reason: str) -> bool:
    """Do without a change whose timer cannot be carried out; False if there is no such change."""
    found = _find(turn.profile, key)
    if found is not None:
        _give_up(turn, *found, reason)
    return found is not None


def join_synced(turn: Turn, other: Profile) -> None:
    """Of two who become one, the person is wherever either may be. What was under way of the other one is taken back;
    what has been claimed of it may arrive.
    """
    for name, theirs in (other.synced or {}).items():
        own = _state(turn, name)
        own.number = max(own.number, theirs.number)
        for key, is_certain in theirs.there.items():
            own.there[key] = own.there.get(key, is_certain) and is_certain
        own.until = max(own.until, theirs.until)
        own.unwanted = own.unwanted or theirs.unwanted
        if theirs.state == "claimed":
            own.there[theirs.under] = False
            own.until = max(own.until, turn.at + turn.settings.ambiguous_resend_after_ms)
        elif theirs.state == "queued":
            other.timers = [each for each in other.timers if each.key != theirs.key]
            turn.effects.settled.append(theirs.key)


def member_at(
    person: str, profile: Profile, at: int, program: Program, name: str, settings: Settings, normalize: Normalize
) -> tuple[str, dict[str, object]] | None:
    """By which key a destination should have somebody who stands as at an instant, and her fields; None for nobody."""
    destination = program.destinations.get(name)
    if destination is None or (profile.synced or {}).get(name, _NOTHING_TOLD).withheld:
        return None
    turn = Turn(person, profile, at, at, program, settings, None, normalize)
    key = _wanted(turn, destination, inside=is_inside(program, profile, destination.audience, at, settings))
    return None if key is None else (key, _fields(turn, destination))


def _follow(turn: Turn, destination: Destination) -> None:
    """Compare what the destination should have with what it may have."""
    state = (turn.profile.synced or {}).get(destination.name)
    inside = turn.profile.audiences.get(destination.audience, False)
    wanted = None if state is not None and state.withheld else _wanted(turn, destination, inside=inside)
    if state is None:
        if wanted is None:
            return
        state = _state(turn, destination.name)
    if state.unwanted != wanted:
        state.unwanted = None
    if state.state == "claimed":
        return
    change = _next(state, wanted)
    if state.state == "queued":
        if change == (state.change, state.under):
            return
        _take_back(turn, state)
    if change is not None:
        _queue(turn, destination, state, change)


def _wanted(turn: Turn, destination: Destination, *, inside: bool) -> str | None:
    """The key under which the destination should have her, None if it should not."""
    profile, consent = turn.profile, destination.consent
    if not inside:
        return None
    if consent is not None and not has_consent(profile, turn.program.policies.consent, *consent):
        return None
    if destination.key is None:
        return turn.person
    key = _shared(turn, destination.key)
    if isinstance(key, int | float) and not isinstance(key, bool):
        key = f"{key:g}" if isinstance(key, float) and not key.is_integer() else str(int(key))
    return key if isinstance(key, str) and key else None


def _next(state: SyncState, wanted: str | None) -> Change | None:
    """What has to be told next, None if nothing does."""
    over = next((key for key in state.there if key != wanted), None)
    if over is not None:
        return "left", over
    if wanted is None or wanted == state.unwanted or state.there.get(wanted, False):
        return None
    return "entered", wanted


def _shared(turn: Turn, shared: SharedValue) -> object:
    """The value as it leaves; None where there is none."""
    found = shared.value.value(turn.scope())
    if not shared.hashed:
        return None if found is MISSING else to_json(found)
    if not isinstance(found, str) or not found.strip():
        return None
    if shared.channel is not None:
        try:
            found = turn.usable(shared.channel, found)
        except ValueError:
            return None  # it is no address, and nobody has it
    return sha256(found.strip().lower().encode()).hexdigest()


def _fields(turn: Turn, destination: Destination) -> dict[str, object]:
    return {name: _shared(turn, field) for name, field in destination.fields.items()}


def _queue(turn: Turn, destination: Destination, state: SyncState, change: Change) -> None:
    state.number += 1
    state.change, state.under = change
    state.at, state.state, state.attempt = turn.gates_at, "queued", 1
    parts = ("destination", turn.program.project, destination.name, str(state.at), str(state.number))
    state.key = key_of(turn.person, parts)
    state.fields = _fields(turn, destination) if state.change == "entered" else {}
    turn.effects.queued.append(
        Outgoing(
            key=state.key,
            person=turn.person,
            journey="",
            version=0,
            run=0,
            step="",
            channel=lane_of(destination.name),
            message=destination.name,
            message_class="transactional",
            to=state.under,
            at=state.at,
            context={"change": state.change, "fields": state.fields},
        )
    )
    _tell(turn, destination.name, state, "queued")
    if state.until > state.at:
        _set_timer(turn, state)
    else:
        make_ready(turn, state.key)


def _start(turn: Turn, key: str) -> tuple[str, SyncState] | None:
    """Start an attempt, if she is still to be told of so; None where there is no such change."""
    found = _find(turn.profile, key)
    if found is None:
        return None
    name, state = found
    destination = turn.program.destinations.get(name)
    if destination is None:
        _let_go(turn, name)
        return None
    _follow(turn, destination)
    if state.key != key or state.state != "queued":
        return None
    state.state = "claimed"
    return name, state


def _answer(turn: Turn, name: str, state: SyncState, receipt: Settlement) -> None:
    match receipt:
        case Accepted() | Placed():
            if state.change == "entered":
                state.there[state.under] = True
            else:
                state.there.pop(state.under, None)
            _close(turn, name, state, "sent")
        case NotSent(tried=False):
            state.state = "queued"
            make_ready(turn, state.key)
        case NotSent(reason=reason, code=code):
            pause_ms, cut = retry_pause_ms(turn, state.attempt, receipt)
            _try_again(turn, name, state, pause_ms, f"{reason}{cut}", code)
        case Refused(reason=reason, code=code):
            _give_up(turn, name, state, reason, code)
        case ContentRefused(reason=reason):
            _give_up(turn, name, state, reason)
        case Ambiguous(reason=reason) | Interrupted(reason=reason):
            state.there[state.under] = False
            _try_again(turn, name, state, turn.settings.ambiguous_resend_after_ms, reason)
        case _:
            assert_never(receipt)


def _try_again(turn: Turn, name: str, state: SyncState, pause_ms: int, reason: str, code: str | None = None) -> None:
    state.until = turn.at + pause_ms
    if state.attempt >= turn.settings.attempts_max:
        _give_up(turn, name, state, f"not told in {state.attempt} attempts: {reason}", code)
        return
    _tell(turn, name, state, "retried", reason, code)
    state.state = "queued"
    state.attempt += 1
    _set_timer(turn, state)


def _give_up(turn: Turn, name: str, state: SyncState, reason: str, code: str | None = None) -> None:
    """The other side is not told. It is taken as it will be: without her, as far as anybody knows."""
    if state.change == "entered":
        state.unwanted = state.under
    else:
        state.there.pop(state.under, None)
    _close(turn, name, state, "failed", reason, code)


def _close(
    turn: Turn, name: str, state: SyncState, outcome: SyncOutcome, reason: str | None = None, code: str | None = None
) -> None:
    """What became of the newest change is known."""
    _tell(turn, name, state, outcome, reason, code)
    _settle(turn, state)


def _take_back(turn: Turn, state: SyncState) -> None:
    """The newest change has been overtaken before it left."""
    if state.key in turn.effects.ready:
        turn.effects.ready.remove(state.key)
    _settle(turn, state)


def _settle(turn: Turn, state: SyncState) -> None:
    state.state, state.fields = "idle", {}
    turn.profile.timers = [each for each in turn.profile.timers if each.kind != "retry" or each.key != state.key]
    turn.effects.settled.append(state.key)


def _let_go(turn: Turn, name: str) -> None:
    """The destination is published no more: what is under way comes to its end, and it is told nothing more."""
    assert turn.profile.synced is not None, "it has been found there"
    state = turn.profile.synced[name]
    if state.state == "claimed":
        return
    if state.state == "queued":
        _tell(turn, name, state, "failed", GONE)
        _take_back(turn, state)
    del turn.profile.synced[name]
    turn.profile.synced = turn.profile.synced or None


def _state(turn: Turn, name: str) -> SyncState:
    """What the destination has been told of her, nothing so far if need be."""
    if turn.profile.synced is None:
        turn.profile.synced = {}
    return turn.profile.synced.setdefault(name, SyncState())


def _find(profile: Profile, key: str) -> tuple[str, SyncState] | None:
    """The change of this key, as long as it is under way."""
    if profile.synced is None:  # of nearly everybody
        return None
    for name, state in profile.synced.items():
        if state.key == key and state.state != "idle":
            return name, state
    return None


def _set_timer(turn: Turn, state: SyncState) -> None:
    turn.profile.sequence += 1
    turn.profile.timers.append(Timer(state.until, turn.profile.sequence, "retry", key=state.key))


def _tell(
    turn: Turn, name: str, state: SyncState, outcome: SyncOutcome, reason: str | None = None, code: str | None = None
) -> None:
    fields = state.fields if outcome == "sent" else {}
    turn.effects.facts.append(
        Synced(turn.gates_at, turn.person, name, state.change, state.under, fields, outcome, state.key, reason, code)
    )
