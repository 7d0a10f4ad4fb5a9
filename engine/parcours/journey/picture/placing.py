"""Where does each link of a layer go sideways, given the order? As near to its neighbours above and below as it may.

A row wants every link at the weighted mean of its neighbours, and no two of the row closer than their gap. The places
with the least squares of what is missed are found by pooling: links that would overlap become one block, whose place is
the weighted mean of what its members want. Rows take turns, downwards and upwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from parcours.journey.picture.ordering import LINKS_SWEPT_MAX

_SWEEPS: Final = 24
_SWEEPS_BOTH: Final = 4
"""The last sweeps, which look at both sides at once."""

_SWEEPS_MIN: Final = 8

_GAP_OF_BOXES: Final = 26.0
_GAP_OF_BOX_AND_LINE: Final = 16.0
_GAP_OF_LINES: Final = 6.0
_GAP_MIN: Final = 6.0
"""What remains beside a link that is moved to be straight."""

_NEARLY_STRAIGHT: Final = 14.0
_FREE: Final = 0.1
"""The weight of a link without neighbours, which stays where it is if it may."""


@dataclass(frozen=True, slots=True)
class Link:
    """A box or label, or where an arrow passes a layer."""

    width: float
    height: float
    is_box: bool = False


def placed(rows: list[list[int]], links: Sequence[Link], neighbours: Sequence[tuple[int, int, float]]) -> list[float]:
    """The middle of each link. `neighbours` are pairs, the upper one first, with the weight of what joins them."""
    up: list[list[tuple[int, float]]] = [[] for _ in links]
    down: list[list[tuple[int, float]]] = [[] for _ in links]
    for upper, lower, weight in neighbours:
        down[upper].append((lower, weight))
        up[lower].append((upper, weight))
    both = [[*above, *below] for above, below in zip(up, down, strict=True)]
    offsets = [_offsets(row, links) for row in rows]
    x = [0.0] * len(links)
    for row, offset in zip(rows, offsets, strict=True):
        for each, place in zip(row, offset, strict=True):
            x[each] = place
    sweeps = max(_SWEEPS_MIN, min(_SWEEPS, LINKS_SWEPT_MAX // len(links)))
    for sweep in range(sweeps):
        downward = sweep % 2 == 0
        near = both if sweep >= sweeps - _SWEEPS_BOTH else up if downward else down
        for number in range(len(rows)) if downward else range(len(rows) - 1, -1, -1):
            _settle(rows[number], offsets[number], near, x)
    _straighten(rows, links, up, x)
    return x


def _offsets(row: list[int], links: Sequence[Link]) -> list[float]:
    """How far the links of a row are at least from the first one."""
    found = [0.0]
    for left, right in pairwise(row):
        found.append(found[-1] + _distance(links[left], links[right]))
    return found


def _distance(left: Link, right: Link) -> float:
    gap = (
        _GAP_OF_BOXES
        if left.is_box and right.is_box
        else _GAP_OF_BOX_AND_LINE
        if left.is_box or right.is_box
        else _GAP_OF_LINES
    )
    return left.width / 2 + gap + right.width / 2


def _settle(row: list[int], offset: list[float], near: list[list[tuple[int, float]]], x: list[float]) -> None:
    means: list[float] = []
    weights: list[float] = []
    sizes: list[int] = []
    for place, each in enumerate(row):
        moment, weight = 0.0, 0.0
        for other, strength in near[each]:
            moment += x[other] * strength
            weight += strength
        mean = (moment / weight if weight else x[each]) - offset[place]
        weight = weight or _FREE
        size = 1
        while means and means[-1] > mean:
            before = weights.pop()
            mean = (means.pop() * before + mean * weight) / (before + weight)
            weight += before
            size += sizes.pop()
        means.append(mean)
        weights.append(weight)
        sizes.append(size)
    place = 0
    for mean, size in zip(means, sizes, strict=True):
        for each in row[place : place + size]:
            x[each] = mean + offset[place]
            place += 1


def _straighten(
    rows: list[list[int]], links: Sequence[Link], up: list[list[tuple[int, float]]], x: list[float]
) -> None:
    """A link that is nearly below the one above it goes right below it where there is room, a passing arrow always."""
    for row in rows[1:]:
        for place, each in enumerate(row):
            passing = not links[each].is_box
            limit = float("inf") if passing else _NEARLY_STRAIGHT
            near = [x[other] for other, _ in up[each] if abs(x[other] - x[each]) < limit]
            if not near or (passing and links[up[each][0][0]].is_box):
                continue
            wanted = near[0]
            half = links[each].width / 2 + _GAP_MIN
            fits_left = place == 0 or wanted - half >= x[row[place - 1]] + links[row[place - 1]].width / 2
            last = place == len(row) - 1
            fits_right = last or wanted + half <= x[row[place + 1]] - links[row[place + 1]].width / 2
            if fits_left and fits_right:
                x[each] = wanted
