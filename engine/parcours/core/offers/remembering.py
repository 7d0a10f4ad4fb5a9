"""What somebody got is remembered, marked and given back: functions of what is kept of her, and of time.

An offer with caps has a tally from the first time on that somebody gets it. A cap that is published later counts from
then on, and one whose window has become longer what was in the shorter one. A changed `max` keeps what was counted.
"""

from __future__ import annotations

from typing import Final

from parcours.config import Settings
from parcours.core.offers.caps import is_counted, is_idle
from parcours.core.offers.requests import forget_answers, newest_answers
from parcours.core.offers.state import Count, OffersKept, Proposition, Tally
from parcours.journey.model.offers import CAP_MAX, Counted, Mark
from parcours.journey.offers import Offer, Offers

_SEEN: Final = frozenset({"shown", "clicked", "dismissed"})
"""The marks after which nobody waits for a proposition to be shown any more."""


def remember(kept: OffersKept, offers: Offers, proposition: Proposition, settings: Settings) -> bool:
    """Remember an offer that somebody gets now. False if nothing was left to do: it is remembered already.

    The oldest proposition goes where there are too many. An offer that finds no room among the counts is not counted;
    only a fallback can be one, for all others have been looked at before (`has_room`).
    """
    if any(each.key == proposition.key for each in kept.propositions):
        return False
    forget(kept, offers, proposition.at, settings)
    kept.propositions.append(proposition)
    del kept.propositions[: max(len(kept.propositions) - settings.propositions_max, 0)]
    offer = offers.offers.get(proposition.offer)
    if offer is not None and is_counted(offer):
        tally = kept.tallies.get(offer.name)
        if tally is None and len(kept.tallies) < settings.offer_counts_max:
            tally = kept.tallies[offer.name] = Tally()
        if tally is not None:
            _count(tally, tally.decided, offer, "decided", proposition.at)
            if offer.counts("shown") or offer.counts("clicked"):
                tally.unseen = [at for at in tally.unseen if proposition.at - at < settings.cap_pending_ms]
                tally.unseen = [*tally.unseen, proposition.at][-CAP_MAX:]
    return True


def mark(
    kept: OffersKept, offers: Offers, key: str, given: Mark, at: int, settings: Settings
) -> tuple[Mark, ...] | None:
    """Mark what became of a proposition. The marks that are new, in order; None where the key is none that she has.

    What was clicked has been shown. A mark counts once, by its first time.
    """
    proposition = next((each for each in kept.propositions if each.key == key), None)
    if proposition is None or at - proposition.at >= settings.propositions_for_ms:
        return None
    implied: tuple[Mark, ...] = ("shown", "clicked") if given == "clicked" else (given,)
    news = tuple(each for each in implied if each not in proposition.marks)
    tally, offer = kept.tallies.get(proposition.offer), offers.offers.get(proposition.offer)
    if tally is None and offer is not None and is_counted(offer):  # its counts were idle when there was no room
        tally = kept.tallies[offer.name] = Tally()
    if tally is not None and not _SEEN.isdisjoint(news):
        _stop_waiting(tally, proposition)
    for each in news:
        proposition.marks[each] = at
        if tally is not None and offer is not None:
            if each == "shown":
                _count(tally, tally.shown, offer, each, at)
            elif each == "clicked":
                _count(tally, tally.clicked, offer, each, at)
    return news


def give_back(kept: OffersKept, key: str) -> Proposition | None:
    """Take back a proposition that nobody was shown, such as that of a message which was refused; None if unknown.

    Its decision does not count any more, and no mark finds it.
    """
    proposition = next((each for each in kept.propositions if each.key == key), None)
    if proposition is None or "shown" in proposition.marks:
        return None
    kept.propositions.remove(proposition)
    tally = kept.tallies.get(proposition.offer)
    if tally is not None:
        tally.decided.take_back(proposition.at)
        _stop_waiting(tally, proposition)
    return proposition


def forget(kept: OffersKept, offers: Offers, at: int, settings: Settings) -> None:
    """Forget what is too old, counts of offers that are gone, and where there is no room idle ones."""
    forget_answers(kept, at, settings)
    oldest = at - settings.propositions_for_ms
    kept.propositions = [each for each in kept.propositions if each.at > oldest]
    is_full = len(kept.tallies) >= settings.offer_counts_max
    kept.tallies = {
        name: each
        for name, each in kept.tallies.items()
        if (name in offers.offers and not is_full) or not is_idle(name, each, offers, at, settings)
    }


def joined(own: OffersKept, other: OffersKept, settings: Settings) -> OffersKept:
    """What is remembered of two people who are one: all of it, in the order of time, as far as there is room.

    A proposition keeps its key, and its place among those of one instant. Counts may be above a cap then, and nothing
    more is chosen until there is room. Of a request that both have made the newer answer counts.
    """
    by_key = {each.key: each for each in (*own.propositions, *other.propositions)}
    newest = sorted(by_key.values(), key=lambda each: each.at)[-settings.propositions_max :]
    answered = sorted((*own.answered, *other.answered), key=lambda each: each.at)
    tallies = dict(own.tallies)
    for name, each in other.tallies.items():
        tallies[name] = _joined(tallies[name], each) if name in tallies else each
    latest = sorted(tallies, key=lambda name: (-tallies[name].newest, name))[: settings.offer_counts_max]
    counted = {name: tallies[name] for name in tallies if name in latest}
    return OffersKept(newest, counted, newest_answers(answered, settings))


def _joined(one: Tally, other: Tally) -> Tally:
    return Tally(
        decided=_summed(one.decided, other.decided),
        shown=_summed(one.shown, other.shown),
        clicked=_summed(one.clicked, other.clicked),
        unseen=sorted((*one.unseen, *other.unseen))[-CAP_MAX:],
        newest=max(one.newest, other.newest),
    )


def _summed(one: Count, other: Count) -> Count:
    return Count(one.ever + other.ever, sorted((*one.times, *other.times))[-CAP_MAX:])


def _stop_waiting(tally: Tally, proposition: Proposition) -> None:
    """Count a proposition no more as one that may still be shown; before its marks change, by which it is told."""
    if _SEEN.isdisjoint(proposition.marks) and proposition.at in tally.unseen:
        tally.unseen.remove(proposition.at)


def _count(tally: Tally, count: Count, offer: Offer, of: Counted, at: int) -> None:
    tally.newest = max(tally.newest, at)
    if offer.counts(of):
        count.add(at, offer.windows_ms(of), CAP_MAX)
