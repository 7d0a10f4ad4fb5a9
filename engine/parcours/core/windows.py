"""Windows of the day in a time zone: when is it open next, and when does one begin and end?

A window belongs to the day on which it starts and may pass midnight. Its start is inclusive, its end exclusive. Both
are local times, so it grows or shrinks by the hour of a clock change between them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from parcours.expression.zones import local_instant, next_local_time
from parcours.instants import ceil_ms, to_moment
from parcours.journey.campaign_steps import LocalTime, Opening

DAYS_BACK = 2
"""A window lasts a day at most, so one that started the day before yesterday cannot reach today."""

DAYS_AHEAD = 8
"""A window that is open on any day of the week is so within as many."""


class Window(NamedTuple):
    """From `start` to `end`, in ms."""

    start: int
    end: int


def window_on(day: date, from_minute: int, until_minute: int, days: Collection[int], tz: ZoneInfo) -> Window | None:
    """The window that starts on this day, by minutes of the day; None where it is none of its days (0 is Monday)."""
    if day.weekday() not in days:
        return None
    last = day if from_minute < until_minute else day + timedelta(days=1)
    return Window(ceil_ms(local_instant(day, from_minute, tz)), ceil_ms(local_instant(last, until_minute, tz)))


def moved_into(window: Opening | LocalTime, at: int, delay_ms: int, tz: ZoneInfo) -> int:
    """The time at which somebody is due who would be at `at`: then if it is open, else at its next opening.

    delay_ms  by how much she comes later than the first then, within the length of the window
    """
    if isinstance(window, LocalTime):
        return next_local_time(at, window.minute, window.days, tz)
    today, days = to_moment(at).astimezone(tz).date(), window.days or frozenset(range(7))
    for offset in range(-DAYS_BACK, DAYS_AHEAD):
        found = window_on(today + timedelta(days=offset), window.from_minute, window.to_minute, days, tz)
        if found is not None and at < found.end:
            return at if found.start <= at else found.start + delay_ms % max(found.end - found.start, 1)
    raise AssertionError("a window opens on some day of the week")
