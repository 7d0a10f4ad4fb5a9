"""Who came back in which calendar unit, case by case, and as a second program counts it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.insight.analyses.made_up import trigger

from parcours.expression.zones import zone
from parcours.insight.analyses.cohort import Calendar, cohort
from parcours.insight.analyses.happenings import Events, Happening
from parcours.instants import floor_ms
from parcours.journey.analyses import CalendarUnit, Cohort

LATE = "2030-01-01T00:00"


def asked(unit: CalendarUnit = "week", periods: int = 3, starts: str = "S", returns: str = "R") -> Cohort:
    return Cohort(name="c", starts=trigger(starts), returns=trigger(returns), unit=unit, periods=periods)


def ms(text: str, tz: ZoneInfo) -> int:
    return floor_ms(datetime.fromisoformat(text).replace(tzinfo=tz))


def somebody(name: str, *events: str, tz: ZoneInfo) -> Events:
    """Somebody's events, such as `S 2026-03-02T10:00` of the zone."""
    return Events(name, 0, [Happening(ms(each[2:], tz), each[0]) for each in events])


@pytest.mark.parametrize(
    "cohort_asked, events, rows",
    [
        # Sunday to Monday is the next week, and the start's own week is period 0
        (asked(), ["S 2026-03-08T23:59", "R 2026-03-08T23:59", "R 2026-03-09T00:00"], [("2026-03-02", [1, 1, 0])]),
        (asked(), ["S 2026-03-02T00:00", "R 2026-03-02T00:00"], [("2026-03-02", [1, 0, 0])]),  # behind it at once
        (asked(), ["R 2026-03-02T00:00", "S 2026-03-02T00:00"], [("2026-03-02", [0, 0, 0])]),  # before it
        (asked(), ["S 2026-03-04T10:00", "R 2026-03-17T10:00", "R 2026-03-18T10:00"], [("2026-03-02", [0, 0, 1])]),
        (asked(), ["S 2026-03-04T10:00", "R 2026-04-17T10:00"], [("2026-03-02", [0, 0, 0])]),  # after all periods
        (asked(returns="S"), ["S 2026-03-04T10:00", "S 2026-03-11T10:00"], [("2026-03-02", [0, 1, 0])]),
        (asked(), ["R 2026-03-04T10:00"], []),
        (asked("day"), ["S 2026-03-28T12:00", "R 2026-03-30T00:30"], [("2026-03-28", [0, 0, 1])]),  # a day of 23 hours
        (asked("month"), ["S 2025-12-31T23:59", "R 2026-02-01T00:00"], [("2025-12-01", [0, 0, 1])]),
    ],
)
def test_a_return_counts_in_its_calendar_unit(
    cohort_asked: Cohort, events: list[str], rows: list[tuple[str, list[int]]]
) -> None:
    berlin = zone("Europe/Berlin")

    found = cohort(cohort_asked, [somebody("ana", *events, tz=berlin)], berlin, ms(LATE, berlin)).rows

    assert [(row.start, list(row.returned)) for row in found] == rows


def test_cells_that_are_not_over_are_empty() -> None:
    berlin = zone("Europe/Berlin")
    people = [
        somebody("ana", "S 2026-03-23T10:00", "R 2026-03-31T10:00", tz=berlin),
        somebody("ben", "S 2026-03-31T09:00", "R 2026-03-31T10:00", tz=berlin),
    ]
    end = ms("2026-04-06T00:00", berlin)

    over, not_over = (cohort(asked(), people, berlin, at) for at in (end, end - 1))

    assert msgspec.json.encode(over) == (
        b'{"rows":[{"start":"2026-03-23","people":1,"returned":[0,1,null]},'
        b'{"start":"2026-03-30","people":1,"returned":[1,null,null]}]}'
    )
    assert [row.returned for row in not_over.rows] == [(0, None, None), (None, None, None)]


def plain_first_day(at: int, unit: CalendarUnit, tz: ZoneInfo) -> date:
    day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).astimezone(tz).date()
    while not (unit == "day" or (unit == "week" and day.weekday() == 0) or (unit == "month" and day.day == 1)):
        day -= timedelta(days=1)
    return day


def plain_next(day: date, unit: CalendarUnit) -> date:
    following = day + timedelta(days=1)
    while not (
        unit == "day" or (unit == "week" and following.weekday() == 0) or (unit == "month" and following.day == 1)
    ):
        following += timedelta(days=1)
    return following


hours = st.integers(0, 24 * 130).map(lambda hour: ms("2026-02-20T00:00", zone("UTC")) + hour * 3_600_000 - 1)


MIDNIGHT_MOVES = ("America/Havana", "America/Santiago", "Africa/Cairo")
"""Where days begin at one o'clock in spring, or have midnight twice in autumn."""


@pytest.mark.parametrize("later_ms", [0, 236 * 86_400_000], ids=["spring", "autumn and the end of the year"])
@settings(max_examples=200)
@given(
    people=st.lists(st.lists(st.tuples(hours, st.sampled_from("SRX")), max_size=8).map(sorted), max_size=6),
    unit=st.sampled_from(["day", "week", "month"]),
    periods=st.integers(1, 6),
    tz=st.sampled_from(
        ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", *MIDNIGHT_MOVES]
    ),
    known_until=hours,
)
def test_a_second_program_counts_the_same(
    people: Sequence[Sequence[tuple[int, str]]],
    unit: CalendarUnit,
    periods: int,
    tz: str,
    known_until: int,
    later_ms: int,
) -> None:
    people = [[(at + later_ms, name) for at, name in events] for events in people]
    known_until += later_ms
    rows: dict[date, list[Sequence[tuple[int, str]]]] = {}
    for events in people:
        place = next((place for place, (_, name) in enumerate(events) if name == "S"), None)
        if place is not None:
            rows.setdefault(plain_first_day(events[place][0], unit, zone(tz)), []).append(events[place + 1 :])
    expected = []
    for day, members in sorted(rows.items()):
        cells: list[int | None] = []
        begin = day
        for _ in range(periods):
            end = plain_next(begin, unit)
            is_over = ms(f"{end}T00:00", zone(tz)) <= known_until
            came = sum(
                any(name == "R" and plain_first_day(at, unit, zone(tz)) == begin for at, name in events)
                for events in members
            )
            cells.append(came if is_over else None)
            begin = end
        expected.append((day.isoformat(), len(members), tuple(cells)))

    made = [
        Events(f"u{number}", 0, [Happening(at, name) for at, name in events]) for number, events in enumerate(people)
    ]
    found = cohort(asked(unit, periods), made, zone(tz), known_until).rows

    assert [(row.start, row.people, row.returned) for row in found] == expected


def test_every_instant_lies_in_one_day_where_a_clock_shows_a_day_twice() -> None:
    """In St. John's the clock went back from 00:01 to 23:01 of the day before."""
    tz = zone("America/St_Johns")
    midnight = Calendar("day", tz).begins(date(2009, 11, 1).toordinal())

    # Each by a calendar of its own: one that was asked before knows the day at hand.
    numbers = [Calendar("day", tz).number(midnight + minute * 60_000) for minute in range(-90, 90)]

    assert numbers == [numbers[0]] * 90 + [numbers[0] + 1] * 90
