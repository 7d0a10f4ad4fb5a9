"""Until when is waited, by what a wait's expression gave? In a journey by one person, in a campaign by a whole set."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from parcours.expression.values import to_date
from parcours.expression.zones import anniversary_ms, local_instant
from parcours.instants import ceil_ms
from parcours.journey.program import WaitUntil


def wait_until_ms(step: WaitUntil, value: object, at: int, tz: ZoneInfo) -> int | None:
    """The time in ms, rounded up, for a wait that begins at `at`; None where the value is no such instant or date.

    Raises ValueError for a day of no year that is waited for.
    """
    if isinstance(value, datetime) and not step.is_date:
        return ceil_ms(value) + step.offset_ms
    day = to_date(value)
    if isinstance(day, str) and step.is_date:
        return _of_day(date.fromisoformat(day), at, step, tz)
    return None


def _of_day(day: date, at: int, step: WaitUntil, tz: ZoneInfo) -> int:
    try:
        if step.yearly:
            return anniversary_ms(day, step.minute, step.offset_ms, at, tz)
        return ceil_ms(local_instant(day, step.minute, tz)) + step.offset_ms
    except (ValueError, OverflowError):
        raise ValueError("the day waited for is not of the years 1 to 9998") from None
