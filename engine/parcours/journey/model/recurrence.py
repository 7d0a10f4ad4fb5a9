"""Recurrence by an RFC 5545 rule: the instants at which it recurs, by the local time of one zone.

Local time is kept, as in a calendar: nine o'clock stays nine o'clock when the clocks change. A time in the gap of a
clock change becomes the first instant after it, an ambiguous one is the first of the two, but for the start, which is
an instant. Instants before the start, and repeated ones, are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from parcours.expression.zones import wall_instant, zone
from parcours.instants import ceil_ms, to_moment
from parcours.wording import nearest, quoted

FREQUENCIES: Final = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY")
"""The frequencies of a rule but for SECONDLY: an audience cannot be read that often."""

EXAMPLE: Final = "FREQ=WEEKLY;BYDAY=MO"

_NUMBERS: Final[Mapping[str, tuple[int, int]]] = {
    "BYSECOND": (0, 59),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYMONTH": (1, 12),
    "BYSETPOS": (-366, 366),
}
"""The parts that are lists of numbers, with their bounds. Where the lower bound is negative, 0 is invalid."""

_ONE_NUMBER: Final = ("COUNT", "INTERVAL")
_NUMBER_MAX: Final = 1_000_000
"""The limit of COUNT and INTERVAL: no honest rule exceeds it, and dates end."""

_DAY: Final = re.compile(r"([+-]?[1-9][0-9]?)?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL: Final = re.compile(r"[0-9]{8}(T[0-9]{6}Z?)?")
_PARTS: Final = ("FREQ", "UNTIL", *_ONE_NUMBER, *_NUMBERS, "BYDAY", "WKST")

_NUMBERED_DAYS: Final[Mapping[str, int]] = {"MONTHLY": 5, "YEARLY": 53}
"""How often a weekday occurs at most within a month or a year; other frequencies take no number."""

_YEAR_MAX: Final = 9_990
"""A little before timestamps end in the zone that is furthest ahead."""

_CALENDAR_YEARS: Final = 400
"""After so many years the calendar repeats itself, weekdays and leap years included."""


def check_rule(text: str) -> str:
    """The rule in canonical spelling. Raises ValueError for a text that is no rule, or one that makes no sense here."""
    parts = _parts(text.strip().upper().removeprefix("RRULE:"))
    for name, value in parts.items():
        _check_part(name, value)
    if "FREQ" not in parts:
        raise ValueError(f"a rule says how often, as in {EXAMPLE}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("a rule has COUNT or UNTIL, not both")
    most = _NUMBERED_DAYS.get(parts["FREQ"], 0)
    if any(int(number) > most for number in re.findall(r"[0-9]+", parts.get("BYDAY", ""))):
        raise ValueError("a day has a number, such as 1MO, up to 5 with MONTHLY and up to 53 with YEARLY")
    return ";".join(f"{name}={value}" for name, value in parts.items())


def is_endless(rule: str) -> bool:
    """Whether a rule in canonical spelling goes on for ever: it has neither COUNT nor UNTIL."""
    return not {"COUNT", "UNTIL"} & _parts(rule).keys()


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for each in text.removesuffix(";").split(";"):
        name, equals, value = (part.strip() for part in each.partition("="))
        if not equals or not value:
            raise ValueError(f"a rule is written like {EXAMPLE}")
        if name not in _PARTS:
            raise ValueError(f"a rule has no part {quoted(name)}{nearest(name, _PARTS)}")
        if name in parts:
            raise ValueError(f"{name} is given twice")
        parts[name] = value
    return parts


def _check_part(name: str, value: str) -> None:
    if name == "FREQ":
        if value not in FREQUENCIES:
            raise ValueError(f"FREQ is one of {', '.join(FREQUENCIES)}{nearest(value, FREQUENCIES)}")
    elif name in _NUMBERS:
        low, high = _NUMBERS[name]
        for number in value.split(","):
            if not (_is_number(number) and low <= int(number) <= high and (low >= 0 or int(number) != 0)):
                raise ValueError(f"{name} has numbers from {low} to {high}, not {number!r}")
    elif name in _ONE_NUMBER:
        if not (value.isascii() and value.isdecimal() and 1 <= int(value) <= _NUMBER_MAX):
            raise ValueError(f"{name} is a number from 1 to {_NUMBER_MAX}, not {quoted(value)}")
    elif name == "UNTIL":
        _until(value, zone("UTC"))
    elif not all(_DAY.fullmatch(day) for day in value.split(",")) or (name == "WKST" and len(value) != 2):
        raise ValueError(f"{name} has days such as MO or FR, not {value!r}")


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9]{1,3}", text) is not None


def _until(text: str, tz: ZoneInfo) -> datetime:
    """The end, inclusive, in local time; a date alone is the whole of that day."""
    if not _UNTIL.fullmatch(text):
        raise ValueError(f"UNTIL is written like 20261231 or 20261231T225959Z, not {quoted(text)}")
    try:
        if "T" not in text:
            return datetime.strptime(f"{text}T235959", "%Y%m%dT%H%M%S")  # noqa: DTZ007  # local time
        moment = datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007
    except ValueError:
        raise ValueError(f"UNTIL is no date: {quoted(text)}") from None
    return moment.replace(tzinfo=UTC).astimezone(tz).replace(tzinfo=None) if text.endswith("Z") else moment


def _without_end(parts: Mapping[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items() if name != "UNTIL")


def _near(start: datetime, parts: Mapping[str, str], wall: datetime) -> datetime:
    """A start of the same rule shortly before a time, so that what lies before need not be counted through.

    What repeats with each week goes on in the same way from the same time of the same weekday, and what repeats more
    often from the same time of a day.
    """
    if parts["FREQ"] in ("YEARLY", "MONTHLY") or "COUNT" in parts or parts.get("INTERVAL", "1") != "1":
        return start
    period = timedelta(weeks=1) if parts["FREQ"] == "WEEKLY" else timedelta(days=1)
    return start + period * max((wall - start) // period - 1, 0)


def instants_from(at_ms: int, rule: str | None, timezone: str, after_ms: int) -> Iterator[int]:
    """The instants (ms) later than `after_ms`, in rising order: `at_ms`, and then by the rule, if there is one."""
    if rule is None:
        return iter([at_ms] if at_ms > after_ms else [])
    return Recurrence(rule, at_ms, timezone).instants(after_ms)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule that `check_rule` let pass, from an instant (ms) on, in an IANA zone.

    start_ms  between the years 1970 and 9990
    """

    rule: str
    start_ms: int
    timezone: str

    def instants(self, after_ms: int = -1) -> Iterator[int]:
        """Every instant (ms) later than `after_ms` in rising order; without COUNT or UNTIL up to the year 9990."""
        tz = zone(self.timezone)
        first = start = to_moment(self.start_ms).astimezone(tz).replace(tzinfo=None)
        parts = _parts(self.rule)
        until = _until(parts["UNTIL"], tz) if "UNTIL" in parts else None
        if not self._ever(parts, start):
            return
        below_second = timedelta(microseconds=start.microsecond)
        latest_ms = max(self.start_ms - 1, after_ms)
        start = _near(start, parts, to_moment(after_ms).astimezone(tz).replace(tzinfo=None)) if after_ms > 0 else start
        for wall in rrulestr(_without_end(parts), dtstart=start):
            if wall.year > _YEAR_MAX or (until is not None and wall > until):
                return
            wall += below_second
            instant_ms = self.start_ms if wall == first else ceil_ms(wall_instant(wall, tz))
            if instant_ms > latest_ms:
                latest_ms = instant_ms
                yield instant_ms

    def following(self, after_ms: int) -> int | None:
        """The first instant (ms) after this one, None if there is none. It counts from the start each time."""
        return next((instant_ms for instant_ms in self.instants() if instant_ms > after_ms), None)

    def _ever(self, parts: Mapping[str, str], start: datetime) -> bool:
        """Whether the rule ever matches.

        A rule that never does is tried up to the last year there is. So it is asked from a year at the same place in
        the 400-year cycle of the calendar that is close to the end.
        """
        late = start.replace(year=start.year + (9_999 - start.year) // _CALENDAR_YEARS * _CALENDAR_YEARS)
        try:
            dates = rrulestr(_without_end(parts), dtstart=late)
        except ValueError:
            return False
        return next(iter(dates), None) is not None
