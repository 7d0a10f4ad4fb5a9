"""What each feature has moved a margin by, from that of the mean person.

Of weights it is weight × (value - mean) / scale; of trees the change of the mean from node to node along the person's
path, credited to the feature that was asked. All of them add up to her margin minus the mean margin.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import Final, NamedTuple

from parcours.scoring.model import LEAF, ScoreModel

SHOWN_MAX: Final = 3
"""Features that are told of a score: what moved it most."""


class MarginMoved(NamedTuple):
    """What has moved a margin: the mean one, and what each of the largest and all others together have added to it."""

    mean: float
    largest: tuple[tuple[str, float], ...]
    others: float


def moved(model: ScoreModel, numbers: Sequence[float]) -> MarginMoved:
    """What has moved the margin of these numbers most. The sum of all of it is the margin, but for rounding."""
    by_feature = contributions(model, numbers)
    first = largest(by_feature, SHOWN_MAX)
    named = {name for name, _ in first}
    others = fsum(amount for name, amount in by_feature.items() if name not in named)
    return MarginMoved(mean_margin(model), tuple(first), others)


def mean_margin(model: ScoreModel) -> float:
    """The margin from which contributions are counted: at the mean of each feature, or at the root of each tree."""
    margin = model.intercept
    for nodes in model.trees or ():
        margin += nodes[0][4]
    return margin


def contributions(model: ScoreModel, numbers: Sequence[float]) -> dict[str, float]:
    """By feature, in the order of the file. `numbers` are the person's, as for the margin."""
    moved = [0.0] * len(model.features)
    if model.weights is not None:
        for place, (weight, each) in enumerate(zip(model.weights, model.features, strict=True)):
            moved[place] = weight * ((numbers[place] - each.mean) / each.scale)
    for nodes in model.trees or ():
        at = 0
        while nodes[at][0] != LEAF:
            feature, threshold, left, right, before = nodes[at]
            at = left if numbers[feature] <= threshold else right
            moved[feature] += nodes[at][4] - before
    return {each.name: amount for each, amount in zip(model.features, moved, strict=True)}


def largest(moved: dict[str, float], most: int) -> list[tuple[str, float]]:
    """Those that moved a margin most, either way, the largest first; of equal ones by name."""
    return sorted(moved.items(), key=lambda each: (-abs(each[1]), each[0]))[:most]
