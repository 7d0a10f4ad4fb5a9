"""What becomes of a delivery, from the decision to the last reaction?

    queued -> claimed -> sent -> delivered -> bounced        refused  by a gate, final
       ^         |-> unknown  nobody can say                 failed   the provider will not take it, final
       |         `-> failed                                  cancelled  the run was left first, final
       `-- not sent: again after a pause, as a timer of the person

Feedback merges by rank and never by order of arrival: a late "sent" changes nothing about "delivered".
Marks (opened, clicked ...) are kept beside the state with the time at which each came first.
"""

from __future__ import annotations

from hashlib import blake2b
from math import ceil
from typing import assert_never

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.core.effect import Outgoing
from parcours.core.fact import DeliveryReached, Outcome, Unmatched
from parcours.core.paths import keep
from parcours.core.policy import refusal
from parcours.core.profile import DeliveryState, Run, State
from parcours.core.turn import Turn, iso
from parcours.journey.expression import MISSING
from parcours.journey.program import Message, Send

RANK: dict[State, int] = {"held": 0, "queued": 1, "claimed": 2, "unknown": 3, "sent": 4, "delivered": 5, "bounced": 6}
"""The states that feedback can still raise; those not named are final."""

TO_LEAVE: frozenset[State] = frozenset({"held", "queued", "claimed", "unknown"})
"""States of a delivery of which a channel has still to take over, or to take over again, an attempt."""


def queue(turn: Turn, run: Run, step: Send, message: Message) -> bool:
    """Ask for one delivery per channel of the step; True unless a gate refused every one."""
    scope = turn.run_scope(run)
    going = 0
    for channel, address in step.to.items():
        to = address.value(scope)
        refused = refusal(turn, channel, to)
        delivery = DeliveryState(
            key=delivery_key(turn, run, channel),
            step=step.id,
            visit=run.visits[step.id],
            channel=channel,
            message=message.name,
            to=to if isinstance(to, str) else None if to is MISSING or to is None else str(to),
            state="refused" if refused else "queued",
            attempt=1,
        )
        run.deliveries.append(delivery)
        if refused:
            gate, reason = refused
            reach(turn, run, delivery, "refused", gate=gate, reason=reason)
        else:
            going += 1
            _put_into_outbox(turn, run, delivery, message)
    return going > 0


def _put_into_outbox(turn: Turn, run: Run, delivery: DeliveryState, message: Message) -> None:
    assert delivery.to is not None, "the address gate lets nothing pass without an address"
    turn.effects.queued.append(
        Outgoing(
            key=delivery.key,
            profile=turn.person,
            journey=run.journey,
            version=run.version,
            run=run.number,
            step=delivery.step,
            channel=delivery.channel,
            message=message.name,
            message_class=message.message_class,
            to=delivery.to,
            at=turn.at,
            context=_context(turn, run, message),
        )
    )
    turn.effects.ready.append(delivery.key)
    reach(turn, run, delivery, "queued")


def _context(turn: Turn, run: Run, message: Message) -> dict[str, object]:
    view = turn.run_view(run)
    view["entered_at"] = iso(run.entered_at)
    roots = {"profile": turn.profile.traits, "entry": run.entry, "event": run.event, "run": view}
    return keep(roots, message.paths)


def delivery_key(turn: Turn, run: Run, channel: str) -> str:
    """Stable text that names this delivery and no other: 32 hexadecimal digits."""
    assert run.step is not None
    parts = (
        turn.program.project, turn.person, run.journey, str(run.version), str(run.number),
        run.step, str(run.visits[run.step]), channel,
    )  # fmt: skip
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def reach(
    turn: Turn,
    run: Run,
    delivery: DeliveryState,
    outcome: Outcome,
    *,
    gate: str | None = None,
    reason: str | None = None,
    code: str | None = None,
) -> None:
    """Record that the delivery reached a state or got a mark."""
    turn.effects.facts.append(
        DeliveryReached(
            turn.at, turn.person, run.journey, run.version, run.number, delivery.step, delivery.channel,
            delivery.message, delivery.to, outcome, gate, delivery.key, reason, code,
        )
    )  # fmt: skip


def find(turn: Turn, key: str) -> tuple[Run, DeliveryState] | None:
    """The delivery of this key, with its run."""
    for run in (*turn.profile.runs, *turn.profile.past):
        for delivery in run.deliveries:
            if delivery.key == key:
                return run, delivery
    return None


def newest(turn: Turn, journey: str, step: str, channel: str) -> tuple[Run, DeliveryState] | None:
    """The newest delivery of the step on the channel that the person may have got."""
    runs = [run for run in (*turn.profile.runs, *turn.profile.past) if run.journey == journey]
    for run in sorted(runs, key=lambda run: -run.number):
        for delivery in reversed(run.deliveries):
            if delivery.step == step and delivery.channel == channel and _may_be_there(delivery):
                return run, delivery
    return None


def _may_be_there(delivery: DeliveryState) -> bool:
    """Whether the person may have got it: only then can there be a reaction."""
    return delivery.may_have_left or delivery.state == "claimed"


def claim(turn: Turn, key: str) -> None:
    """A dispatcher starts the delivery now, unless it may not leave any more."""
    found = find(turn, key)
    if found is None or found[1].state not in ("queued", "unknown"):
        turn.effects.settled.append(key)
        return
    run, delivery = found
    delivery.state = "claimed"
    turn.effects.claimed.append((key, delivery.attempt))
    reach(turn, run, delivery, "claimed")


def withdraw(turn: Turn, run: Run) -> None:
    """Cancel what has not been claimed yet: the run was left from outside."""
    run.withdrawn = True
    for delivery in run.deliveries:
        if delivery.state in ("held", "queued"):
            _close(turn, run, delivery, "cancelled", reason="the run was left")
        elif delivery.state == "unknown":
            turn.effects.settled.append(delivery.key)  # it is not sent a second time
    turn.cancel_timers(run, ("retry",))


def _close(
    turn: Turn, run: Run, delivery: DeliveryState, state: State, *, reason: str | None, code: str | None = None
) -> None:
    delivery.state = state
    turn.effects.settled.append(delivery.key)
    reach(turn, run, delivery, state, reason=reason, code=code)


def take_receipt(turn: Turn, receipt: Receipt) -> Run | None:
    """Apply the channel's answer; the run that it concerns, None if it changes nothing any more."""
    found = find(turn, receipt.key)
    if found is None:
        turn.effects.settled.append(receipt.key)
        return None
    run, delivery = found
    if delivery.state != "claimed":
        return _take_late_receipt(turn, run, delivery, receipt)
    match receipt:
        case Accepted(provider_id=provider_id):
            delivery.provider_id = provider_id
            _sent(turn, run, delivery)
        case NotSent():
            _try_again(turn, run, delivery, receipt)
        case Refused(reason=reason, code=code):
            _fail(turn, run, delivery, reason, code)
        case Ambiguous(reason=reason, code=code):
            _leave_unknown(turn, run, delivery, reason, code)
        case _:
            assert_never(receipt)
    return run


def _take_late_receipt(turn: Turn, run: Run, delivery: DeliveryState, receipt: Receipt) -> Run | None:
    """Something else has told of the attempt before its receipt did; only what is better known by it counts."""
    if isinstance(receipt, Accepted) and delivery.may_have_left:
        delivery.provider_id = delivery.provider_id or receipt.provider_id
        if delivery.state == "unknown":
            _sent(turn, run, delivery)
            return run
    if delivery.state not in TO_LEAVE:
        turn.effects.settled.append(delivery.key)
    return None


def _sent(turn: Turn, run: Run, delivery: DeliveryState) -> None:
    delivery.may_have_left = True
    _close(turn, run, delivery, "sent", reason=None)
    if turn.crowd is not None:
        for delay_ms, reaction in turn.crowd.reactions(delivery.key, delivery.channel):
            turn.set_timer(turn.at + delay_ms, "reaction", run, delivery.key, reaction)


def _fail(turn: Turn, run: Run, delivery: DeliveryState, reason: str, code: str | None) -> None:
    delivery.marks["failed"] = turn.at
    _close(turn, run, delivery, "failed", reason=reason, code=code)


def _try_again(turn: Turn, run: Run, delivery: DeliveryState, receipt: NotSent) -> None:
    settings = turn.settings
    if run.withdrawn:
        _close(turn, run, delivery, "cancelled", reason="the run was left", code=receipt.code)
    elif delivery.attempt >= settings.attempts_max:
        _fail(turn, run, delivery, f"not sent in {delivery.attempt} attempts: {receipt.reason}", receipt.code)
    else:
        delays = settings.retry_delays_ms
        pause_ms = delays[min(delivery.attempt, len(delays)) - 1]
        delivery.state = "queued"
        delivery.attempt += 1
        turn.set_timer(turn.at + max(pause_ms, _asked_ms(turn, receipt)), "retry", run, delivery.key)
        reach(turn, run, delivery, "retried", reason=receipt.reason, code=receipt.code)


def _asked_ms(turn: Turn, receipt: NotSent) -> int:
    """The pause that the provider asks for, rounded up, and no longer than the run is remembered."""
    asked_s = receipt.retry_after_s or 0.0
    if not asked_s * 1000 < turn.settings.run_memory_ms:  # not a number is no such pause either
        return 0 if asked_s != asked_s else turn.settings.run_memory_ms
    return ceil(max(asked_s, 0.0) * 1000)


def _leave_unknown(turn: Turn, run: Run, delivery: DeliveryState, reason: str, code: str | None) -> None:
    again = not delivery.may_have_left and not run.withdrawn and _is_transactional(turn, delivery)
    delivery.may_have_left = True
    delivery.state = "unknown"
    reach(turn, run, delivery, "unknown", reason=reason, code=code)
    if again:
        turn.set_timer(turn.at + turn.settings.ambiguous_resend_after_ms, "retry", run, delivery.key)
        delivery.attempt += 1
    else:
        turn.effects.settled.append(delivery.key)


def _is_transactional(turn: Turn, delivery: DeliveryState) -> bool:
    message = turn.program.messages.get(delivery.message)
    return message is not None and message.message_class == "transactional"


def retry(turn: Turn, key: str) -> None:
    """The pause before another attempt is over."""
    found = find(turn, key)
    if found is not None and found[1].state in ("queued", "unknown"):
        turn.effects.ready.append(key)
    else:
        turn.effects.settled.append(key)


def react(turn: Turn, run: Run, delivery: DeliveryState, reaction: str, link: str | None) -> bool:
    """Mark the delivery; False if the reaction is not possible any more or tells nothing new."""
    new_link = reaction == "clicked" and link is not None and link not in delivery.links
    if not _may_be_there(delivery) or (reaction in delivery.marks and not new_link):
        return False
    if link is not None and new_link:
        delivery.links.append(link)
    if delivery.state in TO_LEAVE:  # whoever reacts has got it
        delivery.state, delivery.may_have_left = "sent", True
        reach(turn, run, delivery, "sent", reason="known from a reaction")
    if reaction in ("opened", "clicked", "delivered"):
        _raise(turn, run, delivery, "delivered")
    elif reaction == "bounced":
        _raise(turn, run, delivery, "bounced")
    elif reaction == "failed" and delivery.state in RANK:
        _fail(turn, run, delivery, "reported by the provider", None)
    if reaction not in delivery.marks:
        delivery.marks[reaction] = turn.at
        reach(turn, run, delivery, _as_outcome(reaction), reason=link)
    return True


def _raise(turn: Turn, run: Run, delivery: DeliveryState, state: State) -> None:
    if delivery.state in RANK and RANK[delivery.state] < RANK[state]:
        delivery.state = state
    outcome = _as_outcome(state)
    if outcome not in delivery.marks:
        delivery.marks[outcome] = turn.at
        reach(turn, run, delivery, outcome)


def _as_outcome(reaction: str) -> Outcome:
    return OUTCOMES[reaction]


OUTCOMES: dict[str, Outcome] = {
    "delivered": "delivered",
    "opened": "opened",
    "clicked": "clicked",
    "bounced": "bounced",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
    "replied": "replied",
    "failed": "failed",
}
"""The outcome that records each reaction; its keys are all the reactions there are."""


def unmatched(turn: Turn, reaction: str, why: str) -> None:
    turn.effects.facts.append(Unmatched(turn.at, turn.person, reaction, why))
