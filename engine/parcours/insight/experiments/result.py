"""What an experiment comes to, as its JSON has it: keys in this order, numbers unrounded."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from parcours.insight.experiments.intervals import Interval


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A variant's mean, and how far it is from control's. Whatever cannot be told yet is null; so is all of control's.

    mean            of the units, a rate from 0 to 1 or a value
    standard_error  of the mean
    difference      the mean less control's
    lift            the difference as a share of control's mean
    fixed           the interval of the difference that is right at one look
    always_valid    the one that is right however often one looks
    """

    mean: float | None
    standard_error: float | None
    difference: float | None = None
    lift: float | None = None
    fixed: Interval | None = None
    always_valid: Interval | None = None


class VariantResult(msgspec.Struct, frozen=True, kw_only=True):
    """A variant: `rate` or `value`, whichever the goal is, and beside it the same after CUPED, if that was asked for.

    n               units that count
    conversions     those that reached the goal
    variance_saved  the share of the variance that CUPED took away
    """

    n: int
    conversions: int
    rate: Estimate | msgspec.UnsetType = msgspec.UNSET
    value: Estimate | msgspec.UnsetType = msgspec.UNSET
    cuped: Estimate | msgspec.UnsetType = msgspec.UNSET
    variance_saved: float | None | msgspec.UnsetType = msgspec.UNSET


class SampleRatio(msgspec.Struct, frozen=True, kw_only=True):
    """Pearson's χ² of units against percentages, and the probability of one so large; null where there are no units."""

    chi2: float | None
    p: float | None


class ExperimentResult(msgspec.Struct, frozen=True, kw_only=True):
    """All variants, in the order in which they were written, and in words what may be said of them."""

    variants: Mapping[str, VariantResult]
    sample_ratio: SampleRatio
    verdict: str
