"""What is remembered of where a person is: her newest position, the places she is in, and what her phone said of them.

Times are milliseconds. All but `told_at`, which is as the sender says, are instants at which something took effect.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Teller: TypeAlias = Literal["fix", "phone"]
"""Who says that somebody is inside or away: a position, or the phone that has found out by itself."""


class Position(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The newest position, in degrees."""

    at: int
    told_at: int
    latitude: float
    longitude: float


class Visit(msgspec.Struct, array_like=True, gc=False):
    """A stay in one place, from the first word that she is inside to the end of it.

    since    when she was inside first
    seen     the newest word that she is there, or at least not away
    silent   when she counts as gone if nothing more is heard of her
    enters   when she is told to have entered; None once that was told, and where nothing is told of the visit
    is_told  she was told to have entered, so that she is told to have left, too
    away     when she was away first, after she was inside last; None while she is not
    leaves   when she is told to have left, if she does not come back before; None while she is not away
    by       who told the newest of these
    """

    since: int
    seen: int
    silent: int
    enters: int | None = None
    is_told: bool = False
    away: int | None = None
    leaves: int | None = None
    by: Teller = "fix"


class Word(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the phone said of a place, which goes before positions for a day."""

    at: int
    told_at: int


class Whereabouts(msgspec.Struct, array_like=True):
    """Where somebody is.

    visits   by the name of the place; one that is not here is a place that she is not in
    words    by the name of the place, as long as they rule
    ignored  how many positions and crossings said nothing, by the reason
    untold   how often one said something of which nothing was told, by the reason
    """

    position: Position | None = None
    visits: dict[str, Visit] = {}
    words: dict[str, Word] = {}
    ignored: dict[str, int] = {}
    untold: dict[str, int] = {}


def places_entered(here: Whereabouts) -> list[str]:
    """The places that somebody was told to have entered, and not to have left; sorted."""
    return sorted(name for name, visit in here.visits.items() if visit.is_told)


def newest(own: Whereabouts | None, other: Whereabouts | None) -> Whereabouts | None:
    """Of two people who are one: that of the newest word by its own time, and the first of the two at a tie."""
    if own is None or other is None:
        return own if other is None else other
    return other if _told_at(other) > _told_at(own) else own


def _told_at(here: Whereabouts) -> tuple[bool, int]:
    times = [word.told_at for word in here.words.values()]
    if here.position is not None:
        times.append(here.position.told_at)
    return bool(times), max(times, default=0)
