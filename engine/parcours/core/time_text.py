"""Timestamps as ISO 8601 text, `2026-01-01T10:00:00.000Z`, formatted fast enough for millions of facts."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from parcours.config import HOUR_MS, SECOND_MS
from parcours.instants import EPOCH

HOURS_REMEMBERED = 4_096
"""Hours whose text is cached: facts lie close together in time, so nearly every one finds its hour."""

_SECOND_TEXTS = tuple(f"{minute:02}:{second:02}." for minute in range(60) for second in range(60))
_MILLISECOND_TEXTS = tuple(f"{number:03}Z" for number in range(1000))


def time_text(at_ms: int) -> str:
    """The UTC time of `at_ms`, to the millisecond. Years 1 to 9999."""
    rest = at_ms % HOUR_MS
    return _hour_text(at_ms // HOUR_MS) + _SECOND_TEXTS[rest // SECOND_MS] + _MILLISECOND_TEXTS[rest % SECOND_MS]


@lru_cache(maxsize=HOURS_REMEMBERED)
def _hour_text(hour: int) -> str:
    """The text of a timestamp up to its minutes, for an hour counted from 1970-01-01T00:00."""
    return f"{(EPOCH + timedelta(hours=hour)).isoformat()[:14]}"
