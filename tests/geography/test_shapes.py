"""Distances, circles and polygons, each compared with what a library of others says."""

from __future__ import annotations

from math import cos, pi, radians

import pytest
import shapely
from geographiclib.geodesic import Geodesic
from hypothesis import assume, given
from hypothesis import strategies as st

from parcours.geography.distance import EARTH_RADIUS_M, HALF_ROUND_M, degrees_of, distance_m
from parcours.geography.shapes import Circle, Point, Polygon, Ring

LATITUDES = st.floats(-90, 90, allow_subnormal=False)
LONGITUDES = st.floats(-180, 180, allow_subnormal=False)
SPHERE = Geodesic(EARTH_RADIUS_M, 0)

MAP_STEPS = st.integers(-64, 64).map(lambda step: step / 16)
"""Coordinates of which each product and difference is exact, so that an edge is met or missed without any rounding."""


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_a_distance_is_that_of_the_geodesic_on_a_sphere(lat: float, lon: float, to_lat: float, to_lon: float) -> None:
    expected = SPHERE.Inverse(lat, lon, to_lat, to_lon)["s12"]
    assume(expected < HALF_ROUND_M - 100_000)  # towards the opposite point haversine loses digits

    assert distance_m(lat, lon, to_lat, to_lon) == pytest.approx(expected, rel=1e-9, abs=1e-3)


@given(LATITUDES, LONGITUDES, st.floats(0, 1_000_000), st.floats(0, 360))
def test_a_circle_holds_what_is_nearer_than_its_edge(lat: float, lon: float, radius_m: float, bearing: float) -> None:
    circle = Circle(lat, lon, radius_m)

    inside = SPHERE.Direct(lat, lon, bearing, max(0.0, radius_m - 0.01))
    outside = SPHERE.Direct(lat, lon, bearing, radius_m + 0.01)

    assert circle.holds(inside["lat2"], inside["lon2"]) or radius_m < 0.01
    assert not circle.holds(outside["lat2"], outside["lon2"])
    assert circle.is_within(outside["lat2"], outside["lon2"], 0.02)


def test_a_circle_holds_its_edge() -> None:
    edge_m = distance_m(33.749, -84.388, 33.75, -84.388)

    assert Circle(33.749, -84.388, edge_m).holds(33.75, -84.388)
    assert not Circle(33.749, -84.388, edge_m).holds(33.7500001, -84.388)


@pytest.mark.parametrize(
    ("circle", "held", "not_held"),
    [
        (Circle(89.9, 0, 20_000), (89.95, 180), (89.7, 180)),  # the pole lies between
        (Circle(-89.9, 10, 20_000), (-89.95, -170), (-89.7, -170)),
        (Circle(0, 179.95, 10_000), (0, -179.97), (0, -179.9)),  # so does the 180th meridian
        (Circle(90, 0, 5_000), (89.96, 77), (89.95, 77)),
    ],
)
def test_a_circle_may_lie_over_a_pole_or_the_180th_meridian(circle: Circle, held: Point, not_held: Point) -> None:
    assert circle.holds(*held)
    assert not circle.holds(*not_held)


@st.composite
def polygons(draw: st.DrawFn) -> tuple[Polygon, shapely.Polygon]:
    """A polygon around a point, of any number of corners, with a smaller one as its hole, in both forms."""
    angles = sorted(draw(st.sets(st.integers(0, 35), min_size=3, max_size=12)))
    radii = [draw(st.floats(1, 4)) for _ in angles]
    lat, lon = draw(MAP_STEPS), draw(MAP_STEPS)

    def ring(scale: float) -> Ring:
        points = [(r * scale, a * 10) for r, a in zip(radii, angles, strict=True)]
        return tuple(
            (round((lat + r * cos(radians(90 - a))) * 64) / 64, round((lon + r * cos(radians(a))) * 64) / 64)
            for r, a in points
        )

    outer, hole = ring(1.0), ring(0.4)
    theirs = shapely.Polygon([(x, y) for y, x in outer], [[(x, y) for y, x in hole]])
    assume(theirs.is_valid)
    return Polygon(((outer, hole),)), theirs


@given(polygons(), MAP_STEPS, MAP_STEPS)
def test_a_polygon_holds_what_shapely_says_it_covers(
    both: tuple[Polygon, shapely.Polygon], lat: float, lon: float
) -> None:
    ours, theirs = both

    assert ours.holds(lat, lon) == theirs.covers(shapely.Point(lon, lat))


@given(polygons())
def test_a_polygon_holds_its_corners_and_the_middles_of_its_lines(both: tuple[Polygon, shapely.Polygon]) -> None:
    ours, _ = both
    for ring in ours.parts[0]:
        for start, end in zip(ring, (*ring[1:], ring[0]), strict=True):
            assert ours.holds(*start)
            assert ours.holds((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)


@given(polygons(), MAP_STEPS, MAP_STEPS)
def test_the_distance_of_a_polygon_is_that_on_a_flat_map_around_the_point(
    both: tuple[Polygon, shapely.Polygon], lat: float, lon: float
) -> None:
    ours, theirs = both
    up = EARTH_RADIUS_M * pi / 180
    flat = shapely.transform(
        theirs.boundary, lambda at: (at - [lon, lat]) * [up * cos(radians(lat)), up], include_z=False
    )

    assert ours.edge_distance_m(lat, lon) == pytest.approx(flat.distance(shapely.Point(0, 0)), rel=1e-9, abs=1e-6)


SQUARE: Ring = ((0.0, 179.0), (0.0, 180.0), (1.0, 180.0), (1.0, 179.0))
WIDE: Ring = ((0.0, -179.0), (0.0, 179.0), (1.0, 179.0), (1.0, -179.0))


@pytest.mark.parametrize("ring", [SQUARE, SQUARE[::-1]])
def test_the_180th_meridian_has_two_names_and_no_sides(ring: Ring) -> None:
    square = Polygon(((ring,),))

    assert square.holds(0.5, -180.0)
    assert not square.holds(0.5, -179.999)
    assert square.is_within(0.5, -179.999, 112)
    assert not square.is_within(0.5, -179.999, 111)


@pytest.mark.parametrize("ring", [WIDE, WIDE[::-1]])
def test_the_nearest_edge_of_a_wide_polygon_may_be_beyond_the_180th_meridian(ring: Ring) -> None:
    wide = Polygon(((ring,),))

    nearest = wide.edge_distance_m(0.5, 179.9)

    assert nearest == pytest.approx(0.9 * EARTH_RADIUS_M * pi / 180 * cos(radians(0.5)))


def test_degrees_of_a_great_circle_are_those_of_the_distance() -> None:
    assert degrees_of(distance_m(10, 20, 15, 20)) == pytest.approx(5)
