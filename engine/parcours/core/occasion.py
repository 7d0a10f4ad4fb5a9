"""Occasions: what a person's runs react to, an event under all its names, changes of audience, or both at once."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from parcours.expression.expression import Scope
from parcours.journey.program import AudienceTrigger, Program


class Occasion(msgspec.Struct, frozen=True):
    """names and properties are the event's; changes are the audiences entered and left, by the event or by time."""

    names: tuple[str, ...] = ()
    properties: Mapping[str, object] = {}
    changes: tuple[AudienceTrigger, ...] = ()


def names_of(event: str, properties: Mapping[str, object], at: int, program: Program) -> tuple[str, ...]:
    """The event's own name, and those of the rule-based types that it meets."""
    derived = program.derived.get(event)
    if not derived:
        return (event,)
    scope = Scope(event=properties, now_ms=at)
    return (event, *(each.name for each in derived if each.rule is not None and each.rule.holds(scope)))
