"""Recurrence by RFC 5545 rules: the instants at which they recur, and the texts that are no rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

import pytest
from dateutil.rrule import rrulestr

from parcours.expression.expression import from_ms, to_json
from parcours.instants import ceil_ms
from parcours.journey.model import recurrence
from parcours.journey.model.recurrence import Recurrence, check_rule

DAY_MS = 86_400_000
START_MS = 1_767_231_012_345
"""2026-01-01, at a quarter to two with some milliseconds."""


def instants(rule: str, start: str, timezone: str, most: int = 4) -> list[object]:
    start_ms = ceil_ms(datetime.fromisoformat(start).astimezone(UTC))
    found = islice(Recurrence(check_rule(rule), start_ms, timezone).instants(), most)
    return [str(to_json(from_ms(each))).replace(":00.000Z", "") for each in found]


RULES = [
    ("FREQ=DAILY", "2026-06-01T09:00+02:00", "Europe/Paris", ["2026-06-01T07:00", "2026-06-02T07:00"]),
    # nine o'clock stays nine o'clock when the clocks go forward and back
    ("FREQ=DAILY", "2026-03-28T09:00+01:00", "Europe/Paris", ["2026-03-28T08:00", "2026-03-29T07:00"]),
    ("FREQ=DAILY", "2026-10-24T09:00+02:00", "Europe/Paris", ["2026-10-24T07:00", "2026-10-25T08:00"]),
    # 02:30 does not exist on the first day and comes twice on the second
    ("FREQ=DAILY", "2026-03-28T02:30+01:00", "Europe/Paris", ["2026-03-28T01:30", "2026-03-29T01:00"]),
    ("FREQ=DAILY", "2026-10-24T02:30+02:00", "Europe/Paris", ["2026-10-24T00:30", "2026-10-25T00:30"]),
    # which of the two is meant where it starts is known
    ("FREQ=DAILY;COUNT=2", "2026-10-25T02:30+01:00", "Europe/Paris", ["2026-10-25T01:30", "2026-10-26T01:30"]),
    # two readings of the clock that are one instant are one occurrence
    (
        "FREQ=MINUTELY;INTERVAL=30",
        "2026-03-29T01:30+01:00",
        "Europe/Paris",
        ["2026-03-29T00:30", "2026-03-29T01:00", "2026-03-29T01:30"],
    ),
    # the first one is at the start only if the rule says so
    ("FREQ=WEEKLY;BYDAY=MO", "2026-06-03T09:00+00:00", "UTC", ["2026-06-08T09:00", "2026-06-15T09:00"]),
    ("FREQ=MONTHLY;BYDAY=-1FR", "2026-06-03T09:00+00:00", "UTC", ["2026-06-26T09:00", "2026-07-31T09:00"]),
    ("FREQ=MONTHLY;BYMONTHDAY=31", "2026-01-31T09:00+00:00", "UTC", ["2026-01-31T09:00", "2026-03-31T09:00"]),
    ("FREQ=YEARLY;BYDAY=53MO", "2024-01-01T09:00+00:00", "UTC", ["2024-12-30T09:00", "2029-12-31T09:00"]),
    ("FREQ=YEARLY", "2024-02-29T09:00+00:00", "UTC", ["2024-02-29T09:00", "2028-02-29T09:00"]),
    # a week is seven days in a zone that once skipped one, and the skipped one is the next instant there is
    ("FREQ=DAILY", "2011-12-29T09:00-10:00", "Pacific/Apia", ["2011-12-29T19:00", "2011-12-30T10:00"]),
]


@pytest.mark.parametrize("rule,start,timezone,expected", RULES)
def test_a_rule_recurs_on_the_clock_of_its_zone(rule: str, start: str, timezone: str, expected: list[str]) -> None:
    assert instants(rule, start, timezone, len(expected)) == expected


ENDS = [
    ("FREQ=DAILY;COUNT=2", ["2026-06-01T07:00", "2026-06-02T07:00"]),
    # inclusive: the whole of a day, a time on the zone's clock, a time in UTC
    ("FREQ=DAILY;UNTIL=20260602", ["2026-06-01T07:00", "2026-06-02T07:00"]),
    ("FREQ=DAILY;UNTIL=20260602T090000", ["2026-06-01T07:00", "2026-06-02T07:00"]),
    ("FREQ=DAILY;UNTIL=20260602T070000Z", ["2026-06-01T07:00", "2026-06-02T07:00"]),
    ("FREQ=DAILY;UNTIL=20260602T065959Z", ["2026-06-01T07:00"]),
    ("FREQ=DAILY;UNTIL=20260531", []),
    # dates that no calendar has
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", []),
    ("FREQ=DAILY;BYMONTH=4;BYMONTHDAY=31", []),
    ("FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", []),  # 2026, 2030, ...: never a leap year
    ("FREQ=HOURLY;INTERVAL=24;BYHOUR=3", []),
]


@pytest.mark.parametrize("rule,expected", ENDS)
def test_a_rule_comes_to_its_end(rule: str, expected: list[str]) -> None:
    assert instants(rule, "2026-06-01T09:00+02:00", "Europe/Paris", 9) == expected


def test_milliseconds_of_the_start_are_kept() -> None:
    recurring = Recurrence("FREQ=DAILY;COUNT=2", 1_234, "UTC")
    assert list(recurring.instants()) == [1_234, 86_401_234]
    assert recurring.following(1_233) == 1_234
    assert recurring.following(1_234) == 86_401_234
    assert recurring.following(86_401_234) is None


SPELLINGS = [
    ("freq=weekly;byday=mo,fr", "FREQ=WEEKLY;BYDAY=MO,FR"),
    (" RRULE:FREQ=DAILY;INTERVAL=2; ", "FREQ=DAILY;INTERVAL=2"),
    ("FREQ=MONTHLY;BYDAY=-1FR;WKST=SU", "FREQ=MONTHLY;BYDAY=-1FR;WKST=SU"),
]


@pytest.mark.parametrize("text,rule", SPELLINGS)
def test_a_rule_has_one_spelling(text: str, rule: str) -> None:
    assert check_rule(text) == rule


REFUSED = [
    ("daily", "a rule is written like FREQ=WEEKLY;BYDAY=MO"),
    ("", "a rule is written like"),
    ("BYDAY=MO", "a rule says how often"),
    ("FREQ=DALY", "FREQ is one of YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY, did you mean 'DAILY'?"),
    ("FREQ=SECONDLY", "FREQ is one of"),
    ("FREQ=DAILY;INTERVAL=٢", "INTERVAL is a number from 1 to 1000000, not '٢'"),
    ("FREQ=DAILY;BYHOUR=٢", "BYHOUR has numbers from 0 to 23, not '٢'"),
    ("FREQ=MONTHLY;BYDAY=1٢MO", "BYDAY has days such as MO or FR"),
    ("FREQ=DAILY;BYDY=MO", "a rule has no part 'BYDY', did you mean 'BYDAY'?"),
    ("FREQ=DAILY;BYEASTER=0", "a rule has no part 'BYEASTER'"),
    ("FREQ=DAILY;FREQ=DAILY", "FREQ is given twice"),
    ("FREQ=DAILY;INTERVAL=0", "INTERVAL is a number from 1 to"),
    ("FREQ=DAILY;COUNT=x", "COUNT is a number from 1 to"),
    ("FREQ=DAILY;BYHOUR=24", "BYHOUR has numbers from 0 to 23, not '24'"),
    ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY has numbers from -31 to 31, not '0'"),
    ("FREQ=WEEKLY;BYDAY=MON", "BYDAY has days such as MO or FR, not 'MON'"),
    # a number says nothing with weeks, and there are no 6 Mondays in a month
    ("FREQ=WEEKLY;BYDAY=1MO", "a day has a number, such as 1MO, up to 5 with MONTHLY and up to 53 with YEARLY"),
    ("FREQ=MONTHLY;BYDAY=6MO", "a day has a number"),
    ("FREQ=YEARLY;BYDAY=-54MO", "a day has a number"),
    ("FREQ=DAILY;WKST=MO,TU", "WKST has days such as MO or FR"),
    ("FREQ=DAILY;COUNT=2;UNTIL=20260101", "a rule has COUNT or UNTIL, not both"),
    ("FREQ=DAILY;UNTIL=2026-01-01", "UNTIL is written like 20261231 or 20261231T225959Z"),
    ("FREQ=DAILY;UNTIL=20261399", "UNTIL is no date"),
    ("DTSTART=20260101;FREQ=DAILY", "a rule has no part 'DTSTART'"),
]


@pytest.mark.parametrize("text,message", REFUSED)
def test_a_text_that_is_no_rule_is_refused_with_its_reason(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        check_rule(text)


@pytest.mark.parametrize("timezone", ["Europe/Paris", "America/St_Johns"])
@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=MINUTELY;BYHOUR=1,2;BYMINUTE=30",
        "FREQ=HOURLY",
        "FREQ=HOURLY;INTERVAL=7",
        "FREQ=DAILY",
        "FREQ=DAILY;COUNT=300",
        "FREQ=DAILY;BYHOUR=9,2;BYSETPOS=1",
        "FREQ=DAILY;UNTIL=20261001",
        "FREQ=WEEKLY",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU",
        "FREQ=WEEKLY;BYDAY=TU,WE;WKST=WE",
        "FREQ=MONTHLY",
    ],
)
def test_the_instants_after_a_time_are_those_of_the_whole(rule: str, timezone: str) -> None:
    recurring = Recurrence(check_rule(rule), START_MS, timezone)
    every = list(islice(recurring.instants(), 6_000))
    for after_ms in (START_MS, START_MS + 1, *(START_MS + week * 7 * DAY_MS - 1 for week in (1, 12, 13, 30, 42))):
        expected = [at_ms for at_ms in every if at_ms > after_ms][:50]
        assert list(islice(recurring.instants(after_ms), len(expected))) == expected


def test_what_recurs_each_minute_is_not_counted_through_from_long_before(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = 0

    def counting(text: str, dtstart: datetime) -> Iterator[datetime]:
        nonlocal counted
        for each in rrulestr(text, dtstart=dtstart):
            counted += 1
            yield each

    monkeypatch.setattr(recurrence, "rrulestr", counting)
    after_ms = START_MS + 100 * DAY_MS

    assert next(Recurrence("FREQ=MINUTELY", START_MS, "UTC").instants(after_ms)) == after_ms + 60_000

    assert counted < 2 * DAY_MS / 60_000
