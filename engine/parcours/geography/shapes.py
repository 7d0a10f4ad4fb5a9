"""Does a circle or a polygon hold a point, and how far from its edge is one outside?

Coordinates are degrees of WGS 84. A circle is one on the sphere. The lines of a polygon are straight in latitude and
longitude, as they are on the map on which somebody drew it, and none crosses the 180th meridian. Both hold their edge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import asin, cos, degrees, hypot, pi, radians, sin
from typing import Final, TypeAlias

from parcours.geography.distance import EARTH_RADIUS_M, degrees_of, distance_m

Point: TypeAlias = tuple[float, float]
"""Latitude, longitude."""

Ring: TypeAlias = tuple[Point, ...]
"""The corners of a closed line, each once: the last one is joined to the first."""

HALF_TURN: Final = 180.0
WHOLE_TURN: Final = 360.0

QUARTER_TURN: Final = 90.0

SLACK: Final = 1e-6
"""Degrees by which boxes are wider than they need to be (11 cm): rounding puts no point of a shape out of its box."""


@dataclass(frozen=True, slots=True)
class Box:
    """What lies between two latitudes and two longitudes; `west` and `east` may lie beyond the 180th meridian."""

    south: float
    north: float
    west: float
    east: float


@dataclass(frozen=True, slots=True)
class Circle:
    """All that is no farther than the radius from the middle."""

    latitude: float
    longitude: float
    radius_m: float

    def holds(self, latitude: float, longitude: float) -> bool:
        """Whether the point is inside, or on the edge."""
        return distance_m(latitude, longitude, self.latitude, self.longitude) <= self.radius_m

    def is_within(self, latitude: float, longitude: float, margin_m: float) -> bool:
        """Whether the point is inside, or no farther than the margin from the edge."""
        return distance_m(latitude, longitude, self.latitude, self.longitude) <= self.radius_m + margin_m

    def box(self, margin_m: float) -> Box:
        """A box that has all that is inside or within the margin."""
        reach = degrees_of(self.radius_m + margin_m) + SLACK
        south, north = self.latitude - reach, self.latitude + reach
        if south <= -QUARTER_TURN or north >= QUARTER_TURN:  # it holds a pole, and so points of every longitude
            return Box(max(south, -QUARTER_TURN), min(north, QUARTER_TURN), -HALF_TURN, HALF_TURN)
        aside = degrees(asin(min(1.0, sin(radians(reach)) / cos(radians(self.latitude))))) + SLACK
        return Box(south, north, self.longitude - aside, self.longitude + aside)


@dataclass(frozen=True, slots=True)
class Polygon:
    """Parts that are each what a ring goes around, without its holes.

    parts  of each the outer ring, then those of its holes
    """

    parts: tuple[tuple[Ring, ...], ...]
    _box: Box = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        corners = [corner for part in self.parts for corner in part[0]]
        latitudes, longitudes = [each for each, _ in corners], [each for _, each in corners]
        object.__setattr__(self, "_box", Box(min(latitudes), max(latitudes), min(longitudes), max(longitudes)))

    def holds(self, latitude: float, longitude: float) -> bool:
        """Whether the point is inside, or on the edge, be it that of a hole."""
        if abs(longitude) == HALF_TURN:  # the same line has two names
            return self._holds(latitude, HALF_TURN) or self._holds(latitude, -HALF_TURN)
        return self._holds(latitude, longitude)

    def _holds(self, latitude: float, longitude: float) -> bool:
        box = self._box
        if not (box.south <= latitude <= box.north and box.west <= longitude <= box.east):
            return False
        return any(_part_holds(part, latitude, longitude) for part in self.parts)

    def is_within(self, latitude: float, longitude: float, margin_m: float) -> bool:
        """Whether the point is inside, or no farther than the margin from the nearest edge."""
        return self.holds(latitude, longitude) or self.edge_distance_m(latitude, longitude) <= margin_m

    def edge_distance_m(self, latitude: float, longitude: float) -> float:
        """How far the nearest edge is, in metres on a flat map around the point."""
        box = self._box
        is_on_this_side = longitude - HALF_TURN <= box.west and box.east <= longitude + HALF_TURN
        turns = (0.0,) if is_on_this_side else (-WHOLE_TURN, 0.0, WHOLE_TURN)
        up = EARTH_RADIUS_M * pi / HALF_TURN
        right = up * cos(radians(latitude))
        return min(
            _distance_of_origin(
                (start[1] - longitude + turn) * right,
                (start[0] - latitude) * up,
                (end[1] - longitude + turn) * right,
                (end[0] - latitude) * up,
            )
            for part in self.parts
            for ring in part
            for start, end in edges_of(ring)
            for turn in turns
        )

    def box(self, margin_m: float) -> Box:
        """A box that has all that is inside or within the margin."""
        own, reach = self._box, degrees_of(margin_m) + SLACK
        south, north = own.south - reach, own.north + reach
        if south <= -QUARTER_TURN or north >= QUARTER_TURN:
            return Box(max(south, -QUARTER_TURN), min(north, QUARTER_TURN), -HALF_TURN, HALF_TURN)
        aside = reach / cos(radians(max(abs(south), abs(north)))) + SLACK
        return Box(south, north, own.west - aside, own.east + aside)


Shape: TypeAlias = Circle | Polygon


def edges_of(ring: Sequence[Point]) -> Iterator[tuple[Point, Point]]:
    """The lines of a ring, from each corner to the next."""
    return zip(ring, (*ring[1:], ring[0]), strict=True)


def side_of(start: Point, end: Point, latitude: float, longitude: float) -> float:
    """On which side of a line a point lies, seen on a map from its start: above 0 left, below 0 right, 0 on it."""
    return (end[1] - start[1]) * (latitude - start[0]) - (longitude - start[1]) * (end[0] - start[0])


def _part_holds(part: Sequence[Ring], latitude: float, longitude: float) -> bool:
    """Whether a part holds the point: a line from there to the east meets its rings an odd number of times.

    A ring's hole is met as often as any ring, so that what is in it is met once more, and outside.
    """
    is_inside = False
    for ring in part:
        for start, end in edges_of(ring):
            (low, high) = (start[0], end[0]) if start[0] <= end[0] else (end[0], start[0])
            if not low <= latitude <= high:
                continue
            side = side_of(start, end, latitude, longitude)
            if side == 0 and min(start[1], end[1]) <= longitude <= max(start[1], end[1]):
                return True
            # Of the two lines that meet at a corner just one counts there: that whose upper end it is not.
            if latitude < high and (side > 0) == (end[0] > start[0]):
                is_inside = not is_inside
    return is_inside


def _distance_of_origin(x: float, y: float, to_x: float, to_y: float) -> float:
    """The distance of (0, 0) from a line between two points."""
    along_x, along_y = to_x - x, to_y - y
    length = along_x * along_x + along_y * along_y
    share = 0.0 if length == 0 else min(1.0, max(0.0, -(x * along_x + y * along_y) / length))
    return hypot(x + share * along_x, y + share * along_y)
