"""The rules by which somebody enters and leaves places: pure functions of what is remembered, what comes in, and time.

A position inside of a place begins a visit, one farther away than its margin ends it; between the two nothing changes.
What is told of it comes later, by a timer: that she entered, once she was inside for long enough, and that she left,
once she was away for long enough or nothing was heard of her. A visit that was not told to have begun is not told to
have ended. Whoever applies these functions has applied all timers before, and applies those of the same instant after.

For a day after the phone itself has said that she went into a place or out of it, positions do not move her there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal, TypeAlias

from parcours.config import DAY_MS, SECOND_MS
from parcours.core.places.state import Position, Teller, Visit, Whereabouts, Word
from parcours.geography.shapes import HALF_TURN, QUARTER_TURN
from parcours.journey.places import Place, PlaceRules, Places

WORD_RULES_MS: Final = DAY_MS
"""How long the phone's word goes before positions: it has more to go by, such as radio cells and movement."""

Ignored: TypeAlias = Literal["no_number", "out_of_range", "vague", "older", "unknown_place", "unknown_way"]
"""Why a position or a crossing says nothing."""

Untold: TypeAlias = Literal["short", "margin", "returned", "first", "phone", "vague_here"]
"""Why nothing was told of what it does say:

short       she was away before she was told to have entered
margin      she is outside of a place, and not yet beyond its margin
returned    she was inside again before she was told to have left
first       she is inside at the first position ever, which is no entry there
phone       the phone's word goes before a position
vague_here  it is vaguer than a place takes, though not than all
"""

Way: TypeAlias = Literal["entered", "left"]

Why: TypeAlias = Literal["fix", "phone", "silent"]


@dataclass(frozen=True, slots=True)
class Fix:
    """A position as an event has it, whose values may be anything.

    told_at   when that was, as the sender says
    accuracy  within how many metres she probably is; None where the event tells no such thing
    """

    at: int
    told_at: int
    latitude: object
    longitude: object
    accuracy: object = None


@dataclass(frozen=True, slots=True)
class Crossing:
    """What the phone has found out, as an event has it: a place's name, and `enter` or `exit`."""

    at: int
    told_at: int
    place: object
    way: object


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody entered a place or left it. `dwell_s` is how long she was inside, of one that was left."""

    place: str
    way: Way
    why: Why
    dwell_s: int | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a position or crossing: why it says nothing, and the places that found no room."""

    ignored: Ignored | None = None
    crowded: tuple[str, ...] = ()


def take_fix(here: Whereabouts, places: Places, fix: Fix, room: int) -> Heard:
    """Apply a position. `room` is how many places of one person are remembered."""
    checked = _checked(here, places, fix)
    if not isinstance(checked, _Checked):
        return _ignore(here, checked)
    is_first = here.position is None
    here.position = Position(fix.at, fix.told_at, checked.latitude, checked.longitude)
    _forget_words(here, fix.at)
    near = {place.name: place for place in places.grid.near(checked.latitude, checked.longitude)}
    for name, visit in list(here.visits.items()):
        if name not in places.by_name:
            del here.visits[name]
        elif checked.accuracy_m > places.by_name[name].rules.accuracy_max_m:
            _remark(here, "vague_here")
        else:
            _see(here, places.by_name[name], visit, checked, is_near=name in near)
    crowded = []
    for name in sorted(near):
        place = near[name]
        if name in here.visits or not place.shape.holds(checked.latitude, checked.longitude):
            continue
        if name in here.words:
            _remark(here, "phone")
        elif checked.accuracy_m > place.rules.accuracy_max_m:
            _remark(here, "vague_here")
        elif not _has_room(here, name, room):
            crowded.append(name)
        else:
            here.visits[name] = _begun_by_fix(here, place.rules, fix.at, is_first=is_first)
    return Heard(None, tuple(crowded))


def take_crossing(here: Whereabouts, places: Places, crossing: Crossing, room: int) -> Heard:
    """Apply what the phone has found out. `room` is how many places of one person are remembered."""
    name, at = crossing.place, crossing.at
    place = places.by_name.get(name) if isinstance(name, str) else None
    if place is None:
        return _ignore(here, "unknown_place")
    if crossing.way not in ("enter", "exit"):
        return _ignore(here, "unknown_way")
    _forget_words(here, at)
    before = here.words.get(place.name)
    if before is not None and crossing.told_at < before.told_at:
        return _ignore(here, "older")
    if not _has_room(here, place.name, room):
        return Heard(None, (place.name,))
    here.words[place.name] = Word(at, crossing.told_at)
    visit = here.visits.get(place.name)
    if visit is None:
        if crossing.way == "exit":
            return Heard()
        visit = here.visits[place.name] = _begun(place.rules, at, "phone")
    visit.seen, visit.silent = at, at + max(WORD_RULES_MS, place.rules.silent_after_ms)
    if crossing.way == "enter":
        _stay(here, visit)
    else:
        _go_away(here, place, visit, at, "phone")
    return Heard()


def next_due(here: Whereabouts) -> int | None:
    """When something is to be told, or a visit to be forgotten, if nothing comes before; None if never."""
    return min((_due(visit) for visit in here.visits.values()), default=None)


def tell(here: Whereabouts, at: int) -> Change | None:
    """The first change that is due at this instant, once it has taken place; None if there is none more.

    Of one instant those who left go first, and each of the two by the names of the places.
    """
    for name in sorted(here.visits):
        visit = here.visits[name]
        is_over = visit.leaves is not None and visit.leaves <= at
        if not is_over and visit.silent > at:
            continue
        del here.visits[name]
        if visit.is_told:
            end = visit.seen if visit.away is None else visit.away
            return Change(name, "left", visit.by if is_over else "silent", (end - visit.since) // SECOND_MS)
    for name in sorted(here.visits):
        visit = here.visits[name]
        if visit.enters is not None and visit.enters <= at:
            visit.enters, visit.is_told = None, True
            return Change(name, "entered", visit.by)
    return None


@dataclass(frozen=True, slots=True)
class _Checked:
    """A position that says something. Without an accuracy it is taken for exact."""

    at: int
    latitude: float
    longitude: float
    accuracy_m: float


def _checked(here: Whereabouts, places: Places, fix: Fix) -> _Checked | Ignored:
    latitude, longitude = _number(fix.latitude), _number(fix.longitude)
    accuracy_m = 0.0 if fix.accuracy is None else _number(fix.accuracy)
    if latitude is None or longitude is None or accuracy_m is None:
        return "no_number"
    if abs(latitude) > QUARTER_TURN or abs(longitude) > HALF_TURN or accuracy_m < 0:
        return "out_of_range"
    if accuracy_m > places.accuracy_max_m:
        return "vague"
    if here.position is not None and fix.told_at < here.position.told_at:
        return "older"
    return _Checked(fix.at, latitude, longitude, accuracy_m)


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number:
        return None
    number = float(value)  # type: ignore[arg-type] # it is one of the two
    return number if isfinite(number) else None


def _ignore(here: Whereabouts, reason: Ignored) -> Heard:
    here.ignored[reason] = here.ignored.get(reason, 0) + 1
    return Heard(reason)


def _forget_words(here: Whereabouts, at: int) -> None:
    """Forget what the phone said a day ago: positions go by again."""
    if here.words:
        here.words = {name: word for name, word in here.words.items() if at < word.at + WORD_RULES_MS}


def _has_room(here: Whereabouts, name: str, room: int) -> bool:
    known: Mapping[str, object] = {**here.visits, **here.words}
    return name in known or len(known) < room


def _remark(here: Whereabouts, reason: Untold) -> None:
    here.untold[reason] = here.untold.get(reason, 0) + 1


def _begun_by_fix(here: Whereabouts, rules: PlaceRules, at: int, *, is_first: bool) -> Visit:
    visit = _begun(rules, at, "fix")
    if is_first and rules.is_first_quiet:
        visit.enters = None
        _remark(here, "first")
    return visit


def _begun(rules: PlaceRules, at: int, by: Teller) -> Visit:
    return Visit(since=at, seen=at, silent=at + rules.silent_after_ms, enters=at + rules.enter_after_ms, by=by)


def _see(here: Whereabouts, place: Place, visit: Visit, fix: _Checked, *, is_near: bool) -> None:
    """Let a position say of a visit whether she is still inside, or away; it does neither within the margin."""
    visit.seen, visit.silent = fix.at, fix.at + place.rules.silent_after_ms
    word = here.words.get(place.name)
    if word is not None:
        visit.silent = max(visit.silent, word.at + max(WORD_RULES_MS, place.rules.silent_after_ms))
        _remark(here, "phone")
    elif is_near and place.shape.holds(fix.latitude, fix.longitude):
        _stay(here, visit)
    elif is_near and place.shape.is_within(fix.latitude, fix.longitude, place.rules.margin_m):
        _remark(here, "margin")
    else:
        _go_away(here, place, visit, fix.at, "fix")


def _stay(here: Whereabouts, visit: Visit) -> None:
    if visit.away is not None:
        _remark(here, "returned")
    visit.away = visit.leaves = None


def _go_away(here: Whereabouts, place: Place, visit: Visit, at: int, by: Teller) -> None:
    if not visit.is_told:
        del here.visits[place.name]
        if visit.enters is not None:
            _remark(here, "short")
    elif visit.away is None:
        visit.away, visit.leaves, visit.by = at, at + place.rules.leave_after_ms, by


def _due(visit: Visit) -> int:
    return min(due for due in (visit.enters, visit.leaves, visit.silent) if due is not None)
