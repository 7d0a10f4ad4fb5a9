"""What made-up walks do not show of the rules of places: their bounds, what is ignored, and whose word is newest."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from parcours.core.places.state import Position, Visit, Whereabouts, Word, newest
from parcours.core.places.visits import Change, Crossing, Fix, Heard, next_due, take_crossing, take_fix, tell
from parcours.geography.shapes import Circle
from parcours.journey.places import Place, PlaceRules, Places

MINUTE = 60_000
HOUR = 60 * MINUTE

PLACES = Places.of(
    [
        Place("studio", Circle(33.7490, -84.3880, 120.0), PlaceRules(enter_after_ms=MINUTE)),
        Place("next-door", Circle(33.7491, -84.3880, 120.0)),
        Place("annexe", Circle(33.7489, -84.3880, 120.0), PlaceRules(is_first_quiet=True)),
    ]
)

INSIDE = (33.7490, -84.3880)
AWAY = (33.7590, -84.3880)
EDGE = (33.7503, -84.3880)


def fix(at: int, where: tuple[object, object], accuracy: object = None, told_at: int | None = None) -> Fix:
    return Fix(at, at if told_at is None else told_at, *where, accuracy)


def told(here: Whereabouts, at: int) -> list[Change]:
    changes = []
    while (change := tell(here, at)) is not None:
        changes.append(change)
    return changes


def test_of_several_places_those_left_go_first_and_all_by_name() -> None:
    here = Whereabouts()
    take_fix(here, PLACES, fix(0, AWAY), 200)

    take_fix(here, PLACES, fix(10, INSIDE), 200)

    assert next_due(here) == 10
    assert told(here, 10) == [Change("annexe", "entered", "fix"), Change("next-door", "entered", "fix")]
    assert next_due(here) == 10 + MINUTE
    assert told(here, 10 + MINUTE) == [Change("studio", "entered", "fix")]
    take_fix(here, PLACES, fix(5 * MINUTE + 999, AWAY), 200)
    assert next_due(here) == 7 * MINUTE + 999
    assert [(each.place, each.way, each.dwell_s) for each in told(here, 7 * MINUTE + 999)] == [
        ("annexe", "left", 300),
        ("next-door", "left", 300),
        ("studio", "left", 300),
    ]
    assert next_due(here) is None


def test_somebody_who_is_inside_at_first_may_be_so_without_a_word() -> None:
    here = Whereabouts()

    take_fix(here, PLACES, fix(0, INSIDE), 200)

    assert [each.place for each in told(here, MINUTE)] == ["next-door", "studio"]
    assert {each.place for each in told(here, 6 * HOUR)} == {"next-door", "studio"}
    assert here.visits == {}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (fix(1, ("33", -84.0)), "no_number"),
        (fix(1, (True, -84.0)), "no_number"),
        (fix(1, (33.0, None)), "no_number"),
        (fix(1, (float("nan"), 0)), "no_number"),
        (fix(1, INSIDE, "near"), "no_number"),
        (fix(1, (90.1, 0)), "out_of_range"),
        (fix(1, (0, -180.1)), "out_of_range"),
        (fix(1, INSIDE, -1), "out_of_range"),  # so does iOS mark a position that is none
        (fix(1, INSIDE, 200.1), "vague"),
        (fix(1, INSIDE, told_at=-1), "older"),
        (fix(1, INSIDE, 200), None),
        (fix(1, INSIDE, told_at=0), None),
    ],
)
def test_a_position_that_says_nothing_is_ignored_and_counted(given: Fix, reason: str | None) -> None:
    here = Whereabouts()
    take_fix(here, PLACES, fix(0, AWAY), 200)

    assert take_fix(here, PLACES, given, 200).ignored == reason
    assert here.ignored == ({} if reason is None else {reason: 1})
    assert (here.visits == {}) == (reason is not None)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Crossing(1, 1, "mall", "enter"), "unknown_place"),
        (Crossing(1, 1, 7, "enter"), "unknown_place"),
        (Crossing(1, 1, "studio", "entered"), "unknown_way"),
        (Crossing(1, -1, "studio", "exit"), "older"),
        (Crossing(1, 0, "studio", "exit"), None),
    ],
)
def test_a_crossing_that_says_nothing_is_ignored_and_counted(given: Crossing, reason: str | None) -> None:
    here = Whereabouts()
    take_crossing(here, PLACES, Crossing(0, 0, "studio", "enter"), 200)

    assert take_crossing(here, PLACES, given, 200).ignored == reason
    assert here.ignored == ({} if reason is None else {reason: 1})


@pytest.mark.parametrize(
    ("walk", "reasons"),
    [
        ([fix(0, AWAY), fix(1, INSIDE), fix(2, AWAY)], {"short"}),  # of the studio, whose enter_after is a minute
        ([fix(0, AWAY), fix(1, INSIDE), fix(2 * MINUTE, EDGE)], {"margin"}),
        ([fix(0, AWAY), fix(1, INSIDE), fix(2 * MINUTE, AWAY), fix(2 * MINUTE + 1, INSIDE)], {"returned"}),
        ([fix(0, INSIDE)], {"first"}),
        ([Crossing(0, 0, "studio", "exit"), fix(1, INSIDE)], {"phone", "first"}),
        ([Crossing(0, 0, "studio", "enter"), fix(1, AWAY)], {"phone"}),
        ([fix(0, INSIDE, 150)], {"vague_here", "first"}),
        ([fix(0, AWAY), fix(1, INSIDE), fix(2 * MINUTE, AWAY, 150)], {"vague_here"}),
        ([fix(0, AWAY), fix(1, INSIDE), fix(2 * MINUTE, INSIDE)], set()),
    ],
)
def test_why_nothing_was_told_of_a_position_is_counted(walk: list[Fix | Crossing], reasons: set[str]) -> None:
    here, clear = Whereabouts(), replace(PLACES.by_name["studio"].rules, accuracy_max_m=100)
    places = Places.of([*PLACES.by_name.values(), replace(PLACES.by_name["studio"], name="lab", rules=clear)])

    for each in walk:
        told(here, each.at)
        take_fix(here, places, each, 200) if isinstance(each, Fix) else take_crossing(here, places, each, 200)

    assert {*here.untold} == reasons
    assert here.ignored == {}


def test_there_is_room_for_so_many_places_of_a_person() -> None:
    here = Whereabouts()
    take_crossing(here, PLACES, Crossing(0, 0, "studio", "exit"), 2)

    assert take_fix(here, PLACES, fix(1, INSIDE), 2) == Heard(None, ("next-door",))
    assert take_crossing(here, PLACES, Crossing(2, 2, "next-door", "enter"), 2) == Heard(None, ("next-door",))
    assert {*here.visits, *here.words} == {"annexe", "studio"}


def test_a_place_that_is_gone_is_left_without_a_word() -> None:
    here = Whereabouts()
    take_fix(here, PLACES, fix(0, INSIDE), 200)
    told(here, MINUTE)

    take_fix(here, Places.of([]), fix(2 * MINUTE, INSIDE, 0), 200)

    assert here.visits == {}
    assert told(here, 6 * HOUR) == []


def test_of_two_people_the_newest_word_tells_where_they_are() -> None:
    early = Whereabouts(Position(5, 5, 1.0, 1.0), {"a": Visit(5, 5, 9)})
    late = Whereabouts(words={"b": Word(3, 6)})
    silent = Whereabouts(ignored={"vague": 1})

    assert newest(early, late) is late
    assert newest(late, early) is late
    assert newest(early, None) is newest(None, early) is early
    assert newest(silent, early) is newest(early, silent) is early
    assert newest(early, Whereabouts(early.position)) is early
    assert newest(None, None) is None


def test_what_is_remembered_is_read_as_it_was_written() -> None:
    visit, word = Visit(5, 5, 9, away=7, by="phone"), Word(3, 6)
    here = Whereabouts(Position(5, 5, 1.5, 1.0), {"a": visit}, {"b": word}, {"vague": 1}, {"margin": 2})

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(here), type=Whereabouts) == here
