"""Timers: never early, never lost, in due order; an event goes before a timer of the same instant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from parcours.core.time_text import time_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.core.conftest import Tell

    from parcours.journey.project import Project

HOUR, DAY = 3_600_000, 86_400_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


LISTEN = """
journey: trip
entry: {event: Start}
steps:
  - {id: listen, wait_for: [{event: Seen, next: seen}], timeout: 20s, on_timeout: late}
  - {id: seen, end: true}
  - {id: late, end: true}
"""


@pytest.mark.parametrize(
    "seen_at, way",
    [(20_999, "seen"), (21_000, "seen"), (21_001, "late")],  # entered at 1,000
)
def test_an_event_goes_before_a_timer_of_the_same_instant(tell: Tell, seen_at: int, way: str) -> None:
    story = tell(LISTEN)

    story.event(1_000, "Start").event(seen_at, "Seen")

    assert story.steps()[-1] == (min(seen_at, 21_000), way)


def test_a_timer_fires_at_its_own_time_however_late_somebody_looks(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
steps:
  - {id: one, wait: 20s}
  - {id: two, wait: 20s}
  - {id: three, wait_for: [{event: Seen}], timeout: 1m}
"""
    )

    story.event(0, "Start").wait(DAY)

    assert story.steps() == [(0, "one"), (20_000, "two"), (40_000, "three")]
    assert story.told("timed_out") == [(100_000, "trip", 1, None)]


def test_the_timer_of_an_instant_has_not_fired_when_the_instant_begins(tell: Tell) -> None:
    story = tell(LISTEN).event(0, "Start")

    assert not story.wait(20_000).told("timed_out")
    assert story.wait(20_001).told("timed_out") == [(20_000, "trip", 1, None)]


def test_timers_due_together_fire_in_the_order_in_which_they_were_set(tell: Tell) -> None:
    # `low` has the lower priority, but set its timer first.
    story = tell(
        """
journey: low
priority: 1
entry: {event: Start}
steps: [{id: pause, wait: 10s}]
---
journey: high
priority: 99
entry: {event: Seen}
steps: [{id: pause, wait: 5s}]
"""
    )

    story.event(0, "Start").event(5_000, "Seen").wait(10_001)

    assert [journey for _, journey, _, _ in story.told("ended")] == ["low", "high"]


def test_a_wait_of_no_length_goes_on_at_once_and_a_time_out_of_none_after_the_events_of_its_instant(
    tell: Tell,
) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
steps:
  - {id: pause, wait: 0s}
  - {id: listen, wait_for: [{event: Seen}], timeout: 0s, on_timeout: late}
  - {id: seen, end: true}
  - {id: late, end: true}
"""
    )

    story.event(5, "Start").event(5, "Seen")

    assert story.steps() == [(5, "pause"), (5, "listen"), (5, "seen")]


def test_without_a_time_out_a_run_listens_for_ever(tell: Tell) -> None:
    story = tell("{journey: trip, entry: {event: Start}, steps: [{id: listen, wait_for: [{event: Seen}]}]}")

    story.event(0, "Start").wait(5_000 * DAY).event(5_000 * DAY, "Seen")

    assert story.moves("waiting") == [("waiting", "listen", None)]
    assert story.told("ended") == [(5_000 * DAY, "trip", 1, "last step")]


UNTIL = """
journey: trip
entry: {event: Start}
steps:
  - {id: pause, wait: {until: %s, offset: %s}}
  - {id: over, end: true}
"""


@pytest.mark.parametrize(
    "until, offset, due, noted",
    [
        ("1970-01-02T00:00:00Z", "0s", DAY, "1970-01-02T00:00:00.000Z"),
        ("1970-01-05T00:00:00Z", "-3d", DAY, "1970-01-02T00:00:00.000Z"),
        ("1970-01-02T00:00:00.0001Z", "0s", DAY + 1, "1970-01-02T00:00:00.001Z"),  # rounded up: never early
        ("1970-01-01T01:00:01Z", "0s", 1_000, "1970-01-01T01:00:01.000Z"),  # met exactly: at once
        ("1969-01-01T00:00:00Z", "0s", 1_000, "1969-01-01T00:00:00.000Z"),  # in the past: at once, and recorded
        ("0001-01-01T00:00:00Z", "-9d", 1_000, "0001-01-01T00:00:00.000Z"),  # before the first year that can be written
    ],
)
def test_a_wait_until_an_instant(tell: Tell, until: str, offset: str, due: int, noted: str) -> None:
    story = tell(UNTIL % ("event.until", offset))
    arrived = 3_601_000 if due == 1_000 else 0

    story.event(arrived, "Start", until=until).wait(2 * DAY)

    assert story.moves("waiting") == [("waiting", "pause", noted)]
    assert story.steps()[-1] == (max(due, arrived), "over")


@pytest.mark.parametrize(
    "properties, reason",
    [
        ({}, "wait until event.until: event.until is missing"),
        ({"until": "soon"}, "wait until event.until: event.until is a string that is no timestamp"),
        ({"until": 5}, "wait until event.until: event.until is a number and no timestamp"),
        ({"until": None}, "wait until event.until: event.until is missing"),
        ({"until": "10000-01-01T00:00:00Z"}, "wait until event.until: event.until is a string that is no timestamp"),
        ({"until": "9999-12-31T00:00:00Z"}, "the wait would last beyond the year 9997"),
    ],
)
def test_a_wait_for_no_instant_parks_the_run_and_every_other_run_goes_on(
    tell: Tell, properties: dict[str, object], reason: str
) -> None:
    story = tell(
        UNTIL % ("event.until", "2d")
        + """
---
journey: other
entry: {event: Start}
steps: [{id: pause, wait: 1h}, {id: over, end: true}]
"""
    )

    story.event(0, "Start", **properties).wait(DAY)

    assert story.moves("parked") == [("parked", "pause", reason)]
    assert [journey for _, journey, _, _ in story.told("ended")] == ["other"]


def test_a_parked_run_keeps_its_key_is_moved_by_nothing_and_can_be_left(tell: Tell) -> None:
    story = tell("exit: [{event: Left}]" + UNTIL % ("event.until", "0s"))

    story.event(0, "Start").event(1, "Start").wait(DAY).event(DAY, "Left").event(DAY + 1, "Start")

    assert [why for _, _, _, why in story.told("not_entered")] == ["already_in"]
    assert story.told("exited") == [(DAY, "trip", 1, "Left")]
    assert [at for at, _, _, _ in story.told("entered")] == [0, DAY + 1]


LOCAL = """
journey: trip
entry: {event: Start}
timezone: %s
steps:
  - {id: pause, wait: {time: "%s", days: [%s]}}
  - {id: over, end: true}
"""
ANY = "mon, tue, wed, thu, fri, sat, sun"


@pytest.mark.parametrize(
    "zone, time, days, arrived, due",
    [
        ("Europe/Paris", "09:00", ANY, "2026-03-02T07:59:59.999Z", "2026-03-02T08:00:00Z"),
        ("Europe/Paris", "09:00", ANY, "2026-03-02T08:00:00Z", "2026-03-02T08:00:00Z"),  # met exactly: at once
        ("Europe/Paris", "09:00", ANY, "2026-03-02T08:00:00.001Z", "2026-03-03T08:00:00Z"),
        ("Europe/Paris", "09:00", "mon, fri", "2026-03-02T08:00:00.001Z", "2026-03-06T08:00:00Z"),
        ("Europe/Paris", "09:00", "mon", "2026-03-02T08:00:00.001Z", "2026-03-09T08:00:00Z"),
        # The clock changes between: 09:00 comes 23, and in autumn 25, hours after the last one.
        ("Europe/Paris", "09:00", ANY, "2026-03-28T08:00:00.001Z", "2026-03-29T07:00:00Z"),
        ("Europe/Paris", "09:00", ANY, "2026-10-24T07:00:00.001Z", "2026-10-25T08:00:00Z"),
        # 02:30 does not exist on that day: the first instant after the gap.
        ("Europe/Paris", "02:30", ANY, "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"),
        # 02:30 comes twice on that day: the first.
        ("Europe/Paris", "02:30", ANY, "2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z"),
        ("Europe/Paris", "02:30", ANY, "2026-10-25T00:30:00.001Z", "2026-10-26T01:30:00Z"),
        # The day of the week is the zone's own: Sunday noon in London is Monday in Kiritimati.
        ("Pacific/Kiritimati", "02:00", "mon", "2026-03-01T11:00:00Z", "2026-03-01T12:00:00Z"),
        # A change by half an hour.
        ("Australia/Lord_Howe", "02:15", ANY, "2026-10-03T12:00:00Z", "2026-10-03T15:30:00Z"),
    ],
)
def test_the_next_time_of_day(tell: Tell, zone: str, time: str, days: str, arrived: str, due: str) -> None:
    story = tell(LOCAL % (zone, time, days))

    story.event(ms(arrived), "Start").wait(ms(arrived) + 20 * DAY)

    assert story.steps()[-1] == (ms(due), "over")


@pytest.mark.parametrize(
    "zone, due",
    [
        ("Asia/Tokyo", "2026-03-02T00:00:00Z"),
        (None, "2026-03-02T08:00:00Z"),  # no zone: the project's, never nothing
        ("Mars/Olympus", "2026-03-02T08:00:00Z"),
        (7, "2026-03-02T08:00:00Z"),
    ],
)
def test_the_zone_is_the_persons_or_else_the_projects(tell: Tell, zone: object, due: str) -> None:
    story = tell(LOCAL % ("profile", "09:00", ANY)).identify(0, timezone=zone)
    arrived = ms("2026-03-01T20:00:00Z")

    story.event(arrived, "Start").wait(arrived + 2 * DAY)

    assert story.steps()[-1] == (ms(due), "over")


def test_a_day_is_24_hours_also_when_the_clock_changes(tell: Tell) -> None:
    story = tell("{journey: trip, entry: {event: Start}, steps: [{id: pause, wait: 1d}, {id: over, end: true}]}")
    arrived = ms("2026-03-28T12:00:00Z")

    story.event(arrived, "Start").wait(arrived + 2 * DAY)

    assert story.steps()[-1] == (arrived + DAY, "over")


BIRTHDAY = """
journey: trip
entry: {event: Start}
steps: [{id: birthday, wait: %s}, {id: after, wait: 1d}]
"""


@pytest.mark.parametrize(
    "wait, born, due",
    [
        ("{until: profile.birthday}", "2026-05-04", "2026-05-04T00:00:00+02:00"),
        ('{until: profile.birthday, time: "09:00"}', "2026-05-04", "2026-05-04T09:00:00+02:00"),
        ('{until: profile.birthday, offset: -3d, time: "09:00"}', "2026-05-04", "2026-05-01T09:00:00+02:00"),
        ('{until: profile.birthday, yearly: true, time: "09:00"}', "1980-05-04", "2026-05-04T09:00:00+02:00"),
        ("{until: profile.birthday, yearly: true}", "1980-02-28", "2027-02-28T00:00:00+01:00"),
        ("{until: profile.birthday, yearly: true}", "1980-05-04T22:00:00Z", "2026-05-04T00:00:00+02:00"),
    ],
)
def test_a_wait_until_a_date_is_local_and_may_come_every_year(
    tell: Tell, shop: Callable[..., Project], wait: str, born: str, due: str
) -> None:
    project = shop(BIRTHDAY % wait, traits="birthday: date")
    story = replace(tell(BIRTHDAY % "1d"), program=project.program)
    at = ms("2026-03-10T00:00:00Z")

    story.identify(at, birthday=born, timezone="Europe/Paris").event(at, "Start")

    assert story.moves("waiting") == [("waiting", "birthday", time_text(ms(due)))]


def test_a_wait_until_a_date_that_is_none_parks_the_run(tell: Tell, shop: Callable[..., Project]) -> None:
    project = shop(BIRTHDAY % "{until: profile.birthday, yearly: true}", traits="birthday: date")
    story = replace(tell(BIRTHDAY % "1d"), program=project.program)

    story.identify(4, birthday="soon").event(5, "Start")

    assert [why for _, _, why in story.moves("parked")] == [
        "wait until profile.birthday: profile.birthday is a string that is no date",
    ]
