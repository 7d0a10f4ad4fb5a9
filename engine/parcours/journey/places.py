"""Places, compiled: shapes with their rules, in the grid that finds those around a position."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from parcours.expression.expression import Expression
from parcours.geography.grid import Grid
from parcours.geography.shapes import Shape

PLACE_ENTERED: Final = "Place Entered"
PLACE_LEFT: Final = "Place Left"
"""The events of people who enter and leave places, which nobody has to declare."""


@dataclass(frozen=True, slots=True)
class PlaceRules:
    """When somebody enters and leaves.

    margin_m        how far beyond the edge nobody is away yet
    accuracy_max_m  vaguer positions say nothing about the place
    is_first_quiet  who is inside at the first position ever has not entered
    """

    enter_after_ms: int = 0
    leave_after_ms: int = 120_000
    margin_m: float = 50.0
    accuracy_max_m: float = 200.0
    silent_after_ms: int = 21_600_000
    is_first_quiet: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A place with its rules."""

    name: str
    shape: Shape
    rules: PlaceRules = field(default_factory=PlaceRules)
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Places:
    """All places of a project.

    accuracy_max_m  the greatest of any place: vaguer positions say nothing about anything
    """

    by_name: Mapping[str, Place]
    accuracy_max_m: float
    grid: Grid[Place] = field(repr=False, compare=False)

    @staticmethod
    def of(places: Iterable[Place]) -> Places:
        """These places, whose names differ."""
        by_name = {place.name: place for place in places}
        return Places(
            by_name,
            max((place.rules.accuracy_max_m for place in by_name.values()), default=0.0),
            Grid((place.shape.box(place.rules.margin_m), place) for place in by_name.values()),
        )

    def __bool__(self) -> bool:
        return bool(self.by_name)


NO_PLACES: Final = Places.of(())


@dataclass(frozen=True, slots=True)
class Location:
    """Where an event says that its person is: degrees, and metres of accuracy where it tells any."""

    latitude: Expression
    longitude: Expression
    accuracy: Expression | None


@dataclass(frozen=True, slots=True)
class Crossing:
    """What an event says that the phone has found out: a place's name, and `enter` or `exit`."""

    place: Expression
    way: Expression
