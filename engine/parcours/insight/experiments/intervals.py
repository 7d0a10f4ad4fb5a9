"""Within which bounds the difference between a variant and control lies: at one look, and at any number of looks.

Three intervals of one difference of means. Newcombe's and Welch's are of a fixed horizon: they are right for one look,
at a time that was chosen before. The always-valid one is a confidence sequence, right at all looks together; the price
is that it is wider. It is the asymptotic one of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas ("Time-uniform central
limit theory and asymptotic confidence sequences"), narrowest about the number of units that was planned.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

from parcours.insight.experiments.distributions import normal_quantile, student_quantile
from parcours.insight.experiments.moments import Moments

CONVERSIONS_MIN: Final = 5
"""Conversions of each of the two from which on the always-valid interval is shown: it is an asymptotic one."""

Interval: TypeAlias = tuple[float, float]
"""The lower and the upper bound."""


def newcombe(variant: Moments, control: Moments, alpha: float) -> Interval | None:
    """Newcombe's score interval of the difference of two rates, without a continuity correction.

    None where there is no unit of one of them.
    """
    if not variant.n or not control.n:
        return None
    low, high = _wilson(variant, alpha)
    control_low, control_high = _wilson(control, alpha)
    difference = variant.mean - control.mean
    return (
        difference - math.hypot(variant.mean - low, control_high - control.mean),
        difference + math.hypot(high - variant.mean, control.mean - control_low),
    )


def _wilson(sample: Moments, alpha: float) -> Interval:
    """Wilson's score interval of a rate."""
    quantile = normal_quantile(1 - alpha / 2)
    share = quantile * quantile / sample.n
    middle = sample.mean + share / 2
    half = quantile * math.sqrt(sample.mean * (1 - sample.mean) / sample.n + share / (4 * sample.n))
    return (middle - half) / (1 + share), (middle + half) / (1 + share)


def welch(variant: Moments, control: Moments, alpha: float) -> Interval | None:
    """Welch's interval of the difference of two means whose variances may differ.

    None where one of them has fewer than two units, or nothing varies.
    """
    error = math.hypot(variant.standard_error, control.standard_error)
    if not (variant.is_known and control.is_known and error):
        return None
    shares = (
        (variant.standard_error / error) ** 4 / (variant.n - 1),
        (control.standard_error / error) ** 4 / (control.n - 1),
    )
    half = student_quantile(1 - alpha / 2, 1 / sum(shares)) * error
    difference = variant.mean - control.mean
    return difference - half, difference + half


def always_valid(variant: Moments, control: Moments, alpha: float, planned: float) -> Interval | None:
    """The confidence sequence of the difference of two means: with probability 1 - alpha it is right at every look.

    planned  how many units of both it is to be narrowest at

    None until each of the two has CONVERSIONS_MIN conversions, and where nothing varies.
    """
    if min(variant.conversions, control.conversions) < CONVERSIONS_MIN:
        return None
    error = math.hypot(variant.standard_error, control.standard_error)
    if not error:
        return None
    half = error * sequence_factor(variant.n + control.n, alpha, planned)
    difference = variant.mean - control.mean
    return difference - half, difference + half


def sequence_factor(n: int, alpha: float, planned: float) -> float:
    """How many standard errors the always-valid interval reaches to each side after n units; `planned` as above."""
    doubled = -2 * math.log(alpha)
    scaled = n * (doubled + math.log(doubled) + 1) / planned
    return math.sqrt(2 * (scaled + 1) / scaled * math.log(math.sqrt(scaled + 1) / alpha))
