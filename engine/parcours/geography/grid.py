"""Which of many shapes is a point near to? A grid of cells, each with the shapes that may hold points of it.

Cells are 0.005 degrees wide and high, half a kilometre, of which even in a city each has few shapes: what is looked at
for a point lies all over the memory, and waiting for that is most of the time. A shape that would lie in many of them
lies in cells ten times as wide, or a hundred times, or two thousand times, so that nothing fills the memory however
wide it is. A point is looked for in the cells of all four.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import floor
from typing import Final, Generic, TypeAlias, TypeVar

from parcours.geography.shapes import HALF_TURN, QUARTER_TURN, WHOLE_TURN, Box

T = TypeVar("T")

CELLS_IN_A_DEGREE: Final = (200.0, 20.0, 2.0, 0.1)
"""How many cells there are in a degree, in each of the grids."""

_Entry: TypeAlias = tuple[float, float, float, float, T]

CELLS_OF_ONE_MAX: Final = 25
"""Cells in which one shape may lie before it goes to the next grid: 5 in each direction, few of them for their edge."""


class Grid(Generic[T]):
    """Things by the boxes around them. It does not change once it is made.

    _levels  of each grid in which anything lies the cells in a degree, those around the globe, and what is in them:
             what lies between which latitudes, and between which longitudes on this side of the 180th meridian
    """

    __slots__ = ("_levels",)

    def __init__(self, things: Iterable[tuple[Box, T]]) -> None:
        found: list[dict[int, list[_Entry[T]]]] = [{} for _ in CELLS_IN_A_DEGREE]
        for box, thing in things:
            level, rows, columns = _spans(box)
            cells, around = found[level], _cells_around(CELLS_IN_A_DEGREE[level])
            for column in columns:
                beyond = column // around * WHOLE_TURN
                entry = (box.south, box.north, box.west - beyond, box.east - beyond, thing)
                for row in rows:
                    cells.setdefault(row * around + column % around, []).append(entry)
        levels = zip(CELLS_IN_A_DEGREE, map(_cells_around, CELLS_IN_A_DEGREE), found, strict=True)
        self._levels = [each for each in levels if each[2]]

    def near(self, latitude: float, longitude: float) -> list[T]:
        """The things in whose box the point lies, or is by a rounding beside it."""
        if longitude == HALF_TURN:  # the same line has two names, and cells begin with this one
            longitude = -HALF_TURN
        found: list[T] = []
        above, right = latitude + QUARTER_TURN, longitude + HALF_TURN
        for scale, around, cells in self._levels:
            for south, north, west, east, thing in cells.get(int(above * scale) * around + int(right * scale), ()):
                if south <= latitude <= north and west <= longitude <= east:
                    found.append(thing)
        return found


def _cells_around(scale: float) -> int:
    return round(WHOLE_TURN * scale)


def _spans(box: Box) -> tuple[int, range, range]:
    """The grid for a box, and its rows and columns there; columns may lie beyond the 180th meridian."""
    last = len(CELLS_IN_A_DEGREE) - 1
    for level, scale in enumerate(CELLS_IN_A_DEGREE):
        rows = range(_at(box.south, QUARTER_TURN, scale), _at(box.north, QUARTER_TURN, scale) + 1)
        columns = range(_at(box.west, HALF_TURN, scale), _at(box.east, HALF_TURN, scale) + 1)
        columns = columns[: _cells_around(scale)]
        if level == last or len(rows) * len(columns) <= CELLS_OF_ONE_MAX:
            return level, rows, columns
    raise AssertionError("the last grid takes whatever no other does")


def _at(degrees: float, start: float, scale: float) -> int:
    return floor((degrees + start) * scale)
