"""Where a person is, as callers see it: the places that she is in, her newest position, and what told nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Self

from parcours.core.consent import may_personalise
from parcours.core.places.state import Position, Teller, Visit
from parcours.core.profile import Profile
from parcours.journey.program import Program


@dataclass(frozen=True, slots=True)
class PersonPlace:
    """A place that she is in. Times are in ms since 1970, None for what is not to come.

    since       when she was inside first
    is_told     whether she was told to have entered
    enters      when that will be told, unless a position outside comes first
    away_since  when she was away first, as long as she has not come back
    leaves      when she will be told to have left, unless a position inside comes first
    silent      when she counts as gone if nothing more is heard of her
    by          who told the newest of these: a position, or her phone
    """

    place: str
    since: int
    is_told: bool
    enters: int | None
    away_since: int | None
    leaves: int | None
    silent: int
    by: Teller

    @classmethod
    def of(cls, place: str, visit: Visit) -> Self:
        """The visit of this place."""
        return cls(place, visit.since, visit.is_told, visit.enters, visit.away, visit.leaves, visit.silent, visit.by)


@dataclass(frozen=True, slots=True)
class PersonPosition:
    """Her newest position, in degrees: when it took effect, and when she was there by her sender's clock (ms)."""

    at: int
    told_at: int
    latitude: float
    longitude: float

    @classmethod
    def of(cls, position: Position) -> Self:
        """The position that is remembered."""
        return cls(position.at, position.told_at, position.latitude, position.longitude)


@dataclass(frozen=True, slots=True)
class PersonWhereabouts:
    """
    places    those that she is in, by name in their order
    position  the newest one, which is personal; None if there was none
    unheard   how many positions and crossings told nothing, by the reason (docs/places.md)
    not_followed  why no position of hers is used, None if they are
    """

    places: tuple[PersonPlace, ...] = ()
    position: PersonPosition | None = None
    unheard: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    not_followed: Literal["no_personalisation"] | None = None

    @classmethod
    def of(cls, profile: Profile, program: Program) -> Self:
        """What is remembered; nothing where no event has told of any place."""
        here = profile.whereabouts
        if program.places and not may_personalise(profile, program.policies):
            return cls(not_followed="no_personalisation")
        if here is None:
            return cls()
        return cls(
            places=tuple(PersonPlace.of(name, visit) for name, visit in sorted(here.visits.items())),
            position=None if here.position is None else PersonPosition.of(here.position),
            unheard=MappingProxyType({**here.ignored, **here.untold}),
        )
