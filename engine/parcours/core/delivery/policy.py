"""The gates: rules that a delivery passes in order before it may leave; the first objection decides.

holdout -> address -> consent -> suppression -> expiry -> cap -> quiet_hours. A gate lets pass (None), refuses, or
holds until a time; a held delivery passes all gates again when it is released. When a dispatcher claims a delivery, the
gates whose result may have changed since are asked again. Transactional messages skip hold-outs, consent, caps and
quiet hours.

After them comes the window of a campaign's send, which holds whoever is late: she was due while it was open, and since
then a pause or an outage has passed its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from parcours.core.buckets import bucket_of
from parcours.core.consent import has_consent
from parcours.core.delivery.quiet_hours import quiet_until
from parcours.core.delivery.reservations import counted, covers
from parcours.core.delivery.send_window import opens_again
from parcours.core.delivery.suppression import is_suppressed
from parcours.core.fact import MessageClass
from parcours.core.profile import DeliveryState, Run
from parcours.core.turn import Turn
from parcours.expression.zones import zone
from parcours.journey.program import Message

GateName: TypeAlias = Literal[
    "holdout", "address", "consent", "suppression", "expiry", "cap", "quiet_hours", "window", "content"
]
"""All gates in the order in which they are asked; `content` is asked once a message is rendered."""


@dataclass(frozen=True, slots=True)
class Objection:
    """A gate's refusal, or its hold until `until_ms`."""

    gate: GateName
    reason: str
    until_ms: int | None = None


Gate: TypeAlias = Callable[[Turn, DeliveryState, Message], Objection | None]


def judge(turn: Turn, run: Run, delivery: DeliveryState, message: Message) -> Objection | None:
    """The first objection of all gates: asked at the send step and at each release."""
    return _first(GATES[message.message_class], turn, delivery, message) or _window(turn, run, delivery)


def judge_claim(turn: Turn, run: Run, delivery: DeliveryState, message: Message) -> Objection | None:
    """The first objection of the gates that are asked again at the claim."""
    return _first(CLAIM_GATES[message.message_class], turn, delivery, message) or _window(turn, run, delivery)


def _first(gates: tuple[Gate, ...], turn: Turn, delivery: DeliveryState, message: Message) -> Objection | None:
    for gate in gates:
        objection = gate(turn, delivery, message)
        if objection is not None:
            return objection
    return None


def _holdout(turn: Turn, delivery: DeliveryState, message: Message) -> Objection | None:
    """Whether the person is held out, by the name under which her profile lies. Of several, the first one says so."""
    del delivery, message
    for holdout in turn.program.policies.holdouts:
        if bucket_of(holdout.salt, turn.person) < holdout.bound:
            return Objection("holdout", f"in the hold-out {holdout.name!r}")
    return None


def _address(turn: Turn, delivery: DeliveryState, message: Message) -> Objection | None:
    """Whether there is an address that the channel takes. From here on the delivery has it in the channel's form."""
    del message
    if delivery.to is None or not delivery.to.strip():
        return Objection("address", "no address")
    try:
        delivery.to = turn.usable(delivery.channel, delivery.to)
    except ValueError as error:
        return Objection("address", f"address is not well formed: {error}")
    return None


def _consent(turn: Turn, delivery: DeliveryState, message: Message) -> Objection | None:
    if has_consent(turn.profile, turn.program.policies.consent, delivery.channel, message.purpose):
        return None
    return Objection("consent", f"no consent to {delivery.channel} for {message.purpose}")


def _suppression(turn: Turn, delivery: DeliveryState, message: Message) -> Objection | None:
    del message
    if turn.profile.suppressed and is_suppressed(turn, delivery.channel, delivery.to):
        return Objection("suppression", "the provider has said that nothing arrives at this address")
    return None


def _expiry(turn: Turn, delivery: DeliveryState, message: Message) -> Objection | None:
    if message.expires_ms is not None and turn.gates_at > delivery.decided_at + message.expires_ms:
        return Objection("expiry", "the message has expired")
    return None


def _cap(turn: Turn, delivery: DeliveryState, message: Message) -> Objection | None:
    for cap in turn.program.policies.caps:
        if not covers(cap, delivery.channel, message.message_class, message.purpose):
            continue
        used = sum(
            turn.gates_at - cap.per_ms < reserved.at and covers(cap, reserved.channel, "marketing", reserved.purpose)
            for reserved in counted(turn)
        )
        if used >= cap.max:
            return Objection("cap", f"{used} of {cap.max} already within the window")
    return None


def _quiet_hours(turn: Turn, delivery: DeliveryState, message: Message) -> Objection | None:
    del message
    published = turn.program.policies.quiet_hours
    if not published:
        return None
    rules = [rule for rule in published if rule.channels is None or delivery.channel in rule.channels]
    if not rules:
        return None
    here = zone(turn.zone_name())
    dropping = [rule for rule in rules if rule.then == "drop"]
    if quiet_until(turn.gates_at, dropping, here) is not None:
        return Objection("quiet_hours", "in quiet hours, and not held")
    until_ms = quiet_until(turn.gates_at, [rule for rule in rules if rule.then == "hold"], here)
    return None if until_ms is None else Objection("quiet_hours", "held until quiet hours end", until_ms)


def _window(turn: Turn, run: Run, delivery: DeliveryState) -> Objection | None:
    until_ms = opens_again(turn, run, delivery)
    return None if until_ms is None else Objection("window", "held until the window of its step opens", until_ms)


GATES: Final[Mapping[MessageClass, tuple[Gate, ...]]] = {
    "marketing": (_holdout, _address, _consent, _suppression, _expiry, _cap, _quiet_hours),
    "transactional": (_address, _suppression, _expiry),
}
CLAIM_GATES: Final[Mapping[MessageClass, tuple[Gate, ...]]] = {
    "marketing": (_consent, _suppression, _expiry, _quiet_hours),
    "transactional": (_suppression, _expiry),
}
"""Without the address, which is fixed once queued, and the cap, which the delivery's own reservation would count."""
