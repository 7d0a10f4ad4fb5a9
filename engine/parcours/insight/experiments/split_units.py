"""The units of an experiment at a split: who was assigned to which way, and what her goal came to.

A way is known by its name, so several versions are one experiment as long as they call their ways the
same; versions that call none of them so took no part in it. Where versions share out otherwise, the percentages that
units are compared with are those of the versions, each as often as it has units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from parcours.insight.experiments.experiment import PLANNED, Design, Unit
from parcours.insight.experiments.goal import Goal
from parcours.insight.experiments.ways import Ways, name_of
from parcours.insight.warehouse.told_rows import Assigned
from parcours.journey.experiments import Experiment


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which splits count.

    from_ms, to_ms  the splits at these times, the end not included; None: without a bound
    known_ms        up to when everything is known
    """

    known_ms: int
    from_ms: int | None = None
    to_ms: int | None = None

    def has(self, at_ms: int) -> bool:
        """Whether a split at this time counts."""
        return (self.from_ms is None or at_ms >= self.from_ms) and (self.to_ms is None or at_ms < self.to_ms)


@dataclass(frozen=True, slots=True)
class SplitUnits:
    """`unnamed` is how many splits were taken by ways that the experiment does not compare."""

    design: Design
    units: Sequence[Unit]
    unnamed: int


def split_units(
    experiment: Experiment, newest: Ways, versions: Mapping[int, Ways], assigned: Iterable[Assigned], asked: Asked
) -> SplitUnits:
    """The design and the units of an experiment.

    newest    the ways that are compared, each of which has a name
    versions  the ways in each version; of one that is not there nothing is known, so it took no part
    assigned  with events of the goal's name, from `cuped_ms` before the first split on
    """
    goal, names = Goal(experiment.trigger, experiment.value), [name for name in newest.names if name is not None]
    units, of_version, unnamed = list[Unit](), Counter[int](), 0
    for person in assigned:
        named = [(each, name) for each in person.assignments if (name := name_of(each, versions)) in names]
        unnamed += len(person.assignments) - len(named)
        taken = named[:1] if experiment.by == "person" else named
        reached = goal.reached(person.happenings)
        for each, name in taken:
            if not asked.has(each.at):
                continue
            assert name is not None, "it is one of the names"
            before = experiment.cuped_ms
            unit = Unit(
                name,
                goal.came_to(reached, each.at + 1, each.at + experiment.within_ms),
                None if before is None else goal.came_to(reached, each.at - before, each.at - 1),
                each.at + experiment.within_ms < asked.known_ms,  # at the last instant more may be told
            )
            units.append(unit)
            of_version[each.version] += unit.mature or not experiment.mature
    percents = dict(_percents(names, newest, versions, of_version))
    return SplitUnits(_design(experiment, percents), units, unnamed)


def _percents(
    names: Sequence[str], newest: Ways, versions: Mapping[int, Ways], of_version: Mapping[int, int]
) -> Iterator[tuple[str, float]]:
    counted = {version: units for version, units in of_version.items() if units}
    for name in names:
        shares = {versions[version].share(name) for version in counted} or {newest.share(name)}
        if len(shares) == 1:  # as it was written, without rounding
            yield name, shares.pop()
        else:
            all_units = sum(counted.values())
            yield name, sum(units * versions[version].share(name) for version, units in counted.items()) / all_units


def _design(experiment: Experiment, percents: Mapping[str, float]) -> Design:
    return Design(
        percents=percents,
        control=experiment.control,
        metric="rate" if experiment.value is None else "value",
        planned=experiment.planned or PLANNED,
        cuped=experiment.cuped_ms is not None,
        by=experiment.by,
        mature=experiment.mature,
    )
