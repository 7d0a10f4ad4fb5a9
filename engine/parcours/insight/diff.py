"""The comparison of two projects over the same events, delivery by delivery, and of what they decided.

Deliveries are matched by person, journey, run, step, visit and channel; versions and keys differ between two projects
and mean nothing here. Facts carry no visit: it is counted, in the order of happening.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from parcours.core.counted import INTERNAL_OUTCOMES
from parcours.core.fact import DeliveryReached, Fact
from parcours.core.time_text import time_text
from parcours.insight.diff_offers import DecisionComparison, OfferDifference, compare_offers

DifferenceKind: TypeAlias = Literal["appears", "vanishes", "moves"]


class DeliveryPlace(NamedTuple):
    """The identity of a delivery in whatever version."""

    person: str
    journey: str
    run: int
    step: str
    visit: int
    channel: str


class DeliveryChange(msgspec.Struct, frozen=True, kw_only=True):
    """One changed outcome of one delivery. before and after are times, None where the outcome is missing."""

    kind: DifferenceKind
    person: str
    journey: str
    run: int
    step: str
    visit: int
    channel: str
    outcome: str
    before: str | None
    after: str | None


class Comparison(msgspec.Struct, kw_only=True):
    """How many deliveries or outcomes appear, vanish, move in time, or stay the same."""

    appears: int = 0
    vanishes: int = 0
    moves: int = 0
    same: int = 0


class Difference(msgspec.Struct, kw_only=True):
    """The whole comparison.

    deliveries  counted whole: one moves if an outcome of it moves, appears or vanishes while it stays
    outcomes    counted per journey, channel and outcome, as "journey channel outcome"
    people      whose deliveries, or offers, differ
    changes     by person, then time
    offers      what was decided; None where neither project decides anything
    """

    deliveries: Comparison
    outcomes: dict[str, Comparison]
    people: int
    changes: list[DeliveryChange]
    offers: OfferDifference | None = None


Outcomes: TypeAlias = dict[str, int]
"""The first time of each outcome of a delivery."""


def compare(old: Sequence[Fact], new: Sequence[Fact]) -> Difference:
    """The difference between the facts of the old project and those of the new one.

    Facts of each person come in the order of happening.
    """
    before, after = _places(old), _places(new)
    deliveries, outcomes, changes = Comparison(), dict[str, Comparison](), list[DeliveryChange]()
    for place in sorted(before.keys() | after.keys()):
        was, now = before.get(place, {}), after.get(place, {})
        differing = [change for change in _changes(place, was, now) if change is not None]
        _count(deliveries, _kind(bool(was), bool(now), bool(differing)))
        for outcome in was.keys() | now.keys():
            moved = was.get(outcome) != now.get(outcome)
            name = f"{place.journey} {place.channel} {outcome}"
            _count(outcomes.setdefault(name, Comparison()), _kind(outcome in was, outcome in now, moved))
        changes += differing
    changes.sort(key=_order)
    decided = compare_offers(old, new)
    people = len({change.person for change in changes} | {change.person for change in decided.changes})
    return Difference(
        deliveries=deliveries,
        outcomes=dict(sorted(outcomes.items())),
        people=people,
        changes=changes,
        offers=decided if decided.decisions != DecisionComparison() else None,
    )


def _places(facts: Iterable[Fact]) -> dict[DeliveryPlace, Outcomes]:
    """The outcomes of every delivery, by its place."""
    visits: Counter[tuple[str, str, int, str, str]] = Counter()
    known: dict[str, DeliveryPlace] = {}
    found: dict[DeliveryPlace, Outcomes] = {}
    for fact in facts:
        if not isinstance(fact, DeliveryReached):
            continue
        place = known.get(fact.key)
        if place is None:
            step = (fact.person, fact.journey, fact.run, fact.step, fact.channel)
            visits[step] += 1
            place = DeliveryPlace(fact.person, fact.journey, fact.run, fact.step, visits[step], fact.channel)
            known[fact.key] = place
        if fact.outcome not in INTERNAL_OUTCOMES:
            found.setdefault(place, {}).setdefault(fact.outcome, fact.at)
    return found


def _changes(place: DeliveryPlace, was: Mapping[str, int], now: Mapping[str, int]) -> Iterable[DeliveryChange | None]:
    for outcome in sorted(was.keys() | now.keys()):
        kind = _kind(outcome in was, outcome in now, was.get(outcome) != now.get(outcome))
        if kind is not None:
            before, after = was.get(outcome), now.get(outcome)
            yield DeliveryChange(
                kind=kind,
                **place._asdict(),
                outcome=outcome,
                before=None if before is None else time_text(before),
                after=None if after is None else time_text(after),
            )


def _kind(was: bool, now: bool, differs: bool) -> DifferenceKind | None:
    if was and now:
        return "moves" if differs else None
    return "appears" if now else "vanishes"


def _count(count: Comparison, kind: DifferenceKind | None) -> None:
    name = kind or "same"
    setattr(count, name, getattr(count, name) + 1)


def _order(change: DeliveryChange) -> tuple[str, str, str, int, str, str]:
    at = change.before or change.after or ""
    return (change.person, at, change.journey, change.run, change.step, change.channel)
