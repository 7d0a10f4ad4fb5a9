"""The quantiles and tails of the distributions that tests go by: normal, Student's and χ².

Everything is worked out by hand, to more digits than an interval is shown with. The standard library has the normal
quantile. The tail of χ² is a finite sum for a whole number of degrees of freedom. Student's quantile is found by
bisection over its tail, which is an incomplete beta function and so a continued fraction.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

STUDENT_DF_MAX: Final = 1e6
"""From so many degrees of freedom on Student's quantile is the normal one and a first term: to 1e-11."""

FRACTION_TERMS_MAX: Final = 10_000
"""Terms of the continued fraction, which converges within some dozens below STUDENT_DF_MAX degrees of freedom."""

FRACTION_CLOSE: Final = 1e-15
"""The relative change by a term from which on the fraction does not change any more."""

TINY: Final = 1e-300
"""In place of a 0 that a term of the fraction would divide by."""


def normal_quantile(probability: float) -> float:
    """The value that a standard normal variable stays below with a probability between 0 and 1, both excluded."""
    return NormalDist().inv_cdf(probability)


def chi_square_tail(value: float, freedom: int) -> float:
    """The probability that a χ² variable is above `value` (0 or more), for `freedom` degrees of freedom (1 or more)."""
    half = value / 2
    if half == 0:
        return 1.0
    if freedom % 2:
        first, powers = math.erfc(math.sqrt(half)), [each + 0.5 for each in range(freedom // 2)]
    else:
        first, powers = 0.0, [float(each) for each in range(freedom // 2)]
    log_half = math.log(half)
    return min(1.0, first + math.fsum(math.exp(each * log_half - half - math.lgamma(each + 1)) for each in powers))


def student_quantile(probability: float, freedom: float) -> float:
    """The value that Student's t stays below with a probability from 0.5 on and under 1; `freedom` is above 0."""
    normal = normal_quantile(probability)
    if freedom >= STUDENT_DF_MAX:
        return normal + (normal**3 + normal) / (4 * freedom)
    tail = 1 - probability
    low, high = normal, max(2 * normal, 1.0)
    while _student_tail(high, freedom) > tail:
        low, high = high, 2 * high
    while True:
        middle = (low + high) / 2
        if not low < middle < high:
            return middle
        low, high = (middle, high) if _student_tail(middle, freedom) > tail else (low, middle)


def _student_tail(value: float, freedom: float) -> float:
    """The probability that Student's t is above `value`, which is not negative."""
    return _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + value * value)) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function, by its continued fraction on the side where that converges fast."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x),
    )
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(a, b, x) / a
    return 1 - front * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by the modified method of Lentz."""
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    result = d
    for m in range(1, FRACTION_TERMS_MAX):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            result *= c * d
        if abs(c * d - 1) < FRACTION_CLOSE:
            return result
    raise ArithmeticError(f"the incomplete beta function of {a}, {b} at {x} does not converge")


def _not_zero(value: float) -> float:
    return value if abs(value) > TINY else TINY
