"""What is it that happens? An event under all its names, audiences entered or left, or both at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from parcours.journey.program import AudienceTrigger


@dataclass(frozen=True, slots=True)
class Occasion:
    """names and properties are those of an event; changes are what it, or time, did to audiences."""

    names: tuple[str, ...] = ()
    properties: Mapping[str, object] = field(default_factory=dict)
    changes: tuple[AudienceTrigger, ...] = ()
