"""How far is it between two points of the globe, taken as a sphere?"""

from __future__ import annotations

from math import asin, cos, degrees, radians, sin, sqrt
from typing import Final

EARTH_RADIUS_M: Final = 6_371_008.8
"""The mean radius of WGS 84's ellipsoid: distances on the sphere are off by 0.6 % at most."""

HALF_ROUND_M: Final = 20_015_114.0
"""From a point to the one opposite, rounded down: nothing is farther away."""


def distance_m(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """The distance of two points in metres, by the haversine formula; coordinates in degrees."""
    here, there = radians(latitude), radians(other_latitude)
    across, along = sin((there - here) / 2), sin(radians(other_longitude - longitude) / 2)
    half_chord = sqrt(across * across + cos(here) * cos(there) * along * along)
    return 2 * EARTH_RADIUS_M * asin(min(1.0, half_chord))


def degrees_of(metres: float) -> float:
    """How many degrees of a great circle so many metres are."""
    return degrees(metres / EARTH_RADIUS_M)
