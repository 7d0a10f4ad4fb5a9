"""What the goal of an experiment came to in a stretch of time, for one person after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from parcours.expression.expression import Expression
from parcours.insight.analyses.happenings import Happening
from parcours.insight.analyses.metric_total import worth_of
from parcours.insight.analyses.triggers import Triggers
from parcours.insight.experiments.moments import sum_of
from parcours.journey.parts import Trigger

Reached: TypeAlias = Sequence[tuple[int, float]]
"""The times (ms) at which a person reached the goal, and what each was worth, in order."""

WITHOUT_VALUE: Final = 1.0
"""What reaching a goal is worth whose value is not added up."""


class Goal:
    """An event, and the number of it that is added up; None: whether it came at all."""

    def __init__(self, trigger: Trigger, value: Expression | None) -> None:
        self._triggers = Triggers([trigger])
        self._value = value

    def reached(self, happenings: Sequence[Happening]) -> Reached:
        """When these events reach the goal. One without the number is worth nothing, but has come."""
        return [(at, self._worth(happenings[place])) for place, at, _ in self._triggers.sightings(happenings)]

    def came_to(self, reached: Reached, first_ms: int, last_ms: int) -> float | None:
        """What the goal came to from one instant to another, both included; None if it did not come.

        Raises AnalysisRefused for a sum that is larger than any number can be.
        """
        found = [worth for at, worth in reached if first_ms <= at <= last_ms]
        if not found:
            return None
        return WITHOUT_VALUE if self._value is None else sum_of(found)

    def _worth(self, happening: Happening) -> float:
        return WITHOUT_VALUE if self._value is None else worth_of(self._value, happening)
