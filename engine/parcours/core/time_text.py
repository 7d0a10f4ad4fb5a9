"""How is a time written? As `2026-01-01T10:00:00.000Z`, and fast enough for a million of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from parcours.config import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES_REMEMBERED = 4_096
"""Facts lie close together in time: most find their date, many their very instant among those written before."""


@lru_cache(maxsize=TIMES_REMEMBERED)
def date_text(day: int) -> str:
    """The calendar date of a day counted from 1970-01-01, with the `T` that follows it."""
    return f"{(EPOCH + timedelta(days=day)).date().isoformat()}T"


@lru_cache(maxsize=TIMES_REMEMBERED)
def time_text(at_ms: int) -> str:
    """The UTC time of `at_ms`, to the millisecond. Years 1 to 9999."""
    day, rest = divmod(at_ms, DAY_MS)
    hour, rest = divmod(rest, HOUR_MS)
    minute, rest = divmod(rest, MINUTE_MS)
    second, millisecond = divmod(rest, SECOND_MS)
    return f"{date_text(day)}{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"
