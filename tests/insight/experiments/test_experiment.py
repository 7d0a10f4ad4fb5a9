"""Is the result of an experiment right, number by number and in words?"""

from __future__ import annotations

import dataclasses
import math
import random
from typing import Any, Literal

import msgspec
import numpy
import pyarrow
import pytest
import tea_tasting
from scipy import stats

from parcours.insight.experiments.experiment import Design, Unit, evaluate, holdout_design
from parcours.insight.experiments.intervals import newcombe
from parcours.insight.experiments.moments import of_rate
from parcours.insight.experiments.result import Estimate

TWO = {"control": 20.0, "a": 80.0}


def rates(**counts: tuple[int, int]) -> list[Unit]:
    """So many units of each variant, and so many of them with a conversion."""
    return [
        Unit(name, 1.0 if number < conversions else None)
        for name, (n, conversions) in counts.items()
        for number in range(n)
    ]


def spenders(seed: int, count: int = 2_000) -> list[Unit]:
    """People who spend about what they spent before, those of `a` a little more."""
    chance = random.Random(seed)
    units = []
    for _ in range(count):
        name = "a" if chance.random() < 0.8 else "control"
        before = chance.choice([None, 0.0, chance.uniform(5, 50)])
        spent = (before or 0) * 0.8 + chance.gauss(20, 4) + (name == "a")
        units.append(Unit(name, spent if chance.random() < 0.7 else None, before))
    return units


def theirs(units: list[Unit]) -> dict[str, Any]:
    """What tea-tasting says of `a` against control, by the metric."""
    table = pyarrow.table(
        {
            "variant": [int(each.variant == "a") for each in units],
            "spent": [each.outcome or 0.0 for each in units],
            "before": [each.covariate or 0.0 for each in units],
        }
    )
    experiment = tea_tasting.Experiment(
        plain=tea_tasting.Mean("spent"),
        cuped=tea_tasting.Mean("spent", "before"),
        ratio=tea_tasting.SampleRatio(4.0, method="norm", correction=False),
    )
    result = experiment.analyze(table, control=0)
    return {name: result[name] for name in ("plain", "cuped", "ratio")}


@pytest.mark.parametrize("seed", range(5))
def test_values_with_and_without_cuped_are_those_of_tea_tasting(seed: int) -> None:
    units = spenders(seed)
    expected = theirs(units)

    result = evaluate(Design(percents=TWO, control="control", metric="value", cuped=True), units)

    variant, control = result.variants["a"], result.variants["control"]
    for ours, base, their in (
        (variant.value, control.value, expected["plain"]),
        (variant.cuped, control.cuped, expected["cuped"]),
    ):
        assert isinstance(ours, Estimate) and isinstance(base, Estimate)
        assert (base.mean, ours.mean, ours.difference, ours.lift) == pytest.approx(
            (their.control, their.treatment, their.effect_size, their.rel_effect_size), abs=1e-9
        )
        assert ours.fixed == pytest.approx((their.effect_size_ci_lower, their.effect_size_ci_upper), abs=1e-6)
    assert result.sample_ratio.p == pytest.approx(expected["ratio"].pvalue, abs=1e-9)


def test_the_variance_saved_is_that_of_the_difference_between_both_lines() -> None:
    result = evaluate(Design(percents=TWO, control="control", metric="value", cuped=True), spenders(9))

    for variant in result.variants.values():
        assert isinstance(variant.value, Estimate) and isinstance(variant.cuped, Estimate)
        assert variant.value.standard_error and variant.cuped.standard_error
        saved = 1 - (variant.cuped.standard_error / variant.value.standard_error) ** 2
        assert variant.variance_saved == pytest.approx(saved) and saved > 0.2


@pytest.mark.parametrize("metric", ["rate", "value"])
def test_of_three_variants_the_covariate_takes_out_one_theta_of_all_together(metric: Literal["rate", "value"]) -> None:
    percents = {"control": 40.0, "a": 35.0, "b": 25.0}
    chance = random.Random(3)
    names = chance.choices(list(percents), list(percents.values()), k=3_000)
    units = [each._replace(variant=name) for each, name in zip(spenders(4, 3_000), names, strict=True)]
    units = [each._replace(outcome=each.outcome if each.covariate or chance.random() < 0.6 else None) for each in units]

    result = evaluate(Design(percents=percents, control="control", metric=metric, planned=2_000, cuped=True), units)

    def number(value: float | None) -> float:
        return float(bool(value)) if metric == "rate" else value or 0.0

    y, x = (numpy.array([number(getattr(each, name)) for each in units]) for name in ("outcome", "covariate"))
    adjusted = y - numpy.polyfit(x, y, 1)[0] * (x - x.mean())
    samples = {name: adjusted[[each.variant == name for each in units]] for name in percents}
    for name in ("a", "b"):
        theirs = stats.ttest_ind(samples[name], samples["control"], equal_var=False)
        ours = result.variants[name].cuped
        assert isinstance(ours, Estimate) and ours.difference is not None
        assert ours.difference == pytest.approx(samples[name].mean() - samples["control"].mean(), abs=1e-9)
        assert ours.fixed == pytest.approx(tuple(theirs.confidence_interval(1 - 0.05 / 2)), abs=1e-6)
        planned = 2_000 * (percents[name] + percents["control"]) / 100
        half = plain_half(samples[name], samples["control"], alpha=0.05 / 2, planned=planned)
        assert ours.always_valid == pytest.approx((ours.difference - half, ours.difference + half), abs=1e-9)


def plain_half(variant: Any, control: Any, alpha: float, planned: float) -> float:
    """Half of the always-valid interval, by its formula."""
    n = len(variant) + len(control)
    s_squared = n * (variant.var(ddof=1) / len(variant) + control.var(ddof=1) / len(control))
    rho_squared = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha)) + 1) / planned
    width = 2 * (n * rho_squared + 1) / (n**2 * rho_squared) * math.log(math.sqrt(n * rho_squared + 1) / alpha)
    return math.sqrt(s_squared * width)


def test_the_json_has_what_was_asked_for_in_a_fixed_order() -> None:
    design = Design(percents={"control": 50.0, "a": 50.0}, control="control", metric="rate")

    text = msgspec.json.encode(evaluate(design, rates(control=(4, 1), a=(4, 2)))).decode()

    low, high = newcombe(of_rate(4, 2), of_rate(4, 1), 0.05) or (0, 0)
    assert text == (
        '{"variants":{"control":{"n":4,"conversions":1,"rate":{"mean":0.25,"standard_error":0.25,"difference":null,'
        '"lift":null,"fixed":null,"always_valid":null}},"a":{"n":4,"conversions":2,"rate":{"mean":0.5,'
        f'"standard_error":{(0.25 / 3) ** 0.5!r},"difference":0.25,"lift":1.0,"fixed":[{low!r},{high!r}],'
        '"always_valid":null}}},"sample_ratio":{"chi2":0.0,"p":1.0},'
        '"verdict":"not decided: a fixed test would see the present difference with 80 % power at 147 people"}'
    )


def test_several_variants_share_the_false_alarms() -> None:
    percents = {"control": 40.0, "a": 30.0, "b": 30.0}
    design = Design(percents=percents, control="control", metric="rate")

    result = evaluate(design, rates(control=(400, 40), a=(300, 30), b=(300, 45)))

    estimate = result.variants["b"].rate
    assert isinstance(estimate, Estimate)
    assert estimate.fixed == newcombe(of_rate(300, 45), of_rate(400, 40), 0.025)
    assert result.verdict.startswith("a: not decided; b: not decided: a fixed test would see")


@pytest.mark.parametrize(
    "counts, verdict",
    [
        # Points have one decimal, halves go up.
        ({"control": (2_000, 200), "a": (8_000, 1_200)}, "a is better than control by 5.0 points (2.5 to 7.5)"),
        ({"control": (2_000, 400), "a": (8_000, 800)}, "a is worse than control by 10.0 points (6.9 to 13.1)"),
        # A bound is not shown as 0 when it is not.
        (
            {"control": (200_000, 20_000), "a": (800_000, 82_370)},
            "a is better than control by 0.296 points (0.004 to 0.588)",
        ),
        # No difference at all.
        ({"control": (200, 20), "a": (800, 80)}, "not decided"),
    ],
)
def test_the_verdict_says_who_is_better_once_it_is_sure(counts: dict[str, tuple[int, int]], verdict: str) -> None:
    design = Design(percents=TWO, control="control", metric="rate")

    assert evaluate(design, rates(**counts)).verdict == verdict


def test_values_have_two_decimals_and_runs_their_word() -> None:
    design = Design(percents=TWO, control="control", metric="value", by="run")
    units = [Unit(name, 10.0 + number % 3) for name in ("control", *["a"] * 4) for number in range(300)]

    assert evaluate(design, units).verdict == "not decided"
    dearer = [each._replace(outcome=(each.outcome or 0) + 0.5) if each.variant == "a" else each for each in units]
    assert evaluate(design, dearer).verdict == "a is better than control by 0.50 (0.34 to 0.66)"
    hardly = [each._replace(outcome=(each.outcome or 0) + 0.01) if each.variant == "a" else each for each in units]
    assert evaluate(design, hardly).verdict.endswith(" runs")


def test_a_ratio_that_is_no_chance_stands_in_place_of_the_winner() -> None:
    design = Design(percents={"control": 50.0, "a": 50.0}, control="control", metric="rate")

    result = evaluate(design, rates(control=(2_000, 200), a=(1_500, 600)))

    assert result.verdict == (
        "no verdict: the people of the variants do not fit their percentages (p = 2.9e-17), "
        "so something is wrong with who is counted"
    )


def test_units_whose_time_is_not_over_count_if_they_are_asked_for() -> None:
    units = [*rates(control=(4, 1), a=(4, 2)), Unit("a", 1.0, mature=False)]
    design = Design(percents={"control": 50.0, "a": 50.0}, control="control", metric="rate")

    assert evaluate(design, units).variants["a"].n == 4
    so_far = evaluate(dataclasses.replace(design, mature=False), units)
    assert (so_far.variants["a"].n, so_far.variants["a"].conversions) == (5, 3)


def test_without_units_nothing_is_told() -> None:
    result = evaluate(Design(percents=TWO, control="control", metric="value", cuped=True), [])

    nothing = Estimate(mean=None, standard_error=None)
    for variant in result.variants.values():
        assert (variant.n, variant.value, variant.cuped, variant.variance_saved) == (0, nothing, nothing, None)
    assert result.verdict == "not decided"


def test_a_unit_of_an_unknown_variant_is_refused() -> None:
    with pytest.raises(ValueError, match="'b' is no variant"):
        evaluate(Design(percents=TWO, control="control", metric="rate"), [Unit("b", None)])


def test_a_hold_out_is_compared_as_the_control_of_everybody_else() -> None:
    units = [Unit("held out", 1.0 if each < 10 else None) for each in range(100)]
    units += [Unit("everybody else", 1.0 if each < 380 else None) for each in range(1_900)]

    result = evaluate(holdout_design(5, "rate"), units)

    estimate = result.variants["everybody else"].rate
    assert isinstance(estimate, Estimate) and estimate.lift == pytest.approx(1.0)
