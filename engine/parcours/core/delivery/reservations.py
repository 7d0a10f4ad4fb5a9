"""Reservations for frequency caps: taken when a delivery is queued, given back if it is not sent after all.

Reservations are an index over the deliveries of the person's runs, as far back as the longest cap reaches. A new or
longer cap rebuilds it from them, so it counts what was sent before it was published. Deliveries of runs that ended more
than `run_memory_ms` ago, or whose run is forgotten (`ended_runs_max`) or has forgotten them (`run_deliveries_max`), are
not found then. What has been reserved stays whatever becomes of the runs: as much as caps let through, and of what no
cap counts the newest, up to `reservations_max` in all.
"""

from __future__ import annotations

from parcours.core.profile import DeliveryState, DeliveryStateName, Profile, Reservation
from parcours.core.turn import Turn
from parcours.journey.program import Cap, Message

GIVES_BACK: frozenset[DeliveryStateName] = frozenset({"refused", "failed", "cancelled"})
"""States by which a delivery no longer counts against a frequency cap."""

UNCOUNTED: frozenset[DeliveryStateName] = GIVES_BACK | {"held"}


def reserve(turn: Turn, delivery: DeliveryState, message: Message) -> None:
    """Count the delivery against all caps from now on, those of later publications included."""
    if message.message_class == "transactional":
        return
    # Kept with the delivery also where there is no cap now: a later one rebuilds its reservations from this.
    delivery.purpose, delivery.held_ms = message.purpose, turn.gates_at - delivery.decided_at
    profile, longest_ms = turn.profile, turn.program.policies.longest_cap_ms
    if not longest_ms:
        profile.reservations, profile.reserved_ms = [], 0
        return
    oldest = turn.gates_at - longest_ms
    kept = [each for each in counted(turn) if each.at > oldest and each.key != delivery.key]
    kept.append(_reservation(delivery))
    if len(kept) > turn.settings.reservations_max:
        kept = _without_uncounted(turn, kept)
    profile.reservations, profile.reserved_ms = kept, longest_ms


def take_in(turn: Turn, other: Profile) -> None:
    """Count what somebody who was merged into the person was sent as hers, even above a cap.

    Whoever has never had a run was sent nothing, so her reservations are complete for a window of any length.
    """
    profile = turn.profile
    if other.counts:
        profile.reserved_ms = min(profile.reserved_ms, other.reserved_ms) if profile.counts else other.reserved_ms
    joined = sorted([*profile.reservations, *other.reservations], key=lambda each: each.at)
    while len(joined) > turn.settings.reservations_max:
        fewer = _without_uncounted(turn, joined)
        if fewer is joined:
            break
        joined = fewer
    profile.reservations = joined


def counted(turn: Turn) -> list[Reservation]:
    """The reservations within the longest cap's window, in order of time; older ones may be among them."""
    profile, longest_ms = turn.profile, turn.program.policies.longest_cap_ms
    # A cap has been published whose window is longer than what the reservations cover.
    if profile.reserved_ms < longest_ms:
        found = [*_recalled(turn, turn.gates_at - longest_ms), *profile.reservations]
        # Besides those of the runs that are remembered: what has been reserved stays.
        profile.reservations = sorted({each.key: each for each in found}.values(), key=lambda each: (each.at, each.key))
        profile.reserved_ms = longest_ms
    return profile.reservations


def covers(cap: Cap, channel: str, message_class: str, purpose: str) -> bool:
    """Whether a delivery of this kind counts against the cap."""
    return (
        (cap.channels is None or channel in cap.channels)
        and cap.message_class in (None, message_class)
        and cap.purpose in (None, purpose)
    )


def _without_uncounted(turn: Turn, kept: list[Reservation]) -> list[Reservation]:
    """All but the oldest that no cap counts: as many as caps count, they let nobody have too many of."""
    caps = turn.program.policies.caps
    for each in kept:
        if not any(covers(cap, each.channel, "marketing", each.purpose) for cap in caps):
            most = turn.settings.reservations_max
            why = f"more than {most} messages within the longest cap's time: those that no cap counts are forgotten"
            turn.tell_once("reservations_max", "", why)
            return [other for other in kept if other is not each]
    return kept


def give_back(turn: Turn, delivery: DeliveryState) -> None:
    """Give the delivery's reservation back."""
    turn.profile.reservations = [each for each in turn.profile.reservations if each.key != delivery.key]


def _recalled(turn: Turn, oldest: int) -> list[Reservation]:
    found = [
        _reservation(delivery)
        for run in (*turn.profile.runs, *turn.ended, *turn.profile.past)
        for delivery in run.deliveries
        if delivery.purpose and delivery.state not in UNCOUNTED
    ]
    return [each for each in found if each.at > oldest]


def _reservation(delivery: DeliveryState) -> Reservation:
    at = delivery.decided_at + delivery.held_ms
    return Reservation(at, delivery.key, delivery.channel, delivery.purpose)
