"""From where is time counted? Instants are whole milliseconds since 1970-01-01T00:00:00Z, and so are durations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)

EARLIEST_MS: Final = (datetime(1, 1, 1, tzinfo=UTC) - EPOCH) // MILLISECOND
LATEST_MS: Final = (datetime(9998, 1, 1, tzinfo=UTC) - EPOCH) // MILLISECOND
"""Bounds of what can be written as a time. Nothing falls due later, so that retries and reactions still fit."""


_DAY_MS: Final = timedelta(days=1) // MILLISECOND


def ceil_ms(moment: datetime) -> int:
    """An aware time in milliseconds, rounded up: what happens or is due then is never early."""
    since = moment - EPOCH
    # Many people's waits come through here, and dividing a timedelta by another would take twice as long.
    return since.days * _DAY_MS + since.seconds * 1_000 + -(-since.microseconds // 1_000)


def floor_ms(moment: datetime) -> int:
    """An aware time in milliseconds, rounded down: the last whole millisecond that is not after it."""
    return (moment - EPOCH) // MILLISECOND


def to_moment(at_ms: int) -> datetime:
    """The UTC time. Raises OverflowError outside the years 1 to 9999."""
    return EPOCH + timedelta(milliseconds=at_ms)
