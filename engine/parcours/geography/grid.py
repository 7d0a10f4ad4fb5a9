"""Which of many shapes is a point near to? A grid of cells, each with the shapes that may hold points of it.

Cells are 0.01 degrees wide and high, a kilometre, of which even in a city each has few shapes. A shape that would lie
in many of them lies in cells ten times as wide, or a hundred times, or a thousand times, so that nothing fills the
memory however wide it is. A point is looked for in the cells of all four.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import floor
from typing import Final, Generic, TypeVar

from parcours.geography.shapes import HALF_TURN, QUARTER_TURN, WHOLE_TURN, Box

T = TypeVar("T")

CELLS_IN_A_DEGREE: Final = (100.0, 10.0, 1.0, 0.1)
"""How many cells there are in a degree, in each of the grids."""

CELLS_OF_ONE_MAX: Final = 25
"""Cells in which one shape may lie before it goes to the next grid: 5 in each direction, few of them for their edge."""


class Grid(Generic[T]):
    """Things by the boxes around them. It does not change once it is made."""

    __slots__ = ("_cells",)

    def __init__(self, things: Iterable[tuple[Box, T]]) -> None:
        self._cells: list[dict[int, list[tuple[float, float, T]]]] = [{} for _ in CELLS_IN_A_DEGREE]
        for box, thing in things:
            level, rows, columns = _spans(box)
            cells, around = self._cells[level], _cells_around(CELLS_IN_A_DEGREE[level])
            entry = (box.south, box.north, thing)
            for row in rows:
                for column in columns:
                    cells.setdefault(row * around + column % around, []).append(entry)

    def near(self, latitude: float, longitude: float) -> list[T]:
        """The things in whose cell the point lies and between whose latitudes: all whose box has it, and more."""
        found: list[T] = []
        for scale, cells in zip(CELLS_IN_A_DEGREE, self._cells, strict=True):
            if not cells:
                continue
            around = _cells_around(scale)
            column = int((longitude + HALF_TURN) * scale) % around
            for south, north, thing in cells.get(int((latitude + QUARTER_TURN) * scale) * around + column, ()):
                if south <= latitude <= north:
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
