"""What is wrong with the rings of a polygon? They may not cross themselves, each other, or the 180th meridian."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from parcours.geography.shapes import HALF_TURN, Point, Polygon, Ring, edges_of, side_of
from parcours.journey.model.places import POLYGON_POINTS_MAX

CORNERS_MIN: Final = 3

_Edge: TypeAlias = tuple[Point, Point, int, int, int]
"""Its ends, the number of its ring and its own there, and how many edges the ring has."""


def without_repetitions(corners: Sequence[Point]) -> Ring:
    """The ring of these corners: one that is the same as that before it, or the last as the first, is said twice."""
    ring = [each for at, each in enumerate(corners) if at == 0 or each != corners[at - 1]]
    while len(ring) > 1 and ring[0] == ring[-1]:
        ring.pop()
    return tuple(ring)


def fault_of(part: Sequence[Ring]) -> str | None:
    """Why the rings, the outer one and those of its holes, make no polygon; None where they do."""
    points = sum(len(ring) for ring in part)
    if points > POLYGON_POINTS_MAX:
        return f"these are {points} points, and a polygon has {POLYGON_POINTS_MAX} at most"
    if any(len(ring) < CORNERS_MIN for ring in part):
        return "a polygon has three different corners at least"
    for ring in part:
        for start, end in edges_of(ring):
            if abs(start[1] - end[1]) > HALF_TURN:
                return f"it crosses the 180th meridian between {_told(start)} and {_told(end)}: cut it in two there"
    if (crossed := _crossed(part)) is not None:
        return f"it crosses or touches itself near {_told(crossed)}"
    outer = Polygon(((part[0],),))
    for hole in part[1:]:
        if not all(outer.holds(*corner) for corner in hole):
            return f"the hole at {_told(hole[0])} lies outside of the polygon"
    return None


def _told(point: Point) -> str:
    return f"[{point[0]:g}, {point[1]:g}]"


def _crossed(part: Sequence[Ring]) -> Point | None:
    """Where two edges meet that should not; None if there is no such place.

    Edges are taken from south to north, each with those before it that go on at its start.
    """
    edges = sorted(_edges(part), key=lambda edge: min(edge[0][0], edge[1][0]))
    going_on: list[_Edge] = []
    for edge in edges:
        south = min(edge[0][0], edge[1][0])
        going_on = [other for other in going_on if max(other[0][0], other[1][0]) >= south]
        west, east = min(edge[0][1], edge[1][1]), max(edge[0][1], edge[1][1])
        for other in going_on:
            if other[0][1] < west and other[1][1] < west:
                continue
            if other[0][1] > east and other[1][1] > east:
                continue
            if _clash(edge, other):
                return edge[0]
        going_on.append(edge)
    return None


def _edges(part: Sequence[Ring]) -> Iterator[_Edge]:
    for number, ring in enumerate(part):
        for place, (start, end) in enumerate(edges_of(ring)):
            yield start, end, number, place, len(ring)


def _clash(edge: _Edge, other: _Edge) -> bool:
    """Whether two edges meet though they should not.

    Neighbours share a corner and nothing else. Other edges of one ring do not even touch; those of different rings,
    as an outer one and its hole, may touch in a point.
    """
    start, end, ring, place, count = edge
    other_start, other_end, other_ring, other_place, _ = other
    sides = (side_of(start, end, *other_start), side_of(start, end, *other_end))
    other_sides = (side_of(other_start, other_end, *start), side_of(other_start, other_end, *end))
    is_one_line = not any(sides)
    if ring == other_ring and (place - other_place) % count in (1, count - 1):
        return is_one_line and _overlap(edge, other)
    if is_one_line:
        touches = _touches(edge, other)
        return touches if ring == other_ring else touches and _overlap(edge, other)
    if ring == other_ring:
        return _apart(sides) and _apart(other_sides)
    return 0 not in (*sides, *other_sides) and _apart(sides) and _apart(other_sides)


def _apart(sides: tuple[float, float]) -> bool:
    """Whether two points are not both on the same side of a line."""
    return not (sides[0] > 0 and sides[1] > 0) and not (sides[0] < 0 and sides[1] < 0)


def _spans(edge: _Edge, other: _Edge) -> tuple[float, float, float, float]:
    """Where two edges on one line begin and end, along the coordinate in which the first is longer."""
    axis = 0 if abs(edge[1][0] - edge[0][0]) > abs(edge[1][1] - edge[0][1]) else 1
    low, high = sorted((edge[0][axis], edge[1][axis]))
    other_low, other_high = sorted((other[0][axis], other[1][axis]))
    return low, high, other_low, other_high


def _touches(edge: _Edge, other: _Edge) -> bool:
    low, high, other_low, other_high = _spans(edge, other)
    return low <= other_high and other_low <= high


def _overlap(edge: _Edge, other: _Edge) -> bool:
    low, high, other_low, other_high = _spans(edge, other)
    return low < other_high and other_low < high
