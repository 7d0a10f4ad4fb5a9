"""How many units it would take to see the present difference."""

from __future__ import annotations

import math
from typing import Final

from parcours.insight.experiments.distributions import normal_quantile
from parcours.insight.experiments.moments import Moments

POWER: Final = 0.8
"""The probability with which the test would see it."""


def units_needed(variant: Moments, control: Moments, share: float, alpha: float) -> int | None:
    """Of both together, if the difference and the variances are what they are now, at one look at the end.

    share  of the units of both, that of the variant

    None where there is no difference, nothing varies, or one of them gets no units.
    """
    difference = variant.mean - control.mean
    if not difference or not 0 < share < 1:
        return None
    variance = variant.variance / share + control.variance / (1 - share)
    quantiles = normal_quantile(1 - alpha / 2) + normal_quantile(POWER)
    return math.ceil((quantiles / difference) ** 2 * variance) or None
