"""The grid finds every shape that holds a point or has it within its margin, wherever on the globe."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from parcours.geography.grid import CELLS_OF_ONE_MAX, Grid
from parcours.geography.shapes import Box, Circle, Polygon, Shape

LATITUDES = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, 90.0, 89.99, -89.99, 0.0, 0.1]))
LONGITUDES = st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, 180.0, 179.99, -179.99, 0.0, 0.1]))


@st.composite
def circles(draw: st.DrawFn) -> Circle:
    metres = draw(st.sampled_from([1, 120, 5_000, 40_000, 900_000, 15_000_000]))
    return Circle(draw(LATITUDES), draw(LONGITUDES), metres)


@st.composite
def squares(draw: st.DrawFn) -> Polygon:
    south, west = draw(st.floats(-90, 89)), draw(st.floats(-180, 179))
    high, wide = draw(st.sampled_from([0.001, 0.3, 1.0])), draw(st.sampled_from([0.001, 0.3, 1.0]))
    ring = ((south, west), (south, west + wide), (south + high, west + wide), (south + high, west))
    return Polygon(((ring,),))


@given(st.lists(st.one_of(circles(), squares()), max_size=8), st.data(), st.sampled_from([0, 50, 3_000, 200_000]))
def test_whatever_has_a_point_within_its_margin_is_found(shapes: list[Shape], data: st.DataObject, margin: int) -> None:
    grid = Grid((shape.box(margin), shape) for shape in shapes)
    corners = [(shape.latitude, shape.longitude) for shape in shapes if isinstance(shape, Circle)]
    corners += [corner for shape in shapes if isinstance(shape, Polygon) for corner in shape.parts[0][0]]
    start = data.draw(st.sampled_from([*corners, (0.0, 0.0)]))
    off = st.sampled_from([0.0, 0.0001, -0.0001, 0.3, -0.3, 1.7, -1.7])
    lat = min(90.0, max(-90.0, start[0] + data.draw(off)))
    lon = (start[1] + data.draw(off) + 540) % 360 - 180

    found = grid.near(lat, lon)

    for shape in shapes:
        assert shape in found or not shape.is_within(lat, lon, margin)


def test_what_is_elsewhere_is_not_found() -> None:
    grid = Grid((circle.box(50), circle) for circle in (Circle(33.7, -84.3, 120), Circle(47.6, -122.3, 120)))

    assert grid.near(33.7, -84.3) == [Circle(33.7, -84.3, 120)]
    assert grid.near(33.79, -84.3) == []  # the same cell, but another latitude
    assert grid.near(0, 0) == []


def test_however_wide_a_shape_is_it_lies_in_few_cells() -> None:
    for box in (Box(-90, 90, -180, 180), Box(89, 90, -180, 180), Box(0, 5, 0, 5), Box(0, 0.95, 0, 0.95)):
        grid = Grid([(box, "wide")])
        cells = [sum(len(entries) for entries in level.values()) for _, _, level in grid._levels]
        assert sum(cells) <= max(CELLS_OF_ONE_MAX, 19 * 36)
        assert grid.near(box.south, box.west) == ["wide"]
