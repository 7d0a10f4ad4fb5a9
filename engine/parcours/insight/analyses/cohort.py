"""Cohorts: of those who started in the same calendar unit, how many came back in each of the units after it?

A calendar unit begins with the first instant of its first day in the project's zone, a week with Monday's, and ends
with the beginning of the next one. Period 0 is what is left of the start's own unit after the start.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, assert_never
from zoneinfo import ZoneInfo

import msgspec

from parcours.expression.zones import start_of_day_ms
from parcours.insight.analyses.happenings import Events
from parcours.insight.analyses.triggers import Triggers
from parcours.instants import to_moment
from parcours.journey.analyses import CalendarUnit, Cohort

_START, _RETURN = 1, 2
"""The bits of the two triggers."""

_DAYS_A_WEEK: Final = 7
_MONTHS_A_YEAR: Final = 12


class CohortRow(msgspec.Struct, frozen=True):
    """Those whose first start lies in one calendar unit.

    start     the unit's first day, such as 2026-03-02
    people    how many they are, one at least
    returned  by period from 0, how many of them came back in it; None while the period is not over
    """

    start: str
    people: int
    returned: tuple[int | None, ...]


class CohortResult(msgspec.Struct, frozen=True):
    """The rows of units in which somebody started, the earliest first."""

    rows: tuple[CohortRow, ...]


def cohort(asked: Cohort, people: Iterable[Events], zone: ZoneInfo, known_until: int) -> CohortResult:
    """Count who came back.

    people       of the cohort's segment only, each once, with all her events in order
    known_until  the instant (ms) up to which it is known what happened; a period that ends later is not over
    """
    calendar = Calendar(asked.unit, zone)
    triggers = Triggers([asked.starts, asked.returns])
    sizes, returned = dict[int, int](), dict[int, list[int]]()
    for person in people:
        row, periods = -1, set[int]()
        for _, at, bits in triggers.sightings(person.happenings):
            if row < 0:
                if bits & _START:
                    row = calendar.number(at)
            elif bits & _RETURN:
                periods.add(calendar.number(at) - row)
        if row < 0:
            continue
        sizes[row] = sizes.get(row, 0) + 1
        counts = returned.setdefault(row, [0] * asked.periods)
        for period in periods:
            if period < asked.periods:
                counts[period] += 1
    return CohortResult(
        tuple(
            CohortRow(
                calendar.first_day(row).isoformat(),
                sizes[row],
                tuple(
                    count if calendar.begins(row + period + 1) <= known_until else None
                    for period, count in enumerate(returned[row])
                ),
            )
            for row in sorted(sizes)
        )
    )


class Calendar:
    """The days, weeks or months of a zone, numbered in order; every instant lies in exactly one."""

    __slots__ = ("_begins", "_current", "_unit", "_zone")

    def __init__(self, unit: CalendarUnit, zone: ZoneInfo) -> None:
        self._unit: CalendarUnit = unit
        self._zone = zone
        self._begins: dict[int, int] = {}
        self._current = (0, 0, 0)  # the number, the beginning and the end of the unit that was asked for last

    def number(self, at: int) -> int:
        """The number of the unit in which an instant (ms) lies."""
        number, begin, end = self._current
        if begin <= at < end:
            return number
        number = self._number_of(to_moment(at).astimezone(self._zone).date())
        # Where the clock is turned back past midnight, it shows the day before once more.
        while at >= self.begins(number + 1):
            number += 1
        self._current = number, self.begins(number), self.begins(number + 1)
        return number

    def begins(self, number: int) -> int:
        """The first instant (ms) of a unit."""
        if number not in self._begins:
            self._begins[number] = start_of_day_ms(self.first_day(number), self._zone)
        return self._begins[number]

    def first_day(self, number: int) -> date:
        """The first day of a unit."""
        match self._unit:
            case "day":
                return date.fromordinal(number)
            case "week":
                return date.fromordinal(number * _DAYS_A_WEEK + 1)  # the first day of all, 1, was a Monday
            case "month":
                return date(number // _MONTHS_A_YEAR, number % _MONTHS_A_YEAR + 1, 1)
            case _:
                assert_never(self._unit)

    def _number_of(self, day: date) -> int:
        match self._unit:
            case "day":
                return day.toordinal()
            case "week":
                return (day.toordinal() - 1) // _DAYS_A_WEEK
            case "month":
                return day.year * _MONTHS_A_YEAR + day.month - 1
            case _:
                assert_never(self._unit)
