"""What intervals need to know of the units of a variant: how many, their mean and their variance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from parcours.errors import AnalysisRefused


@dataclass(frozen=True, slots=True)
class Moments:
    """A sample. `variance` is the sample variance, by n - 1; of fewer than two units it is 0.

    conversions  how many units reached the goal
    """

    n: int
    conversions: int
    mean: float
    variance: float

    @property
    def standard_error(self) -> float:
        """Of the mean; 0 where there are no units."""
        return math.sqrt(self.variance / self.n) if self.n else 0.0

    @property
    def is_known(self) -> bool:
        """Whether there are units enough to speak of a variance."""
        return self.n > 1


def of_rate(n: int, conversions: int) -> Moments:
    """The moments of so many units of which so many are 1 and the others 0."""
    rate = conversions / n if n else 0.0
    return Moments(n, conversions, rate, rate * (1 - rate) * n / (n - 1) if n > 1 else 0.0)


def of_values(values: Sequence[float], conversions: int) -> Moments:
    """The moments of values, in two passes so that large means cost no digits."""
    n = len(values)
    mean = mean_of(values)
    return Moments(n, conversions, mean, covariance(values, mean, values, mean))


def mean_of(values: Sequence[float]) -> float:
    """Their mean; 0 of none. Raises AnalysisRefused as `sum_of` does."""
    return sum_of(values) / len(values) if values else 0.0


def sum_of(values: Iterable[float]) -> float:
    """Their sum, rounded once. Raises AnalysisRefused where it is larger than any number can be."""
    try:
        total = math.fsum(values)
    except (OverflowError, ValueError):  # the latter where infinity is taken from infinity
        total = math.inf
    if not math.isfinite(total):
        raise AnalysisRefused(
            "the values of the goal, or their squares, are together larger than any number can be: "
            "compare smaller ones, such as `event.total / 1000000`, or a rate"
        )
    return total


def covariance(first: Sequence[float], first_mean: float, second: Sequence[float], second_mean: float) -> float:
    """The sample covariance of two equally long sequences; 0 of fewer than two. Raises AnalysisRefused as above."""
    if len(first) < 2:
        return 0.0
    products = ((one - first_mean) * (other - second_mean) for one, other in zip(first, second, strict=True))
    return sum_of(products) / (len(first) - 1)
