"""What analyses take from facts besides events: touches, assignments at a split, traits, memberships."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from parcours.insight.analyses.happenings import Happening


class Touch(NamedTuple):
    """Something that touched a person, which a conversion may be credited to.

    at     its time in milliseconds
    key    by what touches are the same; None where it has no such column or property
    visit  the number of the visit that it belongs to, from 1: here touches are part of visits as events are
    """

    at: int
    key: str | None
    visit: int


class Conversion(NamedTuple):
    """An event that touches may have led to, and the number of the visit in which it happened, from 1."""

    happening: Happening
    visit: int


class Touched(NamedTuple):
    """The touches and conversions of one person, in order: by time, and at one instant in the order of happening.

    Of an event that is both, the conversion stands first: nobody is led to an event by itself.
    """

    person: str
    happened: Sequence[Touch | Conversion]


class Assignment(NamedTuple):
    """A run that took one of the ways of a split.

    at     when, in milliseconds
    run    its number in the journey, as it was then
    way    its number, from 0
    """

    at: int
    run: int
    way: int
    version: int


class Assigned(NamedTuple):
    """What one person took at a split, and the events that were asked for, of all time, each in order."""

    person: str
    assignments: Sequence[Assignment]
    happenings: Sequence[Happening]


class Traits(NamedTuple):
    """What the newest row of the table of people has of a person.

    taken    as of when, in milliseconds
    traits   by declared path: text, number, boolean, datetime or date; of objects and lists the JSON; None for what she
             does not have
    """

    person: str
    taken: int
    traits: Mapping[str, Any]
    audiences: Sequence[str]
    consents: Sequence[str]


class ToldTraits(NamedTuple):
    """What changes tell of a person's traits.

    values  by declared path, when it changed last, in milliseconds, and the value since as JSON text
    """

    person: str
    values: Mapping[str, tuple[int, str]]


class Membership(NamedTuple):
    """When a person was in an audience: spans from an instant (ms) on, up to another that is not in it, or open."""

    person: str
    spans: Sequence[tuple[int, int | None]]

    def at(self, at_ms: int) -> bool:
        """Whether she was in at this instant."""
        return any(since <= at_ms and (until is None or at_ms < until) for since, until in self.spans)
