"""Less left to chance: what each unit did before the split is taken out of its outcome (CUPED).

The outcome Y of a unit becomes Y - θ (X - mean of X), where X is the same metric before the split. Where it was the
same before, so is the expected difference; only the variance shrinks. θ and the mean of X are those of the units of all
variants as one sample, so no variant has a correction of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parcours.insight.experiments.moments import Moments, covariance, mean_of, of_values


def adjusted(
    outcomes: Mapping[str, Sequence[float]], covariates: Mapping[str, Sequence[float]], raw: Mapping[str, Moments]
) -> dict[str, Moments]:
    """The moments of each variant's adjusted outcomes; `raw` are those of its outcomes, whose conversions they keep."""
    every_outcome = [each for values in outcomes.values() for each in values]
    every_covariate = [each for name in outcomes for each in covariates[name]]
    center = mean_of(every_covariate)
    spread = covariance(every_covariate, center, every_covariate, center)
    theta = covariance(every_outcome, mean_of(every_outcome), every_covariate, center) / spread if spread else 0.0
    return {
        name: of_values(
            [y - theta * (x - center) for y, x in zip(values, covariates[name], strict=True)], raw[name].conversions
        )
        for name, values in outcomes.items()
    }


def variance_saved(raw: Moments, adjusted: Moments) -> float | None:
    """The share of a variant's variance that went by the adjustment; below 0 if it grew, None where nothing varied."""
    return 1 - adjusted.variance / raw.variance if raw.variance else None
