"""The funnel: how many units take each step, how long it takes them, and what those do instead who go no further."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from parcours.insight.analyses.funnel_any import AnyOrder
from parcours.insight.analyses.funnel_chain import UNBOUNDED, OrderedChains
from parcours.insight.analyses.funnel_groups import OTHER, GroupsOf, by_property, in_order, most_frequent
from parcours.insight.analyses.happenings import Events, Happening
from parcours.insight.analyses.metric_total import Total, number_of
from parcours.insight.analyses.triggers import Triggers
from parcours.journey.analyses import ByProperty, Funnel

LOST_TO_MAX: Final = 10
"""How many events are named to which units were lost: the next ones in the list are rare, and told together."""

NOTHING: Final = "(nothing)"
"""To what those are lost who do nothing more within the window."""


class FunnelStep(msgspec.Struct, frozen=True, kw_only=True):
    """What became of units at a step.

    step        the name of its event
    reached     the units that got so far
    median_ms   from the event of the step before, the lower of two; None of the first step and where nobody got so far
    lost        the units that got no further; 0 of the last step
    lost_to     their next events: the ten most frequent, ties by name, all others as `(other)`, and `(nothing)` last;
                they add up to `lost`, and none of them is 0
    worth       the sum of the value over all who reached the step, by the last event of each one's match
    lost_worth  that of those who were lost; both only where the funnel has a value
    """

    step: str
    reached: int
    median_ms: int | None
    lost: int
    lost_to: dict[str, int]
    worth: float | None | UnsetType = UNSET
    lost_worth: float | None | UnsetType = UNSET


class FunnelGroup(msgspec.Struct, frozen=True):
    """The steps of the units in a group."""

    steps: tuple[FunnelStep, ...]


class FunnelResult(msgspec.Struct, frozen=True):
    """The steps of all units, and by group where there are groups; `(missing)` is the last of them."""

    steps: tuple[FunnelStep, ...]
    groups: dict[str, FunnelGroup] | UnsetType = UNSET


class Match(NamedTuple):
    """How far a unit got.

    unit   with all its events
    chain  the places of the events that took the steps, among its events; as many as it took steps, one at least
    """

    unit: Events
    chain: tuple[int, ...]

    @property
    def first(self) -> Happening:
        return self.unit.happenings[self.chain[0]]

    @property
    def last(self) -> Happening:
        return self.unit.happenings[self.chain[-1]]


def matches(asked: Funnel, units: Iterable[Events]) -> Iterator[Match]:
    """The match of each unit that takes a step; the others have none.

    A unit has to have all its events, not those alone that are asked for: what is lost is told by the next event,
    whatever it is, and so is the very next.
    """
    assert asked.order != "any" or not asked.step_within_ms, "a step of these has none before it"
    triggers = Triggers([*asked.steps, *asked.exclude])
    find = (AnyOrder(asked) if asked.order == "any" else OrderedChains(asked)).find
    for unit in units:
        sightings = triggers.sightings(unit.happenings)
        if sightings and (chain := find(sightings)):
            yield Match(unit, tuple([sightings[position][0] for position in chain]))


def groups_of(asked: Funnel, given: GroupsOf | None) -> GroupsOf | None:
    """By what the units are in groups: by what is given, or by the property that the funnel names."""
    if given is None and isinstance(asked.split, ByProperty):
        return by_property(asked.split.path)
    assert given is not None or asked.split is None, "whoever has the people hands in the groups that are by them"
    return given


def funnel(asked: Funnel, units: Iterable[Events], grouped: GroupsOf | None = None) -> FunnelResult:
    """Count units through the steps.

    units    of the funnel's segment only, each with its events in order
    grouped  the groups of a unit, by the first event of its match; needed for a split by anything but a property
    """
    groups = groups_of(asked, grouped)
    everybody, tallies = _Tally(asked), dict[str, _Tally]()
    for match in matches(asked, units):
        value = None if asked.value is None else number_of(asked.value, match.last)
        lost_to = _lost_to(asked, match)
        everybody.add(match, lost_to, value)
        for group in () if groups is None else groups(match.unit, match.first):
            if group not in tallies:
                tallies[group] = _Tally(asked)
            tallies[group].add(match, lost_to, value)
    if groups is None:
        return FunnelResult(everybody.steps())
    return FunnelResult(
        everybody.steps(), {name: FunnelGroup(tally.steps()) for name, tally in in_order(tallies).items()}
    )


def _lost_to(asked: Funnel, match: Match) -> str:
    """The next event after the last step, within the window that the match's first event opened."""
    happenings, following = match.unit.happenings, match.chain[-1] + 1
    within_ms = UNBOUNDED if asked.within_ms is None else asked.within_ms
    if following < len(happenings) and happenings[following].at - match.first.at <= within_ms:
        return happenings[following].event
    return NOTHING


class _Tally:
    """What is counted of units while they go by, by the number of steps that they took."""

    __slots__ = ("_asked", "_ended", "_lost_to", "_taken_ms", "_worth")

    def __init__(self, asked: Funnel) -> None:
        steps = range(len(asked.steps) + 1)
        self._asked = asked
        self._ended = [0 for _ in steps]
        self._taken_ms = [array("q") for _ in steps]  # by step, from the one before
        self._lost_to = [Counter[str]() for _ in steps]
        self._worth = [Total() for _ in steps]

    def add(self, match: Match, lost_to: str, value: object) -> None:
        """Count a unit: to what it is lost if it is, and what it is worth."""
        happenings, chain = match.unit.happenings, match.chain
        depth = len(chain)
        self._ended[depth] += 1
        self._lost_to[depth][lost_to] += 1
        self._worth[depth].add(value)
        before_ms = happenings[chain[0]].at
        for step in range(1, depth):
            at = happenings[chain[step]].at
            self._taken_ms[step].append(at - before_ms)
            before_ms = at

    def steps(self) -> tuple[FunnelStep, ...]:
        return tuple(self._step(number, trigger.name) for number, trigger in enumerate(self._asked.steps, start=1))

    def _step(self, number: int, name: str) -> FunnelStep:
        is_last = number == len(self._asked.steps)
        taken_ms = sorted(self._taken_ms[number - 1])
        lost_to = {} if is_last else dict(self._lost_to[number])
        nothing = lost_to.pop(NOTHING, 0)
        named = dict(most_frequent(lost_to.items(), LOST_TO_MAX))
        besides = {OTHER: sum(lost_to.values()) - sum(named.values()), NOTHING: nothing}
        has_value = self._asked.value is not None
        return FunnelStep(
            step=name,
            reached=sum(self._ended[number:]),
            median_ms=taken_ms[(len(taken_ms) - 1) // 2] if taken_ms else None,
            lost=0 if is_last else self._ended[number],
            lost_to={**named, **{name: count for name, count in besides.items() if count}},
            worth=Total.of(self._worth[number:]) if has_value else UNSET,
            lost_worth=Total.of([] if is_last else [self._worth[number]]) if has_value else UNSET,
        )
