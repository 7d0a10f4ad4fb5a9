"""Time zones: local times of day as instants, by the rules of the pinned tzdata package only."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from parcours.instants import ceil_ms, to_moment

EVERY_DAY: Final = frozenset(range(7))

YEAR_MS: Final = 366 * 86_400_000
"""A leap year: where a search begins that many days earlier or later, it begins a year off at most."""

DAYS_SEARCHED_MAX: Final = 16
"""One day of the week comes back after 7 days; a zone that once skipped a whole day makes it 14 at most."""


@cache
def zone_names() -> frozenset[str]:
    """Every IANA name that the tzdata package knows."""
    text = files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return frozenset(text.split())


@cache
def _load(name: str) -> ZoneInfo:
    with files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as stream:
        return ZoneInfo.from_file(stream, key=name)


def zone(name: str) -> ZoneInfo:
    """The zone of this IANA name. Raises ZoneInfoNotFoundError for any other text."""
    if name not in zone_names():
        raise ZoneInfoNotFoundError(name)
    return _load(name)


def local_instant(day: date, minute: int, tz: ZoneInfo) -> datetime:
    """The instant (UTC) at which the zone's clock shows this minute of the day, as in `wall_instant`."""
    return wall_instant(datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=tz), tz)


def wall_instant(reading: datetime, tz: ZoneInfo) -> datetime:
    """The instant (UTC) at which the zone's clock shows this reading, whatever zone it comes with.

    A time in the gap of a clock change is the first instant after the gap; an ambiguous one is the first of the two.
    """
    wall = reading.replace(tzinfo=tz, fold=0)
    instant = wall.astimezone(UTC)
    if instant.astimezone(tz).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return instant
    return _end_of_gap(wall, tz)


def _end_of_gap(wall: datetime, tz: ZoneInfo) -> datetime:
    """The change of offset inside the gap, found by bisection between its two readings."""
    low, high = sorted((wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)))
    before = low.astimezone(tz).utcoffset()
    while high - low > timedelta(milliseconds=1):
        middle = low + timedelta(milliseconds=((high - low) // timedelta(milliseconds=1)) // 2)
        low, high = (middle, high) if middle.astimezone(tz).utcoffset() == before else (low, middle)
    return high


def next_local_time(after_ms: int, minute: int, days: Collection[int], tz: ZoneInfo) -> int:
    """The first instant at or after `after_ms` at which the zone's clock shows `minute` on one of `days`.

    `minute` counts from midnight (0-1439), days from Monday (0); an empty collection means every day.
    """
    wanted = days or EVERY_DAY
    today = to_moment(after_ms).astimezone(tz).date()
    for number in range(-1, DAYS_SEARCHED_MAX):
        day = today + timedelta(days=number)
        if day.weekday() in wanted and (due_ms := ceil_ms(local_instant(day, minute, tz))) >= after_ms:
            return due_ms
    raise AssertionError(f"no {minute} minutes past midnight on any of {sorted(wanted)} in {tz.key}")


def anniversary_ms(day: date, minute: int, offset_ms: int, at_or_after_ms: int, tz: ZoneInfo) -> int:
    """The next yearly return of a day and minute, moved by the offset, at or after an instant."""
    year = to_moment(at_or_after_ms).astimezone(tz).year - offset_ms // YEAR_MS - 2
    while True:
        in_year = day.replace(year=year, day=28) if (day.month, day.day) == (2, 29) and not isleap(year) else None
        due_ms = ceil_ms(local_instant(in_year or day.replace(year=year), minute, tz)) + offset_ms
        if due_ms >= at_or_after_ms:
            return due_ms
        year += 1


def start_of_day_ms(day: date, tz: ZoneInfo) -> int:
    """The first instant of a calendar day in the zone."""
    return ceil_ms(local_instant(day, 0, tz))
