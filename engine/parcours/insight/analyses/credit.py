"""What does each touch of one path get? The models that look at one path at a time, by place, age and visit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final

from parcours.insight.analyses.paths import ConvertedPath
from parcours.journey.analyses import ByPosition

NONE: Final = "(none)"
"""What gets the credit for conversions that no touch led to."""

POSITIONS: Final[Mapping[str, ByPosition]] = {
    "first": ByPosition(1, 0, 0),
    "last": ByPosition(0, 0, 1),
    "u": ByPosition(40, 20, 40),
    "j": ByPosition(20, 20, 60),
    "inverse-j": ByPosition(60, 20, 20),
}
"""Models that are shares by the place of a touch in its path."""


class Tally:
    """Conversions and value by key, while they are added up."""

    __slots__ = ("conversions", "value")

    def __init__(self) -> None:
        self.conversions: defaultdict[str, float] = defaultdict(float)
        self.value: defaultdict[str, float] = defaultdict(float)

    def add(self, key: str, conversions: float, value: float) -> None:
        self.conversions[key] += conversions
        self.value[key] += value


class Worth:
    """How many conversions a path led to, and what they are worth together."""

    __slots__ = ("conversions", "value")

    def __init__(self) -> None:
        self.conversions = 0
        self.value = 0.0

    def add(self, value: float) -> None:
        self.conversions += 1
        self.value += value


@cache
def shares_by_position(model: ByPosition, touches: int) -> tuple[float, ...]:
    """What each of so many touches in a row gets of 1.

    Two share as the first and the last do, in equal parts if those two have nothing.
    """
    if touches == 1:
        return (1.0,)
    if touches == 2:
        both = model.first + model.last
        return (model.first / both, model.last / both) if both else (0.5, 0.5)
    whole = model.first + model.between + model.last
    between = model.between / whole / (touches - 2)
    return (model.first / whole, *((between,) * (touches - 2)), model.last / whole)


def credit_by_position(paths: Mapping[tuple[str, ...], Worth], model: ByPosition, tally: Tally) -> None:
    """To each touch by its place; the paths are not empty."""
    to_conversions, to_value = tally.conversions, tally.value
    for keys, worth in paths.items():
        conversions, value = worth.conversions, worth.value
        for key, share in zip(keys, shares_by_position(model, len(keys)), strict=True):
            if share:
                to_conversions[key] += share * conversions
                to_value[key] += share * value


def credit_equally(paths: Mapping[tuple[str, ...], Worth], tally: Tally) -> None:
    """To each touch the same; the paths are not empty."""
    to_conversions, to_value = tally.conversions, tally.value
    for keys, worth in paths.items():
        conversions, value = worth.conversions / len(keys), worth.value / len(keys)
        for key in keys:
            to_conversions[key] += conversions
            to_value[key] += value


def credit_each_key(sets: Mapping[frozenset[str], Worth], tally: Tally) -> None:
    """To each different key of a path all that the path led to, so that the credits do not add up."""
    for keys, worth in sets.items():
        for key in keys:
            tally.add(key, worth.conversions, worth.value)


def credit_same_visit(path: ConvertedPath, value: float, tally: Tally) -> None:
    """All to the last touch in the conversion's own visit; to `(none)` if none was in it."""
    visit = path.conversion.visit
    if visit is not None:
        for touch in reversed(path.touches):
            if touch.visit == visit:
                tally.add(touch.key, 1, value)
                return
    tally.add(NONE, 1, value)


def credit_by_age(path: ConvertedPath, value: float, half_life_ms: int, tally: Tally) -> None:
    """To each touch half as much for each half life before the conversion; the path is not empty.

    Ages are counted from the latest touch, which changes no share and keeps old paths from vanishing to nothing.
    """
    latest = path.touches[-1].at
    weights = [2.0 ** ((touch.at - latest) / half_life_ms) for touch in path.touches]
    whole = sum(weights)
    for touch, weight in zip(path.touches, weights, strict=True):
        tally.add(touch.key, weight / whole, weight / whole * value)


def key_sets(paths: Mapping[tuple[str, ...], Worth]) -> dict[frozenset[str], Worth]:
    """Paths with the same different keys together."""
    sets: dict[frozenset[str], Worth] = {}
    for keys, worth in paths.items():
        together = sets.setdefault(frozenset(keys), Worth())
        together.conversions += worth.conversions
        together.value += worth.value
    return sets


def different(paths: Iterable[Sequence[str]]) -> list[str]:
    """The keys of paths, sorted."""
    return sorted(set().union(*paths))
