"""Quiet hours: weekly windows in the person's time zone, and the end of the one around an instant.

A window belongs to the day on which it starts and may pass midnight. Its start is inclusive, its end exclusive. Windows
that overlap or touch are one window. Its ends are local times, so a window grows or shrinks by the hour of a clock
change between them. Where clocks go back over its end, it ends when they show that for the first time, and does not
begin again: what is held leaves once, and not an hour late.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from parcours.expression.zones import local_instant
from parcours.instants import ceil_ms, to_moment
from parcours.journey.program import QuietHours

DAYS_BACK = 2
"""A window lasts a day at most, so one that started the day before yesterday cannot reach today."""

DAYS_AHEAD_MAX = 15
"""Windows without a gap for two weeks hold until then, and are evaluated again."""


def quiet_until(at_ms: int, rules: Iterable[QuietHours], zone: ZoneInfo) -> int | None:
    """The end of the quiet window around an instant, in ms; None if there is none."""
    today = to_moment(at_ms).astimezone(zone).date()
    windows = sorted(
        window
        for rule in rules
        for offset in range(-DAYS_BACK, DAYS_AHEAD_MAX)
        if (window := _window(rule, today + timedelta(days=offset), zone)) is not None
    )
    end_ms = None
    for start, until in windows:
        if start <= (at_ms if end_ms is None else end_ms) < until:
            end_ms = until
    return end_ms


def _window(rule: QuietHours, day: date, zone: ZoneInfo) -> tuple[int, int] | None:
    """The rule's window that starts on this day."""
    if day.weekday() not in rule.days:
        return None
    last = day if rule.from_minute < rule.until_minute else day + timedelta(days=1)
    return ceil_ms(local_instant(day, rule.from_minute, zone)), ceil_ms(local_instant(last, rule.until_minute, zone))
