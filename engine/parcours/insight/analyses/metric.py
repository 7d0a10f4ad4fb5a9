"""Metrics: sums, people, events and deliveries that are counted, and formulas of them.

All metrics that a formula needs are counted in the same pass. A formula is evaluated for everybody and for each group
by itself, so its groups need not add up.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Iterable, Mapping
from math import isfinite
from typing import Final, Protocol, TypeAlias, assert_never

import msgspec
from msgspec import UNSET, UnsetType

from parcours.expression.expression import Expression
from parcours.insight.analyses.funnel_groups import GroupsOf, in_order
from parcours.insight.analyses.happenings import Events, Happening
from parcours.insight.analyses.metric_total import Total, number_of
from parcours.insight.analyses.triggers import Triggers
from parcours.journey.analyses import (
    Arithmetic,
    DeliveryCount,
    EventCount,
    Formula,
    FormulaNode,
    Metric,
    MetricOf,
    Number,
    People,
    Sum,
)
from parcours.journey.parts import Trigger

Counted: TypeAlias = Sum | People | EventCount | DeliveryCount
"""The metrics that are counted, not calculated from others."""

OPERATORS: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


class MetricResult(msgspec.Struct, frozen=True):
    """The value for all, and by group where there are groups; None is missing: something divided by nothing."""

    value: float | None
    groups: dict[str, float | None] | UnsetType = UNSET


def metric(
    name: str,
    metrics: Mapping[str, Metric],
    units: Iterable[Events],
    deliveries: Iterable[Events] = (),
    *,
    segments: Mapping[str, Container[str]] | None = None,
    grouped: GroupsOf | None = None,
) -> MetricResult:
    """The value of a metric.

    metrics     all of the project, by name; formulas in them refer to no circle of others
    deliveries  what became of deliveries, as happenings called by their outcomes and marks
    segments    the people of every segment that is named in the metrics needed
    grouped     the groups of an event that is counted, or of a delivery; one without any counts for all only
    """
    counts = {each: _Counting(of, segments or {}, grouped) for each, of in counted_for(name, metrics).items()}
    _count([each for each in counts.values() if not each.is_of_deliveries], units)
    _count([each for each in counts.values() if each.is_of_deliveries], deliveries)
    groups = {group: None for counting in counts.values() for group in counting.groups}

    def value(node: FormulaNode, group: str | None) -> float | None:
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Arithmetic):
            return _result(node.operator, value(node.left, group), value(node.right, group))
        referred = metrics[node.name]
        return value(referred.root, group) if isinstance(referred, Formula) else counts[node.name].value(group)

    of_all = value(MetricOf(name), None)
    if grouped is None:
        return MetricResult(of_all)
    return MetricResult(of_all, {group: value(MetricOf(name), group) for group in in_order(groups)})


def counted_for(name: str, metrics: Mapping[str, Metric]) -> dict[str, Counted]:
    """The metrics that have to be counted for this one, by name."""
    found = metrics[name]
    if not isinstance(found, Formula):
        return {name: found}
    counted, nodes = dict[str, Counted](), [found.root]
    while nodes:
        node = nodes.pop()
        if isinstance(node, Arithmetic):
            nodes += [node.left, node.right]
        elif isinstance(node, MetricOf):
            counted |= counted_for(node.name, metrics)
    return counted


def _result(sign: str, left: float | None, right: float | None) -> float | None:
    """Missing if a side is, if something is divided by nothing, and if it is larger than any number can be."""
    if left is None or right is None or (sign == "/" and right == 0):
        return None
    try:
        result = OPERATORS[sign](left, right)
        return result if isfinite(result) else None
    except OverflowError:
        return None


class _Tally(Protocol):
    """What is counted for all, or for a group."""

    def add(self, unit: Events, happening: Happening) -> None: ...

    def value(self) -> float | None: ...


class _Times:
    def __init__(self) -> None:
        self._times = 0

    def add(self, unit: Events, happening: Happening) -> None:
        self._times += 1

    def value(self) -> float:
        return self._times


class _DifferentPeople:
    def __init__(self) -> None:
        self._people = set[str]()

    def add(self, unit: Events, happening: Happening) -> None:
        self._people.add(unit.person)

    def value(self) -> float:
        return len(self._people)


class _SumOf:
    def __init__(self, value: Expression) -> None:
        self._value = value
        self._total = Total()

    def add(self, unit: Events, happening: Happening) -> None:
        self._total.add(number_of(self._value, happening))

    def value(self) -> float | None:
        return Total.of([self._total])


class _Counting:
    """One metric while events go by."""

    def __init__(self, counted: Counted, segments: Mapping[str, Container[str]], grouped: GroupsOf | None) -> None:
        self._counted = counted
        self._people = None if counted.segment is None else segments[counted.segment]
        self._grouped = grouped
        self._all = self._tally()
        self.groups: dict[str, _Tally] = {}
        self.is_of_deliveries = isinstance(counted, DeliveryCount)
        self.trigger = Trigger(counted.outcome) if isinstance(counted, DeliveryCount) else counted.of

    def counts(self, person: str) -> bool:
        return self._people is None or person in self._people

    def add(self, unit: Events, happening: Happening) -> None:
        self._all.add(unit, happening)
        for group in () if self._grouped is None else self._grouped(unit, happening):
            if group not in self.groups:
                self.groups[group] = self._tally()
            self.groups[group].add(unit, happening)

    def value(self, group: str | None) -> float | None:
        """For all, or for a group; a group of which nothing was counted has counted nothing, which is 0."""
        return (self._all if group is None else self.groups.get(group, _Times())).value()

    def _tally(self) -> _Tally:
        match self._counted:
            case Sum(value=value):
                return _SumOf(value)
            case People():
                return _DifferentPeople()
            case EventCount() | DeliveryCount():
                return _Times()
            case _:
                assert_never(self._counted)


def _count(countings: list[_Counting], units: Iterable[Events]) -> None:
    """Let the events of all units go by; those that nothing counts cost one look into a table."""
    if not countings:
        return
    triggers = Triggers([each.trigger for each in countings])
    for unit in units:
        sightings = triggers.sightings(unit.happenings)
        if not sightings:
            continue
        counting = [(1 << number, each) for number, each in enumerate(countings) if each.counts(unit.person)]
        for place, _, bits in sightings:
            for bit, each in counting:
                if bits & bit:
                    each.add(unit, unit.happenings[place])
