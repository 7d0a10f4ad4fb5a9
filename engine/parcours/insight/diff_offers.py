"""The comparison of what two projects decided over the same events: which offers people got, decision by decision.

Decisions are matched by person, decision, placement and what asked for them (`journey/run/step/visit`), and where one
was made again, such as for a message that was held, by how often. Keys of propositions and scores are not compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from parcours.core.fact import Decided, Fact
from parcours.core.time_text import time_text

DecisionKind: TypeAlias = Literal["appears", "vanishes", "changes", "moves"]


class DecisionPlace(NamedTuple):
    """The identity of a decision in whatever version; `time` counts those of one place, from 1."""

    person: str
    decision: str
    placement: str
    origin: str
    time: int


class DecisionChange(msgspec.Struct, frozen=True, kw_only=True):
    """One decision that was made otherwise: it gives other offers (changes), or the same at another time (moves).

    before, after  when it was made, None where it was not
    gave, gives    the offers by name, the best first
    """

    kind: DecisionKind
    person: str
    decision: str
    placement: str
    origin: str
    before: str | None
    after: str | None
    gave: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()


class DecisionComparison(msgspec.Struct, kw_only=True):
    """How many decisions appear, vanish, give other offers, move in time, or stay the same."""

    appears: int = 0
    vanishes: int = 0
    changes: int = 0
    moves: int = 0
    same: int = 0


class OfferComparison(msgspec.Struct, kw_only=True):
    """How often people got an offer at a placement."""

    before: int = 0
    after: int = 0


class OfferDifference(msgspec.Struct, kw_only=True):
    """
    decisions  counted whole
    offers     by "offer at placement", of what is given at all
    changes    by person, then time
    """

    decisions: DecisionComparison
    offers: dict[str, OfferComparison]
    changes: list[DecisionChange]


def compare_offers(old: Iterable[Fact], new: Iterable[Fact]) -> OfferDifference:
    """The difference between what the old project decided and the new one; facts of each person come in their order."""
    before, after = _decisions(old), _decisions(new)
    decisions, changes = DecisionComparison(), list[DecisionChange]()
    offers: dict[str, OfferComparison] = {}
    for place in sorted(before.keys() | after.keys()):
        was, now = before.get(place), after.get(place)
        for each in _given(was):
            offers.setdefault(f"{each} at {place.placement}", OfferComparison()).before += 1
        for each in _given(now):
            offers.setdefault(f"{each} at {place.placement}", OfferComparison()).after += 1
        kind = _kind(was, now)
        name = kind or "same"
        setattr(decisions, name, getattr(decisions, name) + 1)
        if kind is not None:
            changes.append(_change(kind, place, was, now))
    changes.sort(key=lambda each: (each.person, each.before or each.after or "", each.decision, each.placement))
    return OfferDifference(decisions=decisions, offers=dict(sorted(offers.items())), changes=changes)


def _decisions(facts: Iterable[Fact]) -> dict[DecisionPlace, Decided]:
    times: Counter[tuple[str, str, str, str]] = Counter()
    found: dict[DecisionPlace, Decided] = {}
    for fact in facts:
        if isinstance(fact, Decided):
            where = fact.person, fact.decision, fact.placement, fact.origin
            times[where] += 1
            found[DecisionPlace(*where, times[where])] = fact
    return found


def _given(decided: Decided | None) -> tuple[str, ...]:
    return () if decided is None else tuple(each.offer for each in decided.offers)


def _kind(was: Decided | None, now: Decided | None) -> DecisionKind | None:
    if was is None or now is None:
        return "appears" if was is None else "vanishes"
    if _given(was) != _given(now):
        return "changes"
    return None if was.at == now.at else "moves"


def _change(kind: DecisionKind, place: DecisionPlace, was: Decided | None, now: Decided | None) -> DecisionChange:
    return DecisionChange(
        kind=kind,
        person=place.person,
        decision=place.decision,
        placement=place.placement,
        origin=place.origin,
        before=None if was is None else time_text(was.at),
        after=None if now is None else time_text(now.at),
        gave=_given(was),
        gives=_given(now),
    )
