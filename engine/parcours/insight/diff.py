"""What would a changed project have done differently? Two accounts of the same events, delivery by delivery.

Deliveries are matched by person, journey, run, step, visit and channel; versions and keys differ between
two projects and say nothing. The facts carry no visit: it is counted, in the order of happening.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from parcours.core.fact import DeliveryReached, Fact
from parcours.core.time_text import time_text
from parcours.insight.summary import INTERNAL_OUTCOMES

Kind: TypeAlias = Literal["appears", "vanishes", "moves"]


class Place(NamedTuple):
    """Which delivery it is, in whatever version."""

    profile: str
    journey: str
    run: int
    step: str
    visit: int
    channel: str


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One outcome of one delivery. before and after are times, None where the outcome is not there."""

    kind: Kind
    profile: str
    journey: str
    run: int
    step: str
    visit: int
    channel: str
    outcome: str
    before: str | None
    after: str | None


class Count(msgspec.Struct, kw_only=True):
    """How many appear, vanish and move, and how many are the same."""

    appears: int = 0
    vanishes: int = 0
    moves: int = 0
    same: int = 0


class Difference(msgspec.Struct, kw_only=True):
    """
    deliveries  counted whole: one moves if an outcome of it moves, appears or vanishes while it stays
    outcomes    counted per journey, channel and outcome, as "journey channel outcome"
    people      whose deliveries differ
    changes     by person, then time
    """

    deliveries: Count
    outcomes: dict[str, Count]
    people: int
    changes: list[Change]


Outcomes: TypeAlias = dict[str, int]
"""When a delivery first got each outcome."""


def compare(old: Iterable[Fact], new: Iterable[Fact]) -> Difference:
    """What appears, vanishes or moves in time from the old account to the new one.

    Facts of each person come in the order of happening.
    """
    before, after = _places(old), _places(new)
    deliveries, outcomes, changes = Count(), dict[str, Count](), list[Change]()
    for place in sorted(before.keys() | after.keys()):
        was, now = before.get(place, {}), after.get(place, {})
        differing = [change for change in _changes(place, was, now) if change is not None]
        _count(deliveries, _kind(bool(was), bool(now), bool(differing)))
        for outcome in was.keys() | now.keys():
            moved = was.get(outcome) != now.get(outcome)
            name = f"{place.journey} {place.channel} {outcome}"
            _count(outcomes.setdefault(name, Count()), _kind(outcome in was, outcome in now, moved))
        changes += differing
    changes.sort(key=_order)
    people = len({change.profile for change in changes})
    return Difference(deliveries=deliveries, outcomes=dict(sorted(outcomes.items())), people=people, changes=changes)


def _places(facts: Iterable[Fact]) -> dict[Place, Outcomes]:
    """The outcomes of every delivery, by its place."""
    visits: Counter[tuple[str, str, int, str, str]] = Counter()
    known: dict[str, Place] = {}
    found: dict[Place, Outcomes] = {}
    for fact in facts:
        if not isinstance(fact, DeliveryReached):
            continue
        place = known.get(fact.key)
        if place is None:
            step = (fact.profile, fact.journey, fact.run, fact.step, fact.channel)
            visits[step] += 1
            place = Place(fact.profile, fact.journey, fact.run, fact.step, visits[step], fact.channel)
            known[fact.key] = place
        if fact.outcome not in INTERNAL_OUTCOMES:
            found.setdefault(place, {}).setdefault(fact.outcome, fact.at)
    return found


def _changes(place: Place, was: Mapping[str, int], now: Mapping[str, int]) -> Iterable[Change | None]:
    for outcome in sorted(was.keys() | now.keys()):
        kind = _kind(outcome in was, outcome in now, was.get(outcome) != now.get(outcome))
        if kind is not None:
            before, after = was.get(outcome), now.get(outcome)
            yield Change(
                kind=kind,
                **place._asdict(),
                outcome=outcome,
                before=None if before is None else time_text(before),
                after=None if after is None else time_text(after),
            )


def _kind(was: bool, now: bool, differs: bool) -> Kind | None:
    if was and now:
        return "moves" if differs else None
    return "appears" if now else "vanishes"


def _count(count: Count, kind: Kind | None) -> None:
    name = kind or "same"
    setattr(count, name, getattr(count, name) + 1)


def _order(change: Change) -> tuple[str, str, str, int, str, str]:
    at = change.before or change.after or ""
    return (change.profile, at, change.journey, change.run, change.step, change.channel)
