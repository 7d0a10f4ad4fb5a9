"""Who enters and leaves which place when, written once more and otherwise: place by place, over a whole walk at once.

It has a library's word for what is inside and how far away, and looks at all that is known of one place before the
next. Nothing here is imported from the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, radians
from typing import Any

import shapely
from geographiclib.geodesic import Geodesic

RADIUS_M = 6_371_008.8
SPHERE = Geodesic(RADIUS_M, 0)
DAY = 86_400_000
NEVER = 10**18


@dataclass(frozen=True)
class Spot:
    """A place. `shape` is ("circle", lat, lon, metres) or ("polygon", rings of (lat, lon))."""

    name: str
    shape: tuple[Any, ...]
    enter_after: int
    leave_after: int
    margin: float
    accuracy_max: float
    silent_after: int
    first: str


@dataclass(frozen=True)
class Heard:
    """What was told at `at`: of a fix ("fix", lat, lon, accuracy), of a phone ("phone", place, way)."""

    at: int
    told_at: int
    what: tuple[Any, ...]


@dataclass(frozen=True, order=True)
class Told:
    """An entry or an exit. They sort in the order of happening."""

    at: int
    way_order: int
    place: str
    why: str
    dwell_s: int | None

    @property
    def way(self) -> str:
        return ("left", "entered")[self.way_order]


def beyond(spot: Spot, lat: float, lon: float) -> float:
    """How far outside of the edge a point lies, in metres; 0 inside."""
    if spot.shape[0] == "circle":
        _, middle_lat, middle_lon, metres = spot.shape
        away: float = SPHERE.Inverse(middle_lat, middle_lon, lat, lon)["s12"]
        return max(0.0, away - float(metres))
    outer, *holes = [[(x, y) for y, x in ring] for ring in spot.shape[1]]
    polygon = shapely.Polygon(outer, holes)
    if polygon.covers(shapely.Point(lon, lat)):
        return 0.0
    distances: list[float] = [_flat_distance(polygon, lat, lon + turn) for turn in (-360, 0, 360)]
    return min(distances)


def _flat_distance(polygon: shapely.Polygon, lat: float, lon: float) -> float:
    up = RADIUS_M * pi / 180
    flat = shapely.transform(polygon, lambda points: (points - [lon, lat]) * [up * cos(radians(lat)), up])
    return float(flat.distance(shapely.Point(0, 0)))


def told_of(spots: list[Spot], walk: list[Heard]) -> list[Told]:
    """Everything that is told of the walk, until nothing more can come of it."""
    fixes = _accepted(walk, max(spot.accuracy_max for spot in spots))
    return sorted(told for spot in spots for told in _told_of(spot, fixes, _words(spot, walk), walk))


def _accepted(walk: list[Heard], accuracy_max: float) -> list[Heard]:
    """The fixes that say anything at all."""
    accepted: list[Heard] = []
    for heard in walk:
        if heard.what[0] != "fix":
            continue
        numbers = heard.what[1:]
        if any(type(each) not in (int, float) for each in numbers):
            continue
        lat, lon, accuracy = numbers
        in_range = -90 <= lat <= 90 and -180 <= lon <= 180 and 0 <= accuracy <= accuracy_max
        if in_range and not (accepted and heard.told_at < accepted[-1].told_at):
            accepted.append(heard)
    return accepted


def _words(spot: Spot, walk: list[Heard]) -> list[Heard]:
    words: list[Heard] = []
    for heard in walk:
        if heard.what[0] != "phone" or heard.what[1] != spot.name or heard.what[2] not in ("enter", "exit"):
            continue
        is_older = words and heard.at < words[-1].at + DAY and heard.told_at < words[-1].told_at
        if not is_older:
            words.append(heard)
    return words


def _told_of(spot: Spot, fixes: list[Heard], words: list[Heard], walk: list[Heard]) -> list[Told]:
    told: list[Told] = []
    visit: dict[str, Any] | None = None
    clear = [each for each in fixes if each.what[3] <= spot.accuracy_max]
    for heard in walk:
        if not any(heard is each for each in (*clear, *words)):
            continue
        visit = _let_pass(spot, visit, heard.at - 1, told)
        word = next((each for each in reversed(words) if _is_before(walk, each, heard)), None)
        is_ruled = word is not None and heard.at < word.at + DAY
        if heard.what[0] == "phone":
            where, until = ("in" if heard.what[2] == "enter" else "out"), heard.at + max(DAY, spot.silent_after)
        else:
            outside = beyond(spot, heard.what[1], heard.what[2])
            where = "in" if outside == 0 else "out" if outside > spot.margin else "edge"
            until = heard.at + spot.silent_after
            if is_ruled and word is not None:
                where, until = "unsaid", max(until, word.at + max(DAY, spot.silent_after))
        visit = _applied(spot, visit, heard, where, until, is_first=heard is fixes[0] if fixes else False)
    _let_pass(spot, visit, NEVER, told)
    return told


def _is_before(walk: list[Heard], one: Heard, other: Heard) -> bool:
    places = [number for number, each in enumerate(walk) if each is one or each is other]
    return len(places) == 2 and walk[places[0]] is one


def _applied(
    spot: Spot, visit: dict[str, Any] | None, heard: Heard, where: str, until: int, *, is_first: bool
) -> dict[str, Any] | None:
    by = heard.what[0]
    if visit is None:
        if where != "in":
            return None
        quiet = is_first and by == "fix" and spot.first == "silent"
        entry = "never" if quiet else "due"
        return {"from": heard.at, "entry": entry, "gone": None, "last": heard.at, "until": until, "by": by}
    if where == "out" and visit["entry"] != "told":
        return None
    visit = {**visit, "last": heard.at, "until": until}
    if where == "in":
        visit["gone"] = None
    elif where == "out" and visit["gone"] is None:
        visit["gone"], visit["gone_by"] = heard.at, by
    return visit


def _let_pass(spot: Spot, visit: dict[str, Any] | None, until: int, told: list[Told]) -> dict[str, Any] | None:
    """What time brings up to this instant, in order."""
    while visit is not None:
        entry = visit["from"] + spot.enter_after if visit["entry"] == "due" else NEVER
        leave = visit["gone"] + spot.leave_after if visit["gone"] is not None else NEVER
        silent = visit["until"]
        if min(entry, leave, silent) > until:
            return visit
        if entry < min(leave, silent):
            told.append(Told(entry, 1, spot.name, visit["by"], None))
            visit = {**visit, "entry": "told"}
            continue
        if visit["entry"] == "told":
            end = visit["last"] if visit["gone"] is None else visit["gone"]
            why = visit["gone_by"] if leave <= silent else "silent"
            told.append(Told(min(leave, silent), 0, spot.name, why, (end - visit["from"]) // 1000))
        visit = None
    return None
