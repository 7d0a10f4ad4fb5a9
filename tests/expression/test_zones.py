"""Local times of day as instants, also on the days of a clock change."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.expression.values import from_ms, to_iso
from parcours.expression.zones import EVERY_DAY, anniversary_ms, next_local_time, zone, zone_names
from parcours.instants import EPOCH, ceil_ms

NEXT = [
    # the same day, met exactly, and a millisecond later
    ("Europe/Paris", "2026-01-15T06:00:00Z", "09:00", "", "2026-01-15T08:00:00.000Z"),
    ("Europe/Paris", "2026-01-15T08:00:00Z", "09:00", "", "2026-01-15T08:00:00.000Z"),
    ("Europe/Paris", "2026-01-15T08:00:00.001Z", "09:00", "", "2026-01-16T08:00:00.000Z"),
    # days of the week: 2026-01-15 is a Thursday
    ("Europe/Paris", "2026-01-15T06:00:00Z", "09:00", "mon fri", "2026-01-16T08:00:00.000Z"),
    ("Europe/Paris", "2026-01-16T09:00:00Z", "09:00", "mon fri", "2026-01-19T08:00:00.000Z"),
    ("Europe/Paris", "2026-01-15T09:00:00Z", "09:00", "thu", "2026-01-22T08:00:00.000Z"),
    # the clocks go forward on 2026-03-29 from 02:00 to 03:00: the gap ends at 01:00 UTC
    ("Europe/Paris", "2026-03-28T12:00:00Z", "02:00", "", "2026-03-29T01:00:00.000Z"),
    ("Europe/Paris", "2026-03-28T12:00:00Z", "02:30", "", "2026-03-29T01:00:00.000Z"),
    ("Europe/Paris", "2026-03-28T12:00:00Z", "03:00", "", "2026-03-29T01:00:00.000Z"),
    ("Europe/Paris", "2026-03-29T01:00:00.001Z", "02:30", "", "2026-03-30T00:30:00.000Z"),
    # and back on 2026-10-25 from 03:00 to 02:00: 02:30 comes twice, the first counts
    ("Europe/Paris", "2026-10-24T12:00:00Z", "02:30", "", "2026-10-25T00:30:00.000Z"),
    ("Europe/Paris", "2026-10-25T00:30:00.001Z", "02:30", "", "2026-10-26T01:30:00.000Z"),
    ("America/New_York", "2026-03-07T12:00:00Z", "02:30", "", "2026-03-08T07:00:00.000Z"),
    ("America/New_York", "2026-10-31T12:00:00Z", "01:30", "", "2026-11-01T05:30:00.000Z"),
    # Lord Howe moves by half an hour: 2026-10-04 from 02:00 to 02:30, 2026-04-05 from 02:00 to 01:30
    ("Australia/Lord_Howe", "2026-10-03T12:00:00Z", "02:15", "", "2026-10-03T15:30:00.000Z"),
    ("Australia/Lord_Howe", "2026-04-04T00:00:00Z", "01:45", "", "2026-04-04T14:45:00.000Z"),
    # Samoa left out 2011-12-30 whole: midnight of that day is the first instant of the next
    ("Pacific/Apia", "2011-12-30T09:59:00Z", "00:00", "fri", "2011-12-30T10:00:00.000Z"),
    ("UTC", "2026-01-15T00:00:00Z", "00:00", "", "2026-01-15T00:00:00.000Z"),
]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@pytest.mark.parametrize("name,after,time,days,expected", NEXT)
def test_the_next_local_time_follows_the_wall(name: str, after: str, time: str, days: str, expected: str) -> None:
    minute = int(time[:2]) * 60 + int(time[3:])
    chosen = frozenset(DAYS.index(day) for day in days.split())
    due = from_ms(next_local_time(ceil_ms(datetime.fromisoformat(after)), minute, chosen, zone(name)))
    assert isinstance(due, datetime) and to_iso(due) == expected


@given(
    name=st.sampled_from(sorted(zone_names())),
    after_ms=st.integers(min_value=0, max_value=4_000_000_000_000),
    minute=st.integers(min_value=0, max_value=1_439),
    days=st.frozensets(st.integers(min_value=0, max_value=6), min_size=1),
)
def test_a_next_local_time_never_lies_before_and_is_met_at_once(
    name: str, after_ms: int, minute: int, days: frozenset[int]
) -> None:
    due_ms = next_local_time(after_ms, minute, days, zone(name))
    assert due_ms >= after_ms
    assert next_local_time(due_ms, minute, days, zone(name)) == due_ms
    assert due_ms - after_ms <= 15 * 86_400_000 or days != EVERY_DAY


@pytest.mark.parametrize("name", ["", "Europe/Pari", "../Europe/Paris", "/etc/localtime", "europe/paris"])
def test_only_a_name_of_the_pinned_package_is_a_zone(name: str) -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        zone(name)


def test_milliseconds_are_rounded_up() -> None:
    assert ceil_ms(EPOCH) == 0
    assert ceil_ms(datetime.fromisoformat("1970-01-01T00:00:00.000001Z")) == 1


def _ms(text: str) -> int:
    return ceil_ms(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    "now, offset_days, due",
    [
        ("2026-05-03T00:00:00+02:00", 0, "2026-05-04T09:00:00+02:00"),
        ("2026-05-04T09:00:00+02:00", 0, "2026-05-04T09:00:00+02:00"),  # exactly then: at once
        ("2026-05-04T09:00:00.001+02:00", 0, "2027-05-04T09:00:00+02:00"),
        ("2026-05-02T00:00:00+02:00", -3, "2027-05-01T09:00:00+02:00"),  # the offset is applied first
        ("2026-05-06T00:00:00+02:00", 3, "2026-05-07T09:00:00+02:00"),
        ("2026-05-06T00:00:00+02:00", 800, "2026-07-13T09:00:00+02:00"),
    ],
)
def test_a_day_returns_every_year_at_or_after_an_instant(now: str, offset_days: int, due: str) -> None:
    found = anniversary_ms(date(1980, 5, 4), 540, offset_days * 86_400_000, _ms(now), zone("Europe/Paris"))

    assert found == _ms(due)


def test_29_february_is_the_28th_in_other_years() -> None:
    born, utc = date(2000, 2, 29), zone("UTC")

    assert anniversary_ms(born, 0, 0, _ms("2026-01-01T00:00:00Z"), utc) == _ms("2026-02-28T00:00:00Z")
    assert anniversary_ms(born, 0, 0, _ms("2028-01-01T00:00:00Z"), utc) == _ms("2028-02-29T00:00:00Z")
