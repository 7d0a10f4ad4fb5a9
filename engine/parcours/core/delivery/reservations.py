"""What has been sent to the person within the windows of the caps? Reserved when queued, given back when it came to
nothing.

Each reservation is also to be found in the delivery that it stands for. So whatever went out before there was a cap,
or while its window was shorter, is recalled when a cap first asks for it: a cap holds from the moment at which it is
published, over what was really sent. It is recalled from the runs that are remembered: nothing is known of a run that
ended more than `run_memory_ms` ago, nor of a delivery that its run has forgotten (`run_deliveries_max`).
"""

from __future__ import annotations

from parcours.core.profile import DeliveryState, DeliveryStateName, Profile, Reservation
from parcours.core.turn import Turn
from parcours.journey.program import Message

GIVES_BACK: frozenset[DeliveryStateName] = frozenset({"refused", "failed", "cancelled"})
"""States by which a delivery no longer counts against a frequency cap."""

UNCOUNTED: frozenset[DeliveryStateName] = GIVES_BACK | {"held"}


def reserve(turn: Turn, delivery: DeliveryState, message: Message) -> None:
    """From now on the delivery counts against caps, those that there are and those to come."""
    if message.message_class == "transactional":
        return
    delivery.purpose, delivery.held_ms = message.purpose, turn.gates_at - delivery.decided_at
    profile, longest_ms = turn.profile, turn.program.policies.longest_cap_ms
    if not longest_ms:
        profile.reservations, profile.reserved_ms = [], 0
        return
    oldest = turn.gates_at - longest_ms
    kept = [each for each in counted(turn) if each.at > oldest and each.key != delivery.key]
    kept.append(_reservation(delivery))
    profile.reservations, profile.reserved_ms = kept, longest_ms


def counted(turn: Turn) -> list[Reservation]:
    """All that counts within the longest window of a cap, in order of time; what is older may be there too."""
    profile, longest_ms = turn.profile, turn.program.policies.longest_cap_ms
    if profile.reserved_ms < longest_ms:
        profile.reservations = _recalled(profile, turn.gates_at - longest_ms)
        profile.reserved_ms = longest_ms
    return profile.reservations


def give_back(turn: Turn, delivery: DeliveryState) -> None:
    """The delivery counts against no cap any more."""
    turn.profile.reservations = [each for each in turn.profile.reservations if each.key != delivery.key]


def _recalled(profile: Profile, oldest: int) -> list[Reservation]:
    found = [
        _reservation(delivery)
        for run in (*profile.runs, *profile.past)
        for delivery in run.deliveries
        if delivery.purpose and delivery.state not in UNCOUNTED
    ]
    return sorted((each for each in found if each.at > oldest), key=lambda each: (each.at, each.key))


def _reservation(delivery: DeliveryState) -> Reservation:
    at = delivery.decided_at + delivery.held_ms
    return Reservation(at, delivery.key, delivery.channel, delivery.purpose)
