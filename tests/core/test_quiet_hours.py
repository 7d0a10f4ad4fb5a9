"""Quiet hours: windows over midnight and over changes of clocks, in zones with unusual rules."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from parcours.core.delivery.quiet_hours import quiet_until
from parcours.expression.zones import zone
from parcours.journey.program import QuietHours

EVERY_DAY = frozenset(range(7))


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def text(at_ms: int | None) -> str | None:
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rule(start: str, until: str, days: frozenset[int] = EVERY_DAY) -> QuietHours:
    (from_hour, from_minute), (until_hour, until_minute) = (map(int, each.split(":")) for each in (start, until))
    return QuietHours(None, from_hour * 60 + from_minute, until_hour * 60 + until_minute, days, "hold")


NIGHT = rule("22:00", "08:00")


@pytest.mark.parametrize(
    "where, at, until",
    [
        # An ordinary night: the start is inside, the end is not.
        ("Europe/Paris", "2026-01-15T20:59:59.999+00:00", None),
        ("Europe/Paris", "2026-01-15T21:00:00+00:00", "2026-01-16T07:00:00Z"),
        ("Europe/Paris", "2026-01-16T06:59:59.999+00:00", "2026-01-16T07:00:00Z"),
        ("Europe/Paris", "2026-01-16T07:00:00+00:00", None),
        # Clocks go forward on 29 March, and the night is an hour shorter; back on 25 October, an hour longer.
        ("Europe/Paris", "2026-03-28T21:00:00+00:00", "2026-03-29T06:00:00Z"),
        ("Europe/Paris", "2026-10-24T20:00:00+00:00", "2026-10-25T07:00:00Z"),
        ("America/New_York", "2026-03-08T03:00:00+00:00", "2026-03-08T12:00:00Z"),
        ("America/New_York", "2026-11-01T02:00:00+00:00", "2026-11-01T13:00:00Z"),
        # Half an hour: Lord Howe goes from +11 to +10:30 in April and back in October.
        ("Australia/Lord_Howe", "2026-04-04T11:00:00+00:00", "2026-04-04T21:30:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T11:30:00+00:00", "2026-10-03T21:00:00Z"),
        # A day that never was: on Samoa 30 December 2011 was left out, at midnight to the 31st.
        ("Pacific/Apia", "2011-12-30T08:00:00+00:00", "2011-12-30T18:00:00Z"),
        ("Pacific/Apia", "2011-12-31T08:00:00+00:00", "2011-12-31T18:00:00Z"),
        # A quarter of an hour, and no change of clocks at all.
        ("Asia/Kathmandu", "2026-03-29T16:15:00+00:00", "2026-03-30T02:15:00Z"),
        ("Asia/Kathmandu", "2026-10-25T02:15:00+00:00", None),
    ],
)
def test_a_night_lasts_from_ten_to_eight_on_the_clock_of_the_zone(where: str, at: str, until: str | None) -> None:
    assert text(quiet_until(ms(at), [NIGHT], zone(where))) == until


@pytest.mark.parametrize(
    "at, until",
    [
        # The window starts at a time that does not exist (02:30 on 29 March): it starts with the gap's end.
        ("2026-03-29T00:59:59.999+00:00", None),
        ("2026-03-29T01:00:00+00:00", "2026-03-29T02:00:00Z"),
        # 02:30 exists twice on 25 October: the window starts with the first and ends at 04:00.
        ("2026-10-25T00:29:59.999+00:00", None),
        ("2026-10-25T00:30:00+00:00", "2026-10-25T03:00:00Z"),
        ("2026-10-25T01:30:00+00:00", "2026-10-25T03:00:00Z"),
    ],
)
def test_a_window_may_start_within_a_change_of_clocks(at: str, until: str | None) -> None:
    assert text(quiet_until(ms(at), [rule("02:30", "04:00")], zone("Europe/Paris"))) == until


@pytest.mark.parametrize(
    "at, until",
    [
        # 02:00 and 02:30 exist twice on 25 October: the window is that of the first hour.
        ("2026-10-25T00:10:00+00:00", "2026-10-25T00:30:00Z"),
        ("2026-10-25T00:30:00+00:00", None),
        ("2026-10-25T01:10:00+00:00", None),
    ],
)
def test_a_window_ends_once_where_clocks_go_back_over_its_end(at: str, until: str | None) -> None:
    assert text(quiet_until(ms(at), [rule("02:00", "02:30")], zone("Europe/Paris"))) == until


def test_a_day_names_the_start_of_its_window() -> None:
    friday_night = rule("22:00", "08:00", frozenset({4}))

    assert text(quiet_until(ms("2026-01-16T23:00:00+00:00"), [friday_night], zone("UTC"))) == "2026-01-17T08:00:00Z"
    assert text(quiet_until(ms("2026-01-17T07:00:00+00:00"), [friday_night], zone("UTC"))) == "2026-01-17T08:00:00Z"
    assert quiet_until(ms("2026-01-16T07:00:00+00:00"), [friday_night], zone("UTC")) is None
    assert quiet_until(ms("2026-01-17T23:00:00+00:00"), [friday_night], zone("UTC")) is None


def test_windows_that_overlap_or_touch_are_one() -> None:
    rules = [rule("20:00", "23:00"), rule("22:00", "06:00"), rule("06:00", "07:00")]

    assert text(quiet_until(ms("2026-01-16T20:30:00+00:00"), rules, zone("UTC"))) == "2026-01-17T07:00:00Z"


def test_from_midnight_to_midnight_is_a_whole_day() -> None:
    sunday = rule("00:00", "00:00", frozenset({6}))

    assert text(quiet_until(ms("2026-01-18T12:00:00+00:00"), [sunday], zone("UTC"))) == "2026-01-19T00:00:00Z"
    assert quiet_until(ms("2026-01-19T00:00:00+00:00"), [sunday], zone("UTC")) is None


def test_quiet_without_an_end_is_looked_at_again_after_two_weeks() -> None:
    at = ms("2026-01-16T12:00:00+00:00")

    until = quiet_until(at, [rule("00:00", "00:00")], zone("UTC"))

    assert until is not None
    assert 14 * 86_400_000 < until - at <= 16 * 86_400_000
