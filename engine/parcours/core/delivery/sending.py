"""Sending: a delivery passes the gates into the outbox, is held where a gate says so, claimed, and tried again.

An outbound call goes the same way but without gates: it addresses nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from parcours.channel import CALL, INBOX
from parcours.core.delivery.deciding import Cause
from parcours.core.delivery.deliveries import (
    close,
    delivery_key,
    find,
    make_ready,
    may_leave,
    message_of,
    reach,
    settle,
)
from parcours.core.delivery.holding import tell_wait
from parcours.core.delivery.inbox import take_back_of
from parcours.core.delivery.marking import take_offers_back
from parcours.core.delivery.policy import Objection, judge, judge_claim
from parcours.core.delivery.reservations import give_back, reserve
from parcours.core.delivery.send_window import note_hold
from parcours.core.delivery.showing import NOTHING, Showing, show
from parcours.core.effect import Outgoing, ShownOffer
from parcours.core.fact import LimitReached
from parcours.core.parts import released_ms, row_at
from parcours.core.paths import keep, pick, replaced, roots_of
from parcours.core.pause_buffer import keep_claim
from parcours.core.profile import DeliveryState, Run, Timer
from parcours.core.turn import Turn, iso
from parcours.expression.values import MISSING, to_date
from parcours.journey.program import CallAction, Message, Send


def queue(turn: Turn, run: Run, step: Send, message: Message) -> None:
    """Ask for one delivery per channel of the step, or for one. Each is queued, held or refused when this returns."""
    if step.only_first:
        _queue_first(turn, run, step, message)
        return
    for channel in step.to:
        delivery = _made(turn, run, step.id, channel, message.name)
        delivery.to = _address(turn, run, step, channel)
        if _keep(turn, run, delivery):
            _let_pass(turn, run, delivery, message, judge(turn, run, delivery, message))


def _queue_first(turn: Turn, run: Run, step: Send, message: Message) -> None:
    """Ask for one delivery, on the first channel that no gate refuses; where all do it is refused on the first."""
    refused: list[tuple[DeliveryState, Objection]] = []
    for channel in _by_preference(turn, run, step):
        delivery = _made(turn, run, step.id, channel, message.name)
        delivery.to = _address(turn, run, step, channel)
        objection = judge(turn, run, delivery, message)
        if objection is None or objection.until_ms is not None:
            break
        refused.append((delivery, objection))
    else:
        delivery, objection = refused[0]
        reasons = [objection.reason, *(f"{other.channel}: {each.reason}" for other, each in refused[1:])]
        objection = replace(objection, reason="; ".join(reasons))
    if _keep(turn, run, delivery):
        _let_pass(turn, run, delivery, message, objection)


def _by_preference(turn: Turn, run: Run, step: Send) -> list[str]:
    """The channels of the step in their order, but the preferred one first."""
    preferred = None if step.prefer is None else step.prefer.value(turn.run_scope(run, row=row_at(run, step.id)))
    return sorted(step.to, key=lambda channel: channel != preferred)


def queue_call(turn: Turn, run: Run, step: CallAction, url: str, body: Mapping[str, object]) -> None:
    """Ask for an outbound call of this URL with these fields. It is queued, or has failed, when this returns."""
    for earlier in run.deliveries:
        if earlier.step == step.id:
            earlier.answer = {}  # a listener can reach the newest visit only
    delivery = _made(turn, run, step.id, CALL, step.action)
    if _keep(turn, run, delivery):
        delivery.state = "queued"
        _put_into_outbox(turn, run, delivery, "transactional", url, dict(body))


def _made(turn: Turn, run: Run, step: str, channel: str, message: str) -> DeliveryState:
    return DeliveryState(
        key=delivery_key(turn, run, channel),
        step=step,
        visit=run.visits[step],
        channel=channel,
        message=message,
        to=None,
        state="held",  # until it has passed the gates
        attempt=1,
        decided_at=turn.at,
    )


def _keep(turn: Turn, run: Run, delivery: DeliveryState) -> bool:
    """Add a delivery to its run; False if it cannot be sent, because so many others are under way."""
    has_room = _make_room(turn, run)
    run.deliveries.append(delivery)
    if not has_room:
        why = f"run_deliveries_max={turn.settings.run_deliveries_max} deliveries of the run are under way"
        turn.tell_once("run_deliveries_max", run.journey, f"{run.journey!r} did not send: {why}")
        if delivery.channel == CALL:
            delivery.marks["failed"] = turn.at
        close(turn, run, delivery, "failed" if delivery.channel == CALL else "refused", reason=why)
    return has_room


def _make_room(turn: Turn, run: Run) -> bool:
    """Forget deliveries of a run at its limit, for a loop may send without end; False if there is no room even so.

    The oldest go first that a newer one of their step has followed, so that no listener looks at them. One that is
    under way is never forgotten.
    """
    most = turn.settings.run_deliveries_max
    while len(run.deliveries) >= most:
        over = [each for each in run.deliveries if not each.is_under_way]
        if not over:
            return False
        oldest = next((each for each in over if each.visit < run.visits.get(each.step, 0)), over[0])
        run.deliveries.remove(oldest)
        turn.drop_reactions(oldest.key)
        why = f"a delivery of {run.journey}.{oldest.step} was forgotten, with {most} newer ones of its run"
        turn.effects.facts.append(LimitReached(turn.at, turn.person, "run_deliveries_max", why))
    return True


def release(turn: Turn, key: str, standing: Timer | None = None) -> Run | None:
    """Release a held delivery: it passes all gates again. Returns its run, None if it is no longer held.

    standing  the timer of its release where it is judged earlier: it stays if the delivery is held until the same time
    """
    found = find(turn, key)
    if found is None or found[1].state != "held":
        return None
    run, delivery = found
    message = message_of(turn, run, delivery)
    journey = turn.program.journey(run.journey, run.version)
    step = journey.steps.get(delivery.step) if journey else None
    if message is None or not isinstance(step, Send):
        close(turn, run, delivery, "cancelled", reason="the message or its step is not known any more")
    else:
        delivery.to = _address(turn, run, step, delivery.channel)
        if standing is not None:
            delivery.past_window = False  # whom the gate lets go before that keeps to the window again
        _let_pass(turn, run, delivery, message, judge(turn, run, delivery, message), standing)
    return run


def _address(turn: Turn, run: Run, step: Send, channel: str) -> str | None:
    """The person's address now; None where the expression gives no text. In her own inbox it is her name."""
    if channel in INBOX:
        return turn.person
    to = step.to[channel].value(turn.run_scope(run, row=row_at(run, step.id)))
    return to if isinstance(to, str) and to.strip() else None


def _let_pass(
    turn: Turn,
    run: Run,
    delivery: DeliveryState,
    message: Message,
    objection: Objection | None,
    standing: Timer | None = None,
) -> None:
    """Put the delivery into the outbox unless a gate objects."""
    if objection is not None:
        _object(turn, run, delivery, objection, standing)
        return
    delivery.state = "queued"
    reserve(turn, delivery, message)
    assert delivery.to is not None, "the address gate lets nothing pass without an address"
    shown = _shown(turn, run, delivery, message) if message.offers else NOTHING
    context = context_of(turn, run, delivery.step, message, shown.paths)
    _put_into_outbox(turn, run, delivery, message.message_class, delivery.to, context, shown.offers)


def _shown(turn: Turn, run: Run, delivery: DeliveryState, message: Message) -> Showing:
    origin = turn.origin_of(run)
    place = f"{run.journey}/{origin.number}/{delivery.step}/{delivery.visit}/{delivery.channel}"
    return show(turn, run, delivery.step, message, delivery.channel, Cause(origin.name, place, delivery.key))


def _object(turn: Turn, run: Run, delivery: DeliveryState, objection: Objection, standing: Timer | None = None) -> None:
    """Refuse the delivery, or hold it until a time. That it is held again is told unless the time is the same."""
    if objection.until_ms is None:
        close(turn, run, delivery, "refused", gate=objection.gate, reason=objection.reason)
        return
    due = objection.until_ms
    if turn.is_of_campaign(run) and objection.gate != "window":  # whose opening has her delay in it
        before = None if standing is None else standing.due
        due = released_ms(run, delivery.step, delivery.channel, due, before)
        note_hold(turn, run, delivery, due)
    if standing is not None and standing.due == due:
        turn.profile.timers.append(standing)
        return
    close(turn, run, delivery, "held", gate=objection.gate, reason=objection.reason)
    turn.set_timer(due, "release", run, delivery.key)


def _put_into_outbox(
    turn: Turn,
    run: Run,
    delivery: DeliveryState,
    message_class: Literal["marketing", "transactional"],
    to: str,
    context: dict[str, object],
    offers: dict[str, ShownOffer] | None = None,
) -> None:
    if delivery.key in turn.effects.settled:
        turn.effects.settled.remove(delivery.key)  # held and released by the same input: a resume replays many
    turn.effects.queued.append(
        Outgoing(
            key=delivery.key,
            person=turn.person,
            journey=run.journey,
            version=run.version,
            run=run.number,
            step=delivery.step,
            channel=delivery.channel,
            message=delivery.message,
            message_class=message_class,
            to=to,
            at=turn.at,
            context=context,
            zone="" if delivery.channel == CALL else turn.zone_name(),
            offers=offers or {},
        )
    )
    make_ready(turn, delivery.key)
    reach(turn, run, delivery, "queued")


def context_of(
    turn: Turn, run: Run, step: str, message: Message, more: frozenset[str] = frozenset()
) -> dict[str, object]:
    """What the message names of the person and her run, as they are now, and `more` paths that its offers name."""
    paths = message.paths | more if more else message.paths
    roots: dict[str, object] = {"profile": turn.profile.traits, "entry": run.entry, "event": run.event}
    if "run" in roots_of(paths):
        roots["run"] = {**turn.run_view(run), "entered_at": iso(run.entered_at)}
    if row := row_at(run, step):
        roots["row"] = row
    context = keep(roots, paths)
    for path in message.dates:
        value = pick(context, path)
        if value is not None:
            day = to_date(value)  # as expressions read it
            context = replaced(context, path, None if day is MISSING else day)
    return context


def claim(turn: Turn, key: str) -> None:
    """Claim the delivery for a dispatcher, unless it may not leave any more."""
    started = start(turn, key)
    if started is not None:
        run, delivery = started
        turn.effects.claimed.append((key, delivery.attempt))
        reach(turn, run, delivery, "claimed")


def start(turn: Turn, key: str) -> tuple[Run, DeliveryState] | None:
    """Start an attempt; None if the delivery may not leave, or its journey is paused."""
    found = find(turn, key)
    if found is None or not may_leave(*found):
        turn.effects.settled.append(key)
        return None
    run, delivery = found
    if turn.is_paused(run.journey):
        keep_claim(turn, run.journey, run.number, key)
        return None
    message = message_of(turn, run, delivery)
    # A second attempt after an unknown one passes no gates: only transactional messages and calls have it.
    objection = judge_claim(turn, run, delivery, message) if message and delivery.state == "queued" else None
    if objection is not None:
        give_back(turn, delivery)
        take_offers_back(turn, delivery.key)
        _object(turn, run, delivery, objection)
        tell_wait(turn, run)
        return None
    delivery.state = "claimed"
    return found


def withdraw(turn: Turn, run: Run) -> None:
    """Cancel the run's deliveries that are not claimed, and take back what lies unseen: it was ended from outside."""
    run.withdrawn = True
    for delivery in run.deliveries:
        if delivery.state in ("held", "queued"):
            close(turn, run, delivery, "cancelled", reason="the run was left")
        elif delivery.state == "unknown":
            delivery.attempt, delivery.tries_again = delivery.attempts_begun, False
            settle(turn, delivery)
        elif delivery.state != "claimed":
            settle(turn, delivery)  # one that a reaction has told of stayed until its retry, which does not come now
    turn.cancel_timers(run, ("retry", "release"))
    if turn.profile.inbox:
        take_back_of(turn, run)


def retry(turn: Turn, key: str) -> None:
    """End the delay before another attempt: the delivery may be claimed again."""
    found = find(turn, key)
    if found is not None and may_leave(*found):
        make_ready(turn, key)
    else:
        turn.effects.settled.append(key)
