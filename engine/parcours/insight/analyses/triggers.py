"""Which of some triggers does an event fit?

The answer is a whole number with a bit for each trigger, the first trigger's the lowest. Names are told apart by one
look into a table; a condition is evaluated only for events of its name, and properties are decoded only for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from parcours.expression.expression import Expression, Scope
from parcours.insight.analyses.happenings import Happening
from parcours.journey.parts import Trigger

Sighting: TypeAlias = tuple[int, int, int]
"""An event that fits: its place in the unit from 0, its time in ms, and the bits of what it fits."""


class Triggers:
    """Triggers, made ready for many events."""

    __slots__ = ("_conditions", "_plain")

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        self._plain: dict[str, int] = {}  # by each name, the bits of its triggers without a condition
        self._conditions: dict[str, list[tuple[int, Expression]]] = {}
        for number, trigger in enumerate(triggers):
            bit = 1 << number
            self._plain.setdefault(trigger.name, 0)
            if trigger.when is None:
                self._plain[trigger.name] |= bit
            else:
                self._conditions.setdefault(trigger.name, []).append((bit, trigger.when))

    def bits(self, happening: Happening) -> int:
        """What this event fits; 0 for nothing."""
        bits = self._plain.get(happening.event, 0)
        conditions = self._conditions.get(happening.event)
        if conditions is not None:
            scope = scope_of(happening)
            for bit, condition in conditions:
                if condition.holds(scope):
                    bits |= bit
        return bits

    def sightings(self, happenings: Sequence[Happening]) -> list[Sighting]:
        """The events that fit anything, in their order."""
        plain = self._plain
        # Most events have another name, and every one comes through here: its fields are taken by position.
        named = [(place, each[0], plain[each[1]]) for place, each in enumerate(happenings) if each[1] in plain]
        if not self._conditions:
            return named
        fitting = ((place, at, self.bits(happenings[place])) for place, at, _ in named)
        return [each for each in fitting if each[2]]


def scope_of(happening: Happening) -> Scope:
    """What an expression sees of an event: its properties, and as `now` its own time."""
    return Scope(event=happening.decoded(), now_ms=happening.at)
