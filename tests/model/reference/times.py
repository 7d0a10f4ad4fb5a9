"""Which instant is meant? Durations, ISO text, local times of day, weekly windows, recurrences."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr  # ships no types

UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MS = UNITS_MS["d"]


@cache
def is_duration(text: str) -> bool:
    return re.fullmatch(r"-?(\d+(ms|[smhdw]))+", text) is not None


@cache
def parse_duration(text: str) -> int:
    assert is_duration(text), f"not a duration: {text!r}"
    length_ms = sum(int(number) * UNITS_MS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdw])", text))
    return -length_ms if text.startswith("-") else length_ms


@cache
def parse_instant(text: str) -> int:
    return to_ms(datetime.fromisoformat(text))


def to_ms(moment: datetime) -> int:
    # Times are whole milliseconds, rounded up.
    return -((datetime(1970, 1, 1, tzinfo=UTC) - moment) // timedelta(milliseconds=1))


def to_datetime(instant_ms: int, zone: Any = UTC) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant_ms)).astimezone(zone)


def to_text(instant_ms: int) -> str:
    return to_datetime(instant_ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant_ms % 1000:03d}Z"


def zone_named(name: Any, otherwise: str) -> ZoneInfo:
    # Without a zone that exists, the project's: a rule is never silently off.
    if not isinstance(name, str) or not name:
        return ZoneInfo(otherwise)
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return ZoneInfo(otherwise)


def from_local(local: datetime, zone: ZoneInfo) -> int:
    """The instant at which clocks in the zone show this time (without a zone)."""
    # Of a time that exists twice, the first.
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return to_ms(moment)
    # A time that does not exist moves to the first instant after the gap.
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    offset = before.astimezone(zone).utcoffset()
    while before.astimezone(zone).utcoffset() == offset:
        before += timedelta(minutes=1)
    return to_ms(before.replace(second=0, microsecond=0))


def at_time_of_day(day: date, time: str, zone: ZoneInfo) -> int:
    hour, minute = time.split(":")
    return from_local(datetime(day.year, day.month, day.day, int(hour), int(minute)), zone)  # noqa: DTZ001


def next_time_of_day(now_ms: int, time: str, days: Sequence[str] | None, zone: ZoneInfo) -> int:
    today = to_datetime(now_ms, zone).date()
    for offset in range(9):
        day = today + timedelta(days=offset)
        if days is None or DAYS[day.weekday()] in days:
            due_ms = at_time_of_day(day, time, zone)
            # Met exactly: at once.
            if due_ms >= now_ms:
                return due_ms
    raise AssertionError(f"no {time} on {days} within nine days")


def date_in(text: str) -> str | None:
    """The local date that a text begins with, if it is a date or a time."""
    try:
        return datetime.fromisoformat(text).date().isoformat()
    except ValueError:
        return None


def next_birthday(now_ms: int, born: str, time: str, offset_ms: int, zone: ZoneInfo) -> int:
    """The next return of a day at or after now, the offset applied first."""
    found = []
    for year in range(to_datetime(now_ms).year - 3, to_datetime(now_ms).year + 4):
        try:
            day = date.fromisoformat(f"{year}{born[4:]}")
        except ValueError:
            # 29 February is the 28th in other years.
            day = date(year, 2, 28)
        found.append(at_time_of_day(day, time, zone) + offset_ms)
    return min(due_ms for due_ms in found if due_ms >= now_ms)


def quiet_windows(rule: dict[str, Any], now_ms: int, zone: ZoneInfo) -> list[tuple[int, int]]:
    """The windows of one rule around an instant, their ends exclusive."""
    today = to_datetime(now_ms, zone).date()
    found = []
    for offset in range(-2, 16):
        day = today + timedelta(days=offset)
        # A day names the window's start.
        if DAYS[day.weekday()] in rule.get("days", DAYS):
            until = "00:00" if rule["until"] == "24:00" else rule["until"]
            last_day = day if until > rule["from"] else day + timedelta(days=1)
            found.append((at_time_of_day(day, rule["from"], zone), at_time_of_day(last_day, until, zone)))
    return found


def recurrences(start: str, rule: str | None, last_ms: int | None, zone: ZoneInfo) -> list[int]:
    """The instants of a read: one, or those of its rule, repeated by the local clock, up to and including the last."""
    if rule is None:
        return [parse_instant(start)]
    first = to_datetime(parse_instant(start), zone).replace(tzinfo=None)
    found: list[int] = []
    # A rule counts whole seconds; what the start has beyond them stays.
    beyond = timedelta(microseconds=first.microsecond)
    for local in rrulestr(rule, dtstart=first - beyond):
        # The start is an instant, also where its local time exists twice.
        instant_ms = from_local(local + beyond, zone) if local + beyond != first else parse_instant(start)
        if last_ms is not None and instant_ms > last_ms:
            break
        found.append(instant_ms)
    return found
