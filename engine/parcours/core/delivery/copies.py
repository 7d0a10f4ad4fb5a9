"""Copies of a campaign's sends, for addresses of the campaign's own: its seeds.

Each goes out once, with the data of one person of the set, when she is due; that person's part in the step says so. It
is hers only in that it lies in her outbox. It is not a delivery of her run: no gate judges it, no cap counts it, her
leaving the run does not stop it, and what a provider reports of it says nothing of her. A pause holds it, and a stop
ends it.

    waiting -> queued -> claimed -> over: sent, failed or unknown
                  ^---------'  not sent: again after a delay

A person may be given her part again: where it is not known whether a shard has had it, or that two have become one of
whom one had it. So one that is over is kept until the run is.

Timers of copies are of the kind `retry`, and of no run (0), so that nothing that ends a run takes them away.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import assert_never

from parcours.channel import Accepted, Ambiguous, NotSent, Refused
from parcours.config import Settings
from parcours.core.copy_state import CopyState
from parcours.core.delivery.deciding import Cause
from parcours.core.delivery.deliveries import make_ready
from parcours.core.delivery.delivery_key import copy_key_of
from parcours.core.delivery.feedback import retry_pause_ms
from parcours.core.delivery.sending import context_of
from parcours.core.delivery.showing import NOTHING, Showing, show
from parcours.core.effect import Outgoing
from parcours.core.fact import CopyOutcome, CopyReached
from parcours.core.input import ContentRefused, Interrupted, PartTaken, Placed, Settlement
from parcours.core.offers.lessons import NO_LESSONS, Lesson
from parcours.core.parts import keep_part
from parcours.core.pause_buffer import keep_claim
from parcours.core.profile import Profile, Run, Timer
from parcours.core.turn import Normalize, Turn
from parcours.journey.program import Message, Program, Send


def make_copies(turn: Turn, given: PartTaken, due: int, entered_at: int) -> None:
    """Ask for the copies that go along with the person's part, each when she is due."""
    for channel, address in given.seeds:
        copy, fault = _new(turn, given, channel, address, entered_at), ""
        try:
            copy.to = turn.usable(channel, address)
        except ValueError as error:
            fault = f"the address is not well formed: {error}"
        if any(_are_one(each, copy) for each in turn.profile.copies):
            continue
        turn.profile.copies.append(copy)
        if fault:
            _close(turn, copy, "failed", fault)
        elif due <= turn.at:
            go_out(turn, copy.key)
        else:
            _set_timer(turn, due, copy)


def copies_now(
    person: str,
    profile: Profile,
    given: PartTaken,
    program: Program,
    settings: Settings,
    normalize: Normalize,
    lessons: Mapping[str, Lesson] = NO_LESSONS,
) -> list[Outgoing]:
    """The copies of her part as they would go out at its instant, though she may be due later; nothing else happens.

    `profile` is the caller's own copy, and of no use afterwards. An address that is not well formed gets none.
    """
    turn = Turn(person, profile, given.at, given.at, program, settings, None, normalize, lessons=lessons)
    make_copies(turn, given, given.at, given.at)
    return turn.effects.queued


def _new(turn: Turn, given: PartTaken, channel: str, address: str, entered_at: int) -> CopyState:
    assert given.step is not None, "only a step that sends has copies"
    parts = (turn.program.project, given.campaign, str(given.run), given.step, channel, address)
    return CopyState(
        copy_key_of(turn.person, parts), given.campaign, given.version, given.run, given.step, channel, address,
        entered_at, given.row,
    )  # fmt: skip


def _are_one(copy: CopyState, other: CopyState) -> bool:
    """Whether they are the same copy, also under the keys of two names of a person."""
    place = copy.journey, copy.run, copy.step, copy.channel, copy.to
    return place == (other.journey, other.run, other.step, other.channel, other.to)


def go_out(turn: Turn, key: str) -> bool:
    """The person is due, or a delay before another attempt is over; False if there is no such copy."""
    copy = _find(turn, key)
    if copy is None:
        return False
    if copy.state == "waiting":
        message = _message(turn, copy)
        if message is None:
            _close(turn, copy, "cancelled", "the message or its step is not known any more")
            return True
        _put_into_outbox(turn, copy, message)
    make_ready(turn, key)
    return True


def claim(turn: Turn, key: str) -> bool:
    """Claim a copy for a dispatcher, unless its campaign is paused; False if there is no such copy."""
    copy = _find(turn, key)
    if copy is not None and _start(turn, copy):
        turn.effects.claimed.append((key, copy.attempt))
    return copy is not None


def record(turn: Turn, receipt: Settlement) -> bool:
    """Claim a copy that is only recorded, and apply its receipt; False if there is no such copy."""
    copy = _find(turn, receipt.key)
    if copy is not None and _start(turn, copy):
        _answer(turn, copy, receipt)
    return copy is not None


def take_receipt(turn: Turn, receipt: Settlement) -> bool:
    """Apply a channel's receipt; False if there is no such copy, also because it is answered for already."""
    copy = _find(turn, receipt.key)
    if copy is not None and copy.state == "claimed":
        _answer(turn, copy, receipt)
    return copy is not None


def set_aside(turn: Turn, key: str, reason: str) -> bool:
    """Do without a copy whose timer cannot be carried out; False if there is no such copy."""
    copy = _find(turn, key)
    if copy is not None:
        _close(turn, copy, "failed", reason)
    return copy is not None


def withdraw(turn: Turn, journey: str) -> None:
    """All runs of a campaign end: its copies that are not claimed are cancelled."""
    _end(turn, [each for each in turn.profile.copies if each.journey == journey], ("waiting", "queued"))


def end_run(turn: Turn, campaign: str, run: int, *, cut: bool) -> None:
    """A run of a campaign is over; where it is cut short, copies are cancelled for which nobody was due yet."""
    mine = [each for each in turn.profile.copies if (each.journey, each.run) == (campaign, run)]
    _end(turn, mine, ("waiting",) if cut else ())


def _end(turn: Turn, copies: Iterable[CopyState], cancelled: Container[str]) -> None:
    for copy in copies:
        copy.is_last = True
        if copy.state in cancelled:
            _close(turn, copy, "cancelled", "the run was ended")
        elif copy.state == "over":
            _forget(turn, copy)


def _start(turn: Turn, copy: CopyState) -> bool:
    """Start an attempt."""
    if copy.state != "queued":
        turn.effects.settled.append(copy.key)
        return False
    if turn.is_paused(copy.journey):
        keep_claim(turn, copy.journey, 0, copy.key)
        return False
    copy.state = "claimed"
    return True


def _answer(turn: Turn, copy: CopyState, receipt: Settlement) -> None:
    match receipt:
        case Accepted() | Placed():
            _close(turn, copy, "sent")
        case NotSent(tried=False):
            copy.state = "queued"
            make_ready(turn, copy.key)
        case NotSent():
            _try_again(turn, copy, receipt)
        case Refused(reason=reason, code=code):
            _close(turn, copy, "failed", reason, code)
        case ContentRefused(reason=reason):
            _close(turn, copy, "failed", reason)
        case Ambiguous(reason=reason) | Interrupted(reason=reason):
            _close(turn, copy, "unknown", f"{reason}; a copy is not sent again")
        case _:
            assert_never(receipt)


def _try_again(turn: Turn, copy: CopyState, receipt: NotSent) -> None:
    if copy.attempt >= turn.settings.attempts_max:
        _close(turn, copy, "failed", f"not sent in {copy.attempt} attempts: {receipt.reason}", receipt.code)
        return
    pause_ms, _ = retry_pause_ms(turn, copy.attempt, receipt)
    copy.state = "queued"
    copy.attempt += 1
    _set_timer(turn, turn.at + pause_ms, copy)


def _put_into_outbox(turn: Turn, copy: CopyState, message: Message) -> None:
    run = Run(copy.journey, copy.version, copy.run, str(copy.run), copy.entered_at, copy.step)
    keep_part(run, copy.step, copy.row, 0)
    copy.state, copy.row = "queued", {}
    shown = _shown(turn, run, copy, message) if message.offers else NOTHING
    turn.effects.queued.append(
        Outgoing(
            key=copy.key,
            person=turn.person,
            journey=copy.journey,
            version=copy.version,
            run=copy.run,
            step=copy.step,
            channel=copy.channel,
            message=message.name,
            message_class=message.message_class,
            to=copy.to,
            at=turn.at,
            context=context_of(turn, run, copy.step, message, shown.paths),
            zone=turn.zone_name(),
            is_copy=True,
            offers=shown.offers,
        )
    )


def _shown(turn: Turn, run: Run, copy: CopyState, message: Message) -> Showing:
    """What she would be shown: a copy gives nobody anything."""
    return show(turn, run, copy.step, message, copy.channel, Cause(turn.person, copy.key))


def _close(
    turn: Turn, copy: CopyState, outcome: CopyOutcome, reason: str | None = None, code: str | None = None
) -> None:
    """What becomes of the copy is known."""
    profile, key, message = turn.profile, copy.key, _message(turn, copy)
    copy.state, copy.row = "over", {}
    if copy.is_last:
        _forget(turn, copy)
    profile.timers = [each for each in profile.timers if each.kind != "retry" or each.key != key]
    turn.effects.settled.append(key)
    if key in turn.effects.ready:
        turn.effects.ready.remove(key)
    turn.effects.facts.append(
        CopyReached(
            turn.gates_at, turn.person, copy.journey, copy.version, copy.run, copy.step, copy.channel,
            "" if message is None else message.name, copy.to, outcome, key, reason, code,
        )
    )  # fmt: skip


def _forget(turn: Turn, copy: CopyState) -> None:
    turn.profile.copies = [each for each in turn.profile.copies if each is not copy]


def _find(turn: Turn, key: str) -> CopyState | None:
    return next((each for each in turn.profile.copies if each.key == key and each.state != "over"), None)


def _message(turn: Turn, copy: CopyState) -> Message | None:
    journey = turn.program.journey(copy.journey, copy.version)
    step = None if journey is None else journey.steps.get(copy.step)
    return journey.messages.get(step.message) if journey is not None and isinstance(step, Send) else None


def _set_timer(turn: Turn, due: int, copy: CopyState) -> None:
    turn.profile.sequence += 1
    turn.profile.timers.append(Timer(due, turn.profile.sequence, "retry", copy.journey, 0, copy.key))
