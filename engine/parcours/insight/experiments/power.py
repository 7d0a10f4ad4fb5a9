"""How many units it would take to see the present difference."""

from __future__ import annotations

import math
from typing import Final

from parcours.insight.experiments.distributions import normal_quantile
from parcours.insight.experiments.moments import Moments

POWER: Final = 0.8
"""The probability with which the test would see it."""

UNITS_MAX: Final = 10**12
"""More than there are: a difference that takes so many is none that anybody will see."""


def units_needed(variant: Moments, control: Moments, share: float, alpha: float) -> int | None:
    """Of both together, if the difference and the variances are what they are now, at one look at the end.

    share  of the units of both, that of the variant

    None where there is no difference, nothing varies, one of them gets no units, or it takes more than UNITS_MAX.
    """
    difference = variant.mean / 2 - control.mean / 2  # of halves, as the deviation: no number is too large for that
    if not difference or not 0 < share < 1:
        return None
    deviation = math.hypot(
        math.sqrt(variant.variance) / math.sqrt(share) / 2, math.sqrt(control.variance) / math.sqrt(1 - share) / 2
    )
    quantiles = normal_quantile(1 - alpha / 2) + normal_quantile(POWER)
    root = quantiles * abs(deviation / difference)
    return (math.ceil(root**2) or None) if root <= math.sqrt(UNITS_MAX) else None
