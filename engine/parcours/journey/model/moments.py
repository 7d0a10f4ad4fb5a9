"""Which moments may documents name?"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, TypeVar

YEARS: Final = (1970, 9990)
"""Timestamps within these years can be counted in every zone, with years to spare for waits and rules."""

DateOrTime = TypeVar("DateOrTime", date, datetime)


def in_our_time(moment: DateOrTime) -> DateOrTime:
    """The date or time. Raises ValueError for one outside of those years."""
    if not YEARS[0] <= moment.year < YEARS[1]:
        raise ValueError(f"a year from {YEARS[0]} to {YEARS[1] - 1} is expected")
    return moment
