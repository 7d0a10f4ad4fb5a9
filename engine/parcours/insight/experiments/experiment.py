"""Which variant is better than control: units to means, differences, intervals and a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import msgspec

from parcours.insight.experiments.cuped import adjusted, variance_saved
from parcours.insight.experiments.intervals import always_valid, newcombe, welch
from parcours.insight.experiments.moments import Moments, of_rate, of_values
from parcours.insight.experiments.result import Estimate, ExperimentResult, SampleRatio, VariantResult
from parcours.insight.experiments.sample_ratio import sample_ratio
from parcours.insight.experiments.verdict import Against, verdict

ALPHA: Final = 0.05
"""The probability of a false alarm, shared out over the variants that are compared with control."""

PLANNED: Final = 1_000
"""Units of all variants at which the always-valid interval is narrowest, unless the author says how many."""

HELD_OUT: Final = "held out"
EVERYBODY_ELSE: Final = "everybody else"
"""The variants of a hold-out, of which the first is control."""


class Unit(NamedTuple):
    """A person, or a run, that was assigned to a variant; whether anything reached her does not matter.

    outcome    what the goal came to: its value, or 1 where it has none. None: it did not come; so of a rate is 0
    covariate  what it came to in the time before the split; None: nothing, or she was not known then
    mature     whether the time in which the goal may come is over
    """

    variant: str
    outcome: float | None
    covariate: float | None = None
    mature: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What is compared.

    percents  of each variant, in the order in which they are shown
    control   one of them
    metric    a rate of units that reached the goal, or the mean of its value
    planned   how many units of all variants the author expects
    cuped     whether covariates are used
    by        what a unit is
    mature    whether only units count whose time is over
    """

    percents: Mapping[str, float]
    control: str
    metric: Literal["rate", "value"]
    planned: int = PLANNED
    cuped: bool = False
    by: Literal["person", "run"] = "person"
    mature: bool = True

    @property
    def alpha(self) -> float:
        """Of each comparison, by Bonferroni."""
        return ALPHA / max(1, len(self.percents) - 1)

    def share(self, *names: str) -> float:
        """Which part of all units goes to these variants."""
        return sum(self.percents[name] for name in names) / sum(self.percents.values())


def holdout_design(percent: float, metric: Literal["rate", "value"], planned: int = PLANNED) -> Design:
    """The whole programme: everybody whom a hold-out keeps it from, as control, against everybody else."""
    percents = {HELD_OUT: percent, EVERYBODY_ELSE: 100 - percent}
    return Design(percents=percents, control=HELD_OUT, metric=metric, planned=planned)


def evaluate(design: Design, units: Iterable[Unit]) -> ExperimentResult:
    """The result of an experiment.

    Raises ValueError if a unit has a variant that the design does not know, or one to which nobody is split.
    """
    outcomes, covariates, conversions = _columns(design, units)
    of = {name: _moments(design, values, conversions[name]) for name, values in outcomes.items()}
    less = adjusted(outcomes, covariates, of) if design.cuped else None
    ratio = sample_ratio({name: each.n for name, each in of.items()}, design.percents)
    estimates = _estimates(design, of, of_rates=design.metric == "rate")
    after = _estimates(design, less, of_rates=False) if less else {}
    variants = {
        name: VariantResult(
            n=of[name].n,
            conversions=of[name].conversions,
            rate=estimate if design.metric == "rate" else msgspec.UNSET,
            value=estimate if design.metric == "value" else msgspec.UNSET,
            cuped=after.get(name, msgspec.UNSET),
            variance_saved=variance_saved(of[name], less[name]) if less else msgspec.UNSET,
        )
        for name, estimate in estimates.items()
    }
    return ExperimentResult(variants=variants, sample_ratio=ratio, verdict=_verdict(design, of, estimates, ratio))


def _columns(
    design: Design, units: Iterable[Unit]
) -> tuple[dict[str, list[float]], dict[str, list[float]], dict[str, int]]:
    """Outcomes and covariates of the units that count, and how many reached the goal, by variant."""
    outcomes: dict[str, list[float]] = {name: [] for name in design.percents}
    covariates: dict[str, list[float]] = {name: [] for name in design.percents}
    conversions = dict.fromkeys(design.percents, 0)
    is_rate = design.metric == "rate"
    for unit in units:
        if unit.variant not in conversions:
            raise ValueError(f"{unit.variant!r} is no variant of this experiment")
        if not unit.mature and design.mature:
            continue
        outcomes[unit.variant].append(_number(unit.outcome, is_rate))
        covariates[unit.variant].append(_number(unit.covariate, is_rate))
        conversions[unit.variant] += bool(unit.outcome) if is_rate else unit.outcome is not None
    return outcomes, covariates, conversions


def _number(value: float | None, is_rate: bool) -> float:
    if is_rate:
        return float(bool(value))
    return value or 0.0


def _moments(design: Design, values: list[float], conversions: int) -> Moments:
    return of_rate(len(values), conversions) if design.metric == "rate" else of_values(values, conversions)


def _estimates(design: Design, of: Mapping[str, Moments], *, of_rates: bool) -> dict[str, Estimate]:
    control = of[design.control]
    return {
        name: _alone(each) if name == design.control else _compared(design, name, each, control, of_rates=of_rates)
        for name, each in of.items()
    }


def _alone(sample: Moments) -> Estimate:
    return Estimate(
        mean=sample.mean if sample.n else None, standard_error=sample.standard_error if sample.is_known else None
    )


def _compared(design: Design, name: str, variant: Moments, control: Moments, *, of_rates: bool) -> Estimate:
    alone = _alone(variant)
    if not (variant.n and control.n):
        return alone
    difference = variant.mean - control.mean
    planned = design.planned * design.share(name, design.control)
    return Estimate(
        mean=alone.mean,
        standard_error=alone.standard_error,
        difference=difference,
        lift=difference / control.mean if control.mean else None,
        fixed=(newcombe if of_rates else welch)(variant, control, design.alpha),
        always_valid=always_valid(variant, control, design.alpha, planned),
    )


def _verdict(design: Design, of: Mapping[str, Moments], estimates: Mapping[str, Estimate], ratio: SampleRatio) -> str:
    against = [
        Against(
            name=name,
            estimate=estimates[name],
            variant=of[name],
            control=of[design.control],
            share=design.share(name) / share if (share := design.share(name, design.control)) else 0.0,
        )
        for name in of
        if name != design.control
    ]
    return verdict(design.control, against, ratio, design.alpha, is_rate=design.metric == "rate", by=design.by)
