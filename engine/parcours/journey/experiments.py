"""The compiled form of an experiment, of a journey and of a campaign alike: what is counted for each way of a split."""

from __future__ import annotations

from dataclasses import dataclass

from parcours.expression.expression import Expression
from parcours.journey.model.experiments import ExperimentUnit
from parcours.journey.parts import Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """What is compared. No event that comes in depends on any of it: it is asked of facts.

    trigger    the goal: the name under which the event arrives, and a condition that sees `event`
    within_ms  from the split on, its end inclusive
    value      is added up; None: whether the event came at all
    control    the name of the way that the others are compared with
    planned    how many units are expected in all ways together
    cuped_ms   how long before the split the same is counted
    by         what a unit is: a person by her first split, or every run
    mature     whether only units count whose `within_ms` is over
    """

    trigger: Trigger
    within_ms: int
    value: Expression | None
    control: str
    planned: int | None
    cuped_ms: int | None
    by: ExperimentUnit = "person"
    mature: bool = True
