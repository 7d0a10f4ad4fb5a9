"""What an experiment came to, as text: a table to look at, or CSV. Only the table rounds."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, TextIO

import msgspec

from parcours.insight.experiments.experiment import Design
from parcours.insight.experiments.result import Estimate, ExperimentResult, VariantResult
from parcours.insight.experiments.verdict import NOUNS
from parcours.insight.figures import exact, half_up, percent_text
from parcours.insight.fitting_table import FittingTable

if TYPE_CHECKING:
    from rich.console import Console

    from parcours.insight.experiments.intervals import Interval

ESTIMATES: Final = (
    "mean",
    "standard_error",
    "difference",
    "lift",
    "fixed_low",
    "fixed_high",
    "always_low",
    "always_high",
)
"""The columns of an estimate in CSV."""


def print_experiment(console: Console, design: Design, result: ExperimentResult) -> None:
    """Show the variants, how each compares with control by both intervals, and what may be said of it."""
    for each in experiment_tables(design, result):
        console.print(each)
    for sentence in experiment_sentences(design, result):
        console.print(sentence, markup=False)


def experiment_tables(design: Design, result: ExperimentResult) -> Iterator[FittingTable]:
    """The variants, and then how each compares with control by both intervals."""
    table = FittingTable(["variant", NOUNS[design.by], "reached it", "rate" if _is_rate(design) else "mean", "± error"])
    for name, variant in result.variants.items():
        mean = _estimate(variant)
        cells = (_amount(mean.mean, design), _amount(mean.standard_error, design))
        table.add_row(name, f"{variant.n:,}", f"{variant.conversions:,}", *cells)
    yield table
    compared = FittingTable([f"against {design.control}", "difference", "lift", "fixed horizon", "always valid"])
    for name, estimate in _compared(design, result):
        compared.add_row(
            name,
            _amount(estimate.difference, design),
            "" if estimate.lift is None else percent_text(estimate.lift, 1),
            _between(estimate.fixed, design),
            _between(estimate.always_valid, design),
        )
    yield compared


def experiment_sentences(design: Design, result: ExperimentResult) -> Iterator[str]:
    """Which intervals they are, whether the sample ratio is sound, and what may be said."""
    sure = f"{half_up((1 - exact(design.alpha)) * 100, 1).removesuffix('.0')} %"
    yield f"{'Points' if _is_rate(design) else 'Amounts'} with {sure} intervals. {_ratio(result)}"
    yield f"Verdict: {result.verdict}."


def write_csv(file: TextIO, result: ExperimentResult) -> None:
    """Write a line of names and one for each variant; the same after CUPED stands behind, if it was asked for."""
    csv.writer(file, lineterminator="\n").writerows(experiment_rows(result))


def experiment_rows(result: ExperimentResult) -> Iterator[Sequence[str | float | None]]:
    """The names of the columns, and then the rows of `write_csv`."""
    has_cuped = any(each.cuped is not msgspec.UNSET for each in result.variants.values())
    after = [*(f"cuped_{each}" for each in ESTIMATES), "variance_saved"] if has_cuped else []
    yield ["variant", "n", "conversions", *ESTIMATES, *after]
    for name, variant in result.variants.items():
        cells: list[str | float | None] = [name, variant.n, variant.conversions, *_cells(_estimate(variant))]
        if isinstance(variant.cuped, Estimate):
            saved = variant.variance_saved
            cells += [*_cells(variant.cuped), saved if isinstance(saved, float) else None]
        yield cells


def _is_rate(design: Design) -> bool:
    return design.metric == "rate"


def _estimate(variant: VariantResult) -> Estimate:
    estimate = variant.rate if isinstance(variant.rate, Estimate) else variant.value
    assert isinstance(estimate, Estimate), "a variant has one of the two"
    return estimate


def _compared(design: Design, result: ExperimentResult) -> Iterator[tuple[str, Estimate]]:
    for name, variant in result.variants.items():
        if name == design.control:
            continue
        yield name, _estimate(variant)
        if isinstance(variant.cuped, Estimate):
            saved = variant.variance_saved
            words = (
                "with CUPED" if not isinstance(saved, float) else f"CUPED, variance {half_up(-exact(saved) * 100, 0)} %"
            )
            yield words, variant.cuped


def _cells(estimate: Estimate) -> list[float | None]:
    fixed, always = estimate.fixed or (None, None), estimate.always_valid or (None, None)
    return [estimate.mean, estimate.standard_error, estimate.difference, estimate.lift, *fixed, *always]


def _ratio(result: ExperimentResult) -> str:
    ratio = result.sample_ratio
    if ratio.chi2 is None or ratio.p is None:
        return "The sample ratio is not known."
    return f"Sample ratio: χ² = {half_up(ratio.chi2, 2)}, p = {ratio.p:.2g}."


def _between(interval: Interval | None, design: Design) -> str:
    return "" if interval is None else " to ".join(_amount(each, design) for each in interval)


def _amount(value: float | None, design: Design) -> str:
    """Of a rate in points of percent."""
    if value is None:
        return ""
    return half_up(exact(value) * 100, 1) if _is_rate(design) else half_up(value, 2)
