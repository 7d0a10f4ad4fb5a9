"""Is there room under the caps of an offer for one more to this person?

Decisions count at once. What is shown or clicked counts at its mark; and a proposition that was not seen yet counts for
those caps, too, for `cap_pending_ms`, so that of two decisions in a row both do not pass. Events are counted by the
history that conditions ask for, too.
"""

from __future__ import annotations

from collections.abc import Mapping

from parcours.config import DAY_MS, Settings
from parcours.core.offers.state import Count, OffersKept, Tally
from parcours.expression.duration import format_duration
from parcours.expression.expression import Scope
from parcours.journey.offers import Cap, Offer, Offers

_NOTHING = Tally()


def full_cap(
    offer: Offer, kept: OffersKept, scope: Scope, ahead: Mapping[str, int], settings: Settings
) -> tuple[Cap, int, int] | None:
    """The first cap of the offer that has no room, with what it counts and how much of that is pending; None if each
    has some.

    ahead  how often each offer was chosen already in the answer at hand, which is not remembered yet
    """
    tally, coming = kept.tallies.get(offer.name), ahead.get(offer.name, 0)
    is_new = tally is None and not coming
    for cap in offer.caps:
        if is_new and cap.counted is None:  # the most frequent case: nothing of it is counted yet
            continue
        happened, pending = _counted(cap, tally or _NOTHING, scope, coming, settings)
        if happened + pending >= cap.max:
            return cap, happened + pending, pending
    return None


def _counted(cap: Cap, tally: Tally, scope: Scope, ahead: int, settings: Settings) -> tuple[int, int]:
    """What has happened of it, and what may still: she got the offer, and was not seen to do anything about it."""
    if cap.counted is not None:
        found = cap.counted.value(scope)
        return (found if isinstance(found, int) else 0), 0
    count = _count_of(tally, cap)
    happened = count.ever if cap.per_ms is None else count.within(cap.per_ms, scope.now_ms)
    if cap.of == "decided":
        return happened + ahead, 0
    return happened, tally.pending(settings.cap_pending_ms, scope.now_ms) + ahead


def _count_of(tally: Tally, cap: Cap) -> Count:
    return {"decided": tally.decided, "shown": tally.shown, "clicked": tally.clicked}[cap.of]


def in_words(cap: Cap, counted: int, pending: int) -> str:
    """Why a cap has no room: `3 of 3 shown in 30 days, 1 of them pending`."""
    days, rest = divmod(cap.per_ms or 0, DAY_MS)
    length = format_duration(cap.per_ms or 0) if rest else "1 day" if days == 1 else f"{days} days"
    window = "" if cap.per_ms is None else f" in {length}"
    return f"{counted} of {cap.max} {cap.of}{window}" + (f", {pending} of them pending" if pending else "")


def has_room(
    offer: Offer, kept: OffersKept, ahead: Mapping[str, int], offers: Offers, at: int, settings: Settings
) -> bool:
    """Whether the offer can be counted: an offer that could not must not be chosen, or it might come too often."""
    if len(kept.tallies) + len(ahead) < settings.offer_counts_max:
        return True
    if not is_counted(offer) or offer.name in kept.tallies:
        return True
    coming = [name for name in ahead if name not in kept.tallies and is_counted(offers.offers[name])]
    if offer.name in coming or len(kept.tallies) + len(coming) < settings.offer_counts_max:
        return True
    needed = sum(name in ahead or not is_idle(name, each, offers, at, settings) for name, each in kept.tallies.items())
    return needed + len(coming) < settings.offer_counts_max


def is_counted(offer: Offer) -> bool:
    """Whether something has to be remembered of it for its caps."""
    return any(cap.counted is None for cap in offer.caps)


def is_idle(name: str, tally: Tally, offers: Offers, at: int, settings: Settings) -> bool:
    """Whether nothing would be otherwise without the counts of this offer."""
    offer = offers.offers.get(name)
    if offer is None:
        return at - tally.newest > settings.run_memory_ms
    if tally.pending(settings.cap_pending_ms, at):
        return False
    for cap in offer.caps:
        if cap.counted is None:
            count = _count_of(tally, cap)
            if count.ever if cap.per_ms is None else count.within(cap.per_ms, at):
                return False
    return True
