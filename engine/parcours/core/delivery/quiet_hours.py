"""Quiet hours: weekly windows (windows.py) in the person's time zone, and the end of the one around an instant.

Windows that overlap or touch are one window. Where clocks go back over its end, it ends when they show that for the
first time, and does not begin again: what is held leaves once, and not an hour late.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from zoneinfo import ZoneInfo

from parcours.core.windows import DAYS_BACK, window_on
from parcours.instants import to_moment
from parcours.journey.program import QuietHours

DAYS_AHEAD_MAX = 15
"""Windows without a gap for two weeks hold until then, and are evaluated again."""


def quiet_until(at_ms: int, rules: Iterable[QuietHours], zone: ZoneInfo) -> int | None:
    """The end of the quiet window around an instant, in ms; None if there is none."""
    today = to_moment(at_ms).astimezone(zone).date()
    windows = sorted(
        window
        for rule in rules
        for offset in range(-DAYS_BACK, DAYS_AHEAD_MAX)
        if (window := window_on(today + timedelta(days=offset), rule.from_minute, rule.until_minute, rule.days, zone))
    )
    end_ms = None
    for start, until in windows:
        if start <= (at_ms if end_ms is None else end_ms) < until:
            end_ms = until
    return end_ms
