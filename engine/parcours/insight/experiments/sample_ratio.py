"""Whether as many units came to each variant as its percentage says: if not, something is wrong with who is counted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from parcours.insight.experiments.distributions import chi_square_tail
from parcours.insight.experiments.result import SampleRatio

P_MIN: Final = 0.001
"""Below this probability the ratio is not put down to chance: one sound experiment in a thousand is warned of."""


def sample_ratio(units: Mapping[str, int], percents: Mapping[str, float]) -> SampleRatio:
    """Pearson's χ² of the units of each variant against the percentages, which need not sum to 100.

    A variant of 0 % with no units is left out. Without units, or with fewer than two variants, nothing is known.

    Raises ValueError if a variant of 0 % has units.
    """
    shares = {name: percents[name] for name in percents if percents[name] or units[name]}
    if without := [name for name, percent in shares.items() if not percent]:
        raise ValueError(f"there are units of {', '.join(without)}, which nobody is split to")
    total, whole = sum(units.values()), math.fsum(shares.values())
    if len(shares) < 2 or not total:
        return SampleRatio(chi2=None, p=None)
    expected = {name: total * percent / whole for name, percent in shares.items()}
    chi2 = math.fsum((units[name] - each) ** 2 / each for name, each in expected.items())
    return SampleRatio(chi2=chi2, p=chi_square_tail(chi2, len(shares) - 1))


def is_sound(ratio: SampleRatio) -> bool:
    """Whether the ratio may be chance, as far as it is known."""
    return ratio.p is None or ratio.p >= P_MIN
