"""Whatever is wrong with a line stays with that line: named, counted, and without any effect on the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from parcours.core.fact import LimitReached, Unmatched, Unmet
from parcours.errors import EventsUnsorted
from parcours.journey.project import Project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulation.conftest import Recording, Write

DAY = 86_400_000

PROJECT = """
# file parcours.yaml
project: shop
policies: {consent: {default: opt_out}}
# file profile.yaml
traits: {email: string, born: timestamp}
# file events.yaml
events:
  Start: {properties: {total: number, until: timestamp}}
  Seen: {}
# file messages/note.yaml
message: note
email: {subject: "Hello", text: "Hello"}
# file journeys/trip.yaml
journey: trip
entry: {event: Start, when: event.total > 50}
steps:
  - {id: write, send: note}
  - {id: listen, wait_for: [{event: Seen}], timeout: 1h, on_timeout: birthday}
  - {id: birthday, wait: {until: profile.born}}
  - {id: again, send: note}
"""


@pytest.fixture
def shop(write: Write) -> Project:
    return Project.load(write(PROJECT))


@pytest.fixture
def told(recording: Recording) -> Recording:
    """Three people, all in order."""
    for number, who in enumerate(["sarah", "tom", "una"]):
        recording.identify(number, who, email=f"{who}@mail.example", born="2030-01-01T00:00:00Z")
        recording.track(100 + number, who, "Start", {"total": 80})
    return recording.track(1_000, "sarah", "Seen")


def test_lines_out_of_order_are_sorted_by_their_time(shop: Project, told: Recording, tmp_path: Path) -> None:
    in_order = replace(told, lines=sorted(told.lines, key=lambda line: line[:40]))
    backwards = replace(told, lines=in_order.lines[::-1])

    assert backwards.play(shop).files(tmp_path / "a") == in_order.play(shop).files(tmp_path / "b")


def test_lines_of_one_instant_keep_their_order(shop: Project, recording: Recording) -> None:
    recording.track(5, "sarah", "Seen").track(5, "sarah", "Start", {"total": 80}).track(5, "sarah", "Seen")

    assert recording.play(shop).moves("matched") == [(5, "sarah", "Seen")]


def test_an_event_from_the_past_is_refused_where_sorting_is_not_allowed(shop: Project, recording: Recording) -> None:
    recording.track(5, "sarah", "Seen").track(5, "sarah", "Seen").track(4, "sarah", "Seen")

    with pytest.raises(EventsUnsorted, match="line 3 is earlier"):
        recording.play(shop, sort=False)


def test_an_event_out_of_order_is_refused_also_where_virtual_time_never_came(
    shop: Project, recording: Recording
) -> None:
    recording.track(5, "sarah", "Seen").track(90, "sarah", "Seen").track(4, "sarah", "Seen")

    with pytest.raises(EventsUnsorted, match="line 3 is earlier"):
        recording.play(shop, until=50, sort=False)


def test_what_is_said_of_a_file_is_the_same_sorted_or_in_order(shop: Project, recording: Recording) -> None:
    recording.track(5, "sarah", "Seen").track(90, "sarah", "Seen")
    recording.lines += [b"oops", *recording.lines[-1:], b"{}"]

    as_sorted, in_order = (recording.play(shop, until=50, sort=sort) for sort in (True, False))

    assert in_order.rejected == as_sorted.rejected and [number for number, _ in in_order.rejected] == [3, 5]
    assert in_order.result.summary.events == as_sorted.result.summary.events
    assert in_order.result.summary.events.read == 5


def test_lines_in_order_need_no_sorting(shop: Project, told: Recording, tmp_path: Path) -> None:
    told.lines.sort(key=lambda line: line[:40])

    assert told.play(shop, sort=False).files(tmp_path / "a") == told.play(shop).files(tmp_path / "b")


BAD_LINES = [
    b"not json",
    b"[" * 30_000,
    b'{"type":"track"',
    b'{"type":"track","event":"Start","userId":"sarah"}',
    b'{"type":"track","event":"Start","userId":"sarah","timestamp":"2024-03-01T10:00:00"}',
    b'{"type":"track","event":"Start","timestamp":"2024-03-01T10:00:00Z"}',
    b'{"type":"track","event":"Start","userId":"%s","timestamp":"2024-03-01T10:00:00Z"}' % (b"u" * 10_240),
    b'{"type":"track","event":"Start","userId":"sarah","timestamp":"2024-03-01T10:00:00Z","properties":[]}',
    b'{"type":"track","event":"Start","userId":"sarah","timestamp":"2024-03-01T10:00:00Z","x":"%s"}' % (b"x" * 2**20),
    b'{"type":"alias","anonymousId":"b","previousId":"a","timestamp":"2024-03-01T10:00:00Z"}',
    b'{"type":"track","event":"Start","userId":"\\ud800","timestamp":"2024-03-01T10:00:00Z"}',
    b'{"type":"teleport","userId":"sarah","timestamp":"2024-03-01T10:00:00Z"}',
    b'{"type":"reaction","userId":"sarah","timestamp":"2024-03-01T10:00:00Z","reaction":"opened"}',
    b'{"type":"identify","userId":"sarah","timestamp":"2024-03-01T10:00:00Z","traits":{"n":1%s}}' % (b"0" * 30),
    b'{"type":"track","event":"Start","userId":"sarah","timestamp":"0001-01-01T00:00:00Z"}',
]


def test_lines_that_cannot_be_used_are_named_and_change_nothing_else(shop: Project, told: Recording) -> None:
    mixed = replace(told, lines=list(told.lines))
    for number, line in enumerate(BAD_LINES):
        mixed.lines.insert(number * 2, line)

    clean, dirty = told.play(shop), mixed.play(shop)

    assert [number for number, _ in dirty.rejected] == sorted(mixed.lines.index(line) + 1 for line in BAD_LINES)
    assert all(reason for _, reason in dirty.rejected)
    assert dirty.result.facts == clean.result.facts
    events = dirty.result.summary.events
    assert (events.read, events.rejected, events.used) == (len(mixed.lines), len(BAD_LINES), len(told.lines))


def test_every_line_read_is_in_exactly_one_count(shop: Project, told: Recording) -> None:
    told.lines += BAD_LINES
    told.call(7, type="track", userId="sarah", event="Seen", messageId="m1")
    told.call(8, type="track", userId="sarah", event="Seen", messageId="m1")
    told.track(9, "sarah", "Never Declared").react(10, "tom", "opened", "trip.nothing", "email")
    told.call(11, type="group", userId="sarah")
    told.call(12, type="page", userId="sarah")

    events = told.play(shop).result.summary.events

    assert events.read == len(told.lines)
    assert events.read == events.used + events.duplicate + events.rejected + events.unmatched + events.undeclared
    assert (events.duplicate, events.unmatched) == (1, 1)


def test_blank_lines_are_no_lines(shop: Project, told: Recording, tmp_path: Path) -> None:
    spaced = replace(told, lines=[piece for line in told.lines for piece in (line + b"\r\n", b"\n", b"  ")])

    assert spaced.play(shop).files(tmp_path / "a") == told.play(shop).files(tmp_path / "b")


@pytest.mark.parametrize(
    "again_at, who, applied",
    [
        (1, "sarah", False),
        (DAY - 1, "sarah", False),  # within 24 hours
        (DAY, "sarah", True),  # after them the id has been forgotten
        (1, "tom", True),  # ids are a person's own
    ],
)
def test_the_same_message_of_a_person_counts_once(
    shop: Project, recording: Recording, again_at: int, who: str, applied: bool
) -> None:
    once = {"type": "track", "event": "Start", "messageId": "m1", "properties": {"total": 80}}
    recording.call(0, userId="sarah", **once).call(again_at, userId=who, **once)

    played = recording.play(shop)

    assert played.result.summary.events.duplicate == (0 if applied else 1)
    assert len(played.moves("entered") + played.moves("not_entered")) == (2 if applied else 1)


def test_two_equal_lines_without_an_id_are_two_events(shop: Project, recording: Recording) -> None:
    recording.track(0, "sarah", "Start", {"total": 80}).track(0, "sarah", "Start", {"total": 80})

    played = recording.play(shop)

    assert played.moves("not_entered") == [(0, "sarah", "already_in")]


def test_a_property_of_the_wrong_type_makes_the_condition_false_and_the_reason_is_kept(
    shop: Project, told: Recording
) -> None:
    told.track(200, "odd", "Start", {"total": "80"})

    played = told.play(shop)

    (unmet,) = [fact for fact in played.result.facts if isinstance(fact, Unmet)]
    assert (unmet.person, unmet.why) == ("odd", "event.total is a string and 50 a number")
    assert [who for _, who, _ in played.moves("entered")] == ["sarah", "tom", "una"]


def test_a_run_that_cannot_go_on_is_parked_with_the_reason_and_the_others_go_on(shop: Project, told: Recording) -> None:
    told.identify(50, "tom", born="soon")

    played = told.play(shop, until=3_000 * DAY)

    assert played.moves("parked") == [
        (3_600_101, "tom", "wait until profile.born: profile.born is a string that is no timestamp"),
    ]
    assert [(step, who) for _, step, who in played.deliveries("una")] == [("write", "email"), ("again", "email")]
    step = played.result.summary.journeys["trip"].steps["birthday"]
    assert (step.inflow, step.waiting, step.gone_on) == (3, 1, 2)


def test_one_address_that_does_not_work_leaves_the_others(shop: Project, told: Recording) -> None:
    told.identify(50, "tom", email="tom at home")

    played = told.play(shop)

    assert played.deliveries("tom", "refused")[0] == (101, "write", "email")
    assert [at for at, step, _ in played.deliveries() if step == "write"] == [100, 102]


def test_a_bound_that_is_reached_is_recorded(shop: Project, told: Recording) -> None:
    told.identify(50, "tom", essay="x" * 5_000)

    played = told.play(shop)

    (limit,) = [fact for fact in played.result.facts if isinstance(fact, LimitReached)]
    assert (limit.person, limit.setting) == ("tom", "traits_bytes_max")
    assert played.result.limits == {"traits_bytes_max": 1}


def test_a_time_zone_that_does_not_exist_is_counted(shop: Project, told: Recording) -> None:
    told.identify(50, "tom", timezone="Mars/Base")

    played = told.play(shop)

    assert played.result.unknown_zones == {"Mars/Base": 1}


def test_a_reaction_to_nothing_is_counted_as_unmatched(shop: Project, told: Recording) -> None:
    told.react(50, "tom", "opened", "trip.write", "email").react(50, "nobody", "opened", "trip.write", "email")

    played = told.play(shop)

    assert [fact.person for fact in played.result.facts if isinstance(fact, Unmatched)] == ["tom", "nobody"]
    assert played.result.summary.events.unmatched == 2


def test_no_events_at_all_are_no_mistake(shop: Project, recording: Recording) -> None:
    played = recording.play(shop)

    assert (played.result.facts, played.result.summary.events.read) == ([], 0)
    assert played.result.summary.clock is None
