"""In which order do boxes and passing arrows lie within a layer, so that few arrows cross?

The order of the document comes first. Then, layer by layer and down and up in turns, each link goes to the middle of
its neighbours in the layer before (the barycentre), and of all the orders so met the one with the fewest crossings is
taken. The fewest of all are not looked for: that is a hard problem, and a journey wants to be read in its own order.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_SWEEPS_MAX: Final = 12
LINKS_SWEPT_MAX: Final = 60_000
"""Links over all sweeps together, of orders as of places: a picture of thousands is swept less often, and soon done."""

_SWEEPS_MIN: Final = 4


@dataclass(frozen=True, slots=True)
class Chains:
    """The layer of each link, boxes first; and the links of each arrow from top to bottom, one in each layer."""

    layer: Sequence[int]
    paths: Sequence[Sequence[int]]


def ordered(chains: Chains, boxes: int) -> tuple[list[list[int]], int]:
    """The links of each layer from left to right, and how often arrows cross between them."""
    up: list[list[int]] = [[] for _ in chains.layer]
    down: list[list[int]] = [[] for _ in chains.layer]
    for path in chains.paths:
        for upper, lower in pairwise(path):
            down[upper].append(lower)
            up[lower].append(upper)
    rows = _as_written(chains.layer, down, boxes)
    best, fewest = rows, _crossings(rows, down)
    sweeps = max(_SWEEPS_MIN, min(_SWEEPS_MAX, LINKS_SWEPT_MAX // len(chains.layer)))
    for sweep in range(sweeps):
        if not fewest:
            break
        rows = _swept(rows, up if sweep % 2 == 0 else down, downward=sweep % 2 == 0)
        crossings = _crossings(rows, down)
        if crossings < fewest:
            best, fewest = rows, crossings
    return best, fewest


def _as_written(layer: Sequence[int], down: list[list[int]], boxes: int) -> list[list[int]]:
    """Each layer in the order in which a walk in document order comes by."""
    rows: list[list[int]] = [[] for _ in range(max(layer) + 1)]
    seen = [False] * len(layer)
    for root in range(boxes):
        stack = [root]
        while stack:
            at = stack.pop()
            if seen[at]:
                continue
            seen[at] = True
            rows[layer[at]].append(at)
            stack += reversed(down[at])
    return rows


def _swept(rows: list[list[int]], near: list[list[int]], *, downward: bool) -> list[list[int]]:
    """The rows, each sorted by the middles of its neighbours in the row that was sorted before it."""
    swept = list(rows)
    position = [0] * len(near)
    for row in rows:
        for place, each in enumerate(row):
            position[each] = place
    sequence = range(1, len(rows)) if downward else range(len(rows) - 2, -1, -1)
    for number in sequence:
        middles = []
        for place, each in enumerate(rows[number]):
            others = near[each]
            middle = sum(position[other] for other in others) / len(others) if others else float(place)
            middles.append((middle, place, each))
        middles.sort()
        swept[number] = [each for _, _, each in middles]
        for place, each in enumerate(swept[number]):
            position[each] = place
    return swept


def _crossings(rows: list[list[int]], down: list[list[int]]) -> int:
    found = 0
    for upper, lower in pairwise(rows):
        position = {each: place for place, each in enumerate(lower)}
        passed: list[int] = []
        for each in upper:
            targets = sorted(position[target] for target in down[each])
            for target in targets:
                found += len(passed) - bisect_right(passed, target)
            for target in targets:
                insort(passed, target)
    return found
