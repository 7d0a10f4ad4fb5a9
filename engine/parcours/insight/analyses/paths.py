"""Which touches belong to a conversion, and which are the path of somebody who did not convert?

A touch belongs to a conversion if it happened before it, in the order of time and at one instant in the order of
happening, and at most the lookback earlier; with `since_last` also after the person's conversion before that one. Of
one key at one instant the first touch is in a path, the others are not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Touch(NamedTuple):
    """Something that reached a person, or that she did, to which a conversion may be credited.

    at     its time in milliseconds
    order  its place among what happened to her at that instant, touches and conversions counted together
    key    by what touches are the same
    visit  the number of the visit in which it was; None: in none
    """

    at: int
    order: int
    key: str
    visit: int | None = None


class Conversion(NamedTuple):
    """What touches led to.

    at, order  as of touches
    value      the number that it is worth; 0 where its event has none
    visit      the number of the visit in which it was; None: in none
    counted    False for one outside the window that is asked about: it only parts the touches before it from later ones
    """

    at: int
    order: int
    value: float = 1.0
    visit: int | None = None
    counted: bool = True


class TouchedPerson(NamedTuple):
    """What touched one person and what she did about it, both in order: by time, then by `order`.

    person  her name of today
    """

    person: str
    touches: Sequence[Touch]
    conversions: Sequence[Conversion] = ()


class ConvertedPath(NamedTuple):
    """A conversion and its touches, in order."""

    conversion: Conversion
    touches: Sequence[Touch]


def converted_paths(who: TouchedPerson, lookback_ms: int, *, since_last: bool) -> Iterator[ConvertedPath]:
    """One path for each conversion that counts; it is empty where nothing touched her."""
    places = [(touch.at, touch.order) for touch in who.touches]
    after_last = 0
    for conversion in who.conversions:
        before = bisect_left(places, (conversion.at, conversion.order))
        if conversion.counted:
            first = bisect_left(places, (conversion.at - lookback_ms,))
            yield ConvertedPath(conversion, _once(who.touches[max(first, after_last) : before]))
        if since_last:
            after_last = before


def null_path(who: TouchedPerson, lookback_ms: int, end: int) -> Sequence[Touch]:
    """What touched her after her last conversion, or at all, within the lookback before `end`, both ends included."""
    places = [(touch.at, touch.order) for touch in who.touches]
    first = bisect_left(places, (end - lookback_ms,))
    if who.conversions:
        last = who.conversions[-1]
        first = max(first, bisect_left(places, (last.at, last.order)))
    return _once(who.touches[first : bisect_left(places, (end + 1,))])


def _once(touches: Sequence[Touch]) -> Sequence[Touch]:
    """Of touches with one key at one instant the first."""
    seen = {(touch.at, touch.key) for touch in touches}
    if len(seen) == len(touches):
        return touches
    kept = []
    for touch in touches:
        if (touch.at, touch.key) in seen:
            seen.discard((touch.at, touch.key))
            kept.append(touch)
    return kept
