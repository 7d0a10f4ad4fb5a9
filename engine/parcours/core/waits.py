"""Until when is waited? In a journey by one person, in a campaign by a whole set."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from parcours.core.profile import Profile, Run
from parcours.expression.values import to_date
from parcours.expression.zones import anniversary_ms, local_instant
from parcours.instants import ceil_ms
from parcours.journey.program import WaitUntil


def goes_on_ms(run: Run, profile: Profile) -> int | None:
    """When the run goes on at the latest: its wait ends then, or the last of what is held is released.

    None where that is not known.
    """
    if run.step is None or run.parked is not None:
        return None
    ends = [
        timer.due
        for timer in profile.timers
        if timer.kind in ("wait", "timeout") and (timer.journey, timer.run) == (run.journey, run.number)
    ]
    return max(ends, default=run.held_until)


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
