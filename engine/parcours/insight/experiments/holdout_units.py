"""The units of a hold-out: everybody who is known, whoever is held out against everybody else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import repeat

from parcours.core.buckets import bucket_of
from parcours.insight.analyses.happenings import Events, beside
from parcours.insight.experiments.experiment import EVERYBODY_ELSE, HELD_OUT, Unit
from parcours.insight.experiments.goal import Goal
from parcours.journey.policies import Holdout


def holdout_units(holdout: Holdout, people: Iterable[str], events: Iterable[Events], goal: Goal) -> Iterator[Unit]:
    """A unit for each of these people, whether anything was ever to be sent to her or not.

    people  by their names of today, in the order of bytes: the gate goes by the name under which a profile lies
    events  of the window that is asked for, a person at a time in the same order
    """
    for person, _, happenings in beside(zip(people, repeat(None)), events):
        reached = goal.reached(happenings)
        outcome = goal.came_to(reached, reached[0][0], reached[-1][0]) if reached else None
        is_held_out = bucket_of(holdout.salt, person) < holdout.bound
        yield Unit(HELD_OUT if is_held_out else EVERYBODY_ELSE, outcome)
