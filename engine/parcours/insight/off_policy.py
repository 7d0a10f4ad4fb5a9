"""What would another way of choosing have been worth, by the choices of one that left something to chance?

Each logged case has the chance that its choice had, the chance that the other way gives to the same choice, and what
came of it. A case that the other way makes less often counts less, one that it makes more often counts more: by the
share of the two chances, its weight. So the mean of weighted rewards is right in the long run, whatever the other way
is, wherever the first one leaves each of its choices a chance (inverse-propensity estimate). Divided by the mean of
the weights instead of 1 it is hardly ever far off by a few heavy cases, and a little biased (self-normalised estimate).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import erfc, exp, fsum, isclose, pi, sqrt
from typing import Final, NamedTuple

import msgspec


class Case(NamedTuple):
    """One choice.

    chance  that it had, above 0
    other   the chance that the other way gives to the same choice
    reward  what came of it
    """

    chance: float
    other: float
    reward: float


class Estimate(msgspec.Struct, frozen=True):
    """
    cases             how many
    logged            the mean reward of the choices as they were
    inverse           what the other way would have had, by inverse propensity
    inverse_error     its standard error, None of one case
    normalised        the same, self-normalised; None where the other way makes none of the choices
    normalised_error  its standard error
    effective         as many cases of one weight would tell as much
    """

    cases: int
    logged: float
    inverse: float
    inverse_error: float | None
    normalised: float | None
    normalised_error: float | None
    effective: float


def estimate(cases: Iterable[Case]) -> Estimate | None:
    """What these cases say; None where there are none."""
    each = list(cases)
    if not each:
        return None
    many, weights = len(each), [case.other / case.chance for case in each]
    rewarded = [weight * case.reward for weight, case in zip(weights, each, strict=True)]
    weight, squares = fsum(weights), fsum(weight * weight for weight in weights)
    inverse = fsum(rewarded) / many
    normalised = fsum(rewarded) / weight if weight else None
    spread = None
    if normalised is not None:
        off = (weight * (case.reward - normalised) for weight, case in zip(weights, each, strict=True))
        spread = sqrt(fsum(part * part for part in off)) / weight
    return Estimate(
        many,
        fsum(case.reward for case in each) / many,
        inverse,
        sqrt(fsum((part - inverse) ** 2 for part in rewarded) / (many - 1) / many) if many > 1 else None,
        normalised,
        spread,
        weight * weight / squares if squares else 0.0,
    )


REACH: Final = 9.0
"""Beyond so many standard deviations a normal has less than 1e-18 of its mass."""

FIRST_PARTS: Final = 128
PARTS_MAX: Final = 2**17
"""Of the range that is integrated over: for beliefs of which one is a thousand times as sharp as another."""

PRECISION: Final = 1e-12


def chance_of_highest(beliefs: Sequence[tuple[float, float]], which: int) -> float:
    """The chance that the value drawn of this belief is the highest of all; each is a normal (mean, spread above 0).

    The trapezoid rule, with twice as many parts until nothing changes any more: of a smooth function that vanishes at
    both ends it is as precise as numbers are.
    """
    mean, spread = beliefs[which]
    others = [each for place, each in enumerate(beliefs) if place != which]
    if not others:
        return 1.0

    def density(z: float) -> float:
        chance = exp(-z * z / 2)
        for other, width in others:
            chance *= erfc((other - mean - spread * z) / (width * _ROOT_2)) / 2
            if not chance:
                break
        return chance

    parts, step = FIRST_PARTS, 2 * REACH / FIRST_PARTS
    total = fsum(density(-REACH + step * place) for place in range(parts + 1))
    found, steady = total * step, 0
    while steady < 2 and parts < PARTS_MAX:
        total += fsum(density(-REACH + step * (place + 0.5)) for place in range(parts))
        parts, step, before = 2 * parts, step / 2, found
        found = total * step
        steady = steady + 1 if isclose(found, before, rel_tol=0, abs_tol=PRECISION) else 0
    return min(found / sqrt(2 * pi), 1.0)


_ROOT_2: Final = sqrt(2)
