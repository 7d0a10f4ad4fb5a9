"""Event histories: per series, the times and values of a person's past events that some published expression asks for.

A series is (event, property, condition). Its condition is tested when the event arrives, and only time and value are
kept, for the longest window that any expression names. A window is (now - w, now]: it slides exactly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from parcours.core.consent import has_consent
from parcours.core.profile import Profile
from parcours.journey.program import ConsentPolicy

SeriesEntries = list[tuple[int, float]]
"""(time, value) in the order of time; the value is 1 for a series without a property."""


class PersonHistory(msgspec.Struct, frozen=True):
    """The expressions' `History` of one person."""

    profile: Profile
    policy: ConsentPolicy

    def consent(self, channel: str, purpose: str) -> bool:
        return has_consent(self.profile, self.policy, channel, purpose)

    def count(self, key: str, window_ms: int, now_ms: int) -> int:
        return len(self._inside(key, window_ms, now_ms))

    def sum(self, key: str, window_ms: int, now_ms: int) -> float:
        return sum(value for _, value in self._inside(key, window_ms, now_ms))

    def last(self, key: str) -> int | None:
        entries = self.profile.series.get(key)
        return entries[-1][0] if entries else None

    def next_exit(self, key: str, window_ms: int, now_ms: int) -> int | None:
        """The instant at which the oldest entry in the window leaves it."""
        inside = self._inside(key, window_ms, now_ms)
        return inside[0][0] + window_ms if inside else None

    def _inside(self, key: str, window_ms: int, now_ms: int) -> Sequence[tuple[int, float]]:
        entries = self.profile.series.get(key, [])
        first = bisect_right(entries, now_ms - window_ms, key=time_of)
        return entries[first : bisect_right(entries, now_ms, key=time_of)]


def time_of(entry: tuple[int, float]) -> int:
    return entry[0]
