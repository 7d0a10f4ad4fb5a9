"""Are quantiles, tails and intervals those of scipy and statsmodels?"""

from __future__ import annotations

import math

import pytest
from scipy import stats
from statsmodels.stats.power import normal_sample_size_one_tail
from statsmodels.stats.proportion import confint_proportions_2indep

from parcours.errors import AnalysisRefused
from parcours.insight.experiments.distributions import chi_square_tail, normal_quantile, student_quantile
from parcours.insight.experiments.intervals import always_valid, newcombe, sequence_factor, welch
from parcours.insight.experiments.moments import Moments, of_rate, of_values
from parcours.insight.experiments.power import units_needed
from parcours.insight.experiments.sample_ratio import is_sound, sample_ratio

RATES = [
    ((1_000, 120), (1_000, 100)),
    ((45, 1), (900, 33)),
    ((10, 0), (12, 12)),  # at both ends of the scale
    ((7, 0), (5, 0)),  # nobody at all
    ((250_000, 12_345), (62_500, 3_000)),
]

SAMPLES = [
    ([1.5, 2.5, 9.0, 0.0], [0.0, 0.0, 1.0]),
    ([1e9 + each for each in (1, 2, 3, 4)], [1e9 + each for each in (2, 2, 3, 9, 1)]),  # means that hide the variance
    ([float(each % 7) for each in range(500)], [0.0] * 40 + [100.0]),
    ([3.0, 1.0], [0.0, 0.0, 0.0]),  # one of them does not vary
]


@pytest.mark.parametrize("probability", [0.5, 0.9, 0.975, 0.9875, 0.9999])
@pytest.mark.parametrize("freedom", [0.7, 1.0, 2.0, 3.3, 30.0, 998.7, 12_345.6, 999_999.0, 1_000_001.0, 5e8])
def test_quantiles_of_student_are_those_of_scipy(probability: float, freedom: float) -> None:
    assert student_quantile(probability, freedom) == pytest.approx(
        stats.t.ppf(probability, freedom), rel=1e-8, abs=1e-9
    )


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 10, 25, 200])
@pytest.mark.parametrize("value", [0.0, 1e-9, 0.3, 1.0, 3.84, 20.0, 250.0, 5_000.0])
def test_tails_of_chi_square_are_those_of_scipy(value: float, freedom: int) -> None:
    assert chi_square_tail(value, freedom) == pytest.approx(stats.chi2.sf(value, freedom), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("alpha", [0.05, 0.025, 0.01])
@pytest.mark.parametrize("variant, control", RATES)
def test_the_interval_of_rates_is_newcombes(variant: tuple[int, int], control: tuple[int, int], alpha: float) -> None:
    theirs = confint_proportions_2indep(
        variant[1], variant[0], control[1], control[0], method="newcomb", compare="diff", alpha=alpha
    )

    assert newcombe(of_rate(*variant), of_rate(*control), alpha) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("alpha", [0.05, 0.025])
@pytest.mark.parametrize("variant, control", SAMPLES)
def test_the_interval_of_values_is_welchs(variant: list[float], control: list[float], alpha: float) -> None:
    theirs = stats.ttest_ind(variant, control, equal_var=False).confidence_interval(1 - alpha)

    ours = welch(of_values(variant, len(variant)), of_values(control, len(control)), alpha)

    assert ours == pytest.approx((theirs.low, theirs.high), rel=1e-9)


@pytest.mark.parametrize("variant, control", [(Moments(1, 1, 3.0, 0.0), Moments(9, 9, 1.0, 2.0)), (of_rate(9, 9),) * 2])
def test_one_unit_or_nothing_that_varies_has_no_interval_of_values(variant: Moments, control: Moments) -> None:
    assert welch(variant, control, 0.05) is None
    assert newcombe(of_rate(0, 0), control, 0.05) is None


@pytest.mark.parametrize("values", [[1.5e308, 1.5e308], [1e200, -1e200], [1.0, 1e300, 2.0]])
def test_values_that_are_too_large_together_or_as_squares_are_refused(values: list[float]) -> None:
    with pytest.raises(AnalysisRefused, match="larger than any number can be"):
        of_values(values, len(values))


def test_the_always_valid_interval_is_that_of_its_formula() -> None:
    variant, control = of_rate(400, 60), of_rate(1_600, 200)
    n, alpha, planned = 2_000, 0.05, 1_000
    s_squared = n * (60 / 400 * 340 / 399 / 400 + 200 / 1_600 * 1_400 / 1_599 / 1_600)
    rho_squared = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha)) + 1) / planned
    half = math.sqrt(s_squared) * math.sqrt(
        2 * (n * rho_squared + 1) / (n**2 * rho_squared) * math.log(math.sqrt(n * rho_squared + 1) / alpha)
    )

    interval = always_valid(variant, control, alpha, planned)

    assert interval == pytest.approx((0.025 - half, 0.025 + half), abs=1e-12)


def test_at_the_planned_number_it_is_about_half_as_wide_again_as_the_fixed_one() -> None:
    assert sequence_factor(1_000, 0.05, 1_000) / normal_quantile(0.975) == pytest.approx(1.55, abs=0.005)


def test_it_is_shown_from_five_conversions_of_each_on() -> None:
    control = of_rate(900, 80)

    assert always_valid(of_rate(100, 4), control, 0.05, 1_000) is None
    assert always_valid(of_rate(100, 5), control, 0.05, 1_000) is not None


@pytest.mark.parametrize("units", [(90, 450, 460), (1, 0, 0), (300, 300, 300)])
def test_the_sample_ratio_is_tested_as_scipy_does(units: tuple[int, int, int]) -> None:
    names, percents, total = ("control", "a", "b"), (10.0, 45.0, 45.0), sum(units)
    theirs = stats.chisquare(units, [total * each / 100 for each in percents])

    ours = sample_ratio(dict(zip(names, units, strict=True)), dict(zip(names, percents, strict=True)))

    assert (ours.chi2, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9)


def test_a_variant_of_no_percent_is_left_out_of_the_ratio_but_may_have_no_units() -> None:
    percents = {"control": 50.0, "a": 50.0, "later": 0.0}

    assert sample_ratio({"control": 60, "a": 40, "later": 0}, percents).p == pytest.approx(stats.chi2.sf(4, 1))
    with pytest.raises(ValueError, match="later"):
        sample_ratio({"control": 60, "a": 40, "later": 1}, percents)


def test_without_units_nothing_is_known_of_the_ratio() -> None:
    ratio = sample_ratio({"control": 0, "a": 0}, {"control": 50.0, "a": 50.0})

    assert (ratio.chi2, ratio.p) == (None, None) and is_sound(ratio)


def test_the_number_that_shows_a_difference_is_that_of_statsmodels() -> None:
    variant, control, share = of_rate(200, 26), of_rate(800, 80), 0.2
    deviation = math.sqrt(variant.variance / share + control.variance / (1 - share))
    theirs = normal_sample_size_one_tail(0.03, 0.8, 0.025, deviation)

    assert units_needed(variant, control, share, 0.05) == math.ceil(theirs)


@pytest.mark.parametrize("scale", [1e-150, 1e-8, 1.0, 1e100, 1.3e154])
def test_the_number_is_the_same_in_whatever_unit_values_are(scale: float) -> None:
    variant, control = (Moments(400, 40, mean * scale, (0.3 * scale) ** 2) for mean in (0.12, 0.1))

    assert units_needed(variant, control, 0.5, 0.05) == 7064


@pytest.mark.parametrize(
    "difference, deviation",
    [(1.0, 1e154), (1e-300, 1.0), (5e-324, 1e154), (1e-7, 1.0)],
)
def test_no_number_is_told_that_is_larger_than_the_number_of_all_people(difference: float, deviation: float) -> None:
    variant, control = (Moments(400, 40, mean, deviation**2) for mean in (difference, 0.0))

    assert units_needed(variant, control, 0.5, 0.05) is None


def test_the_largest_means_have_a_number() -> None:
    variant, control = Moments(400, 40, 1.7e308, 1e300), Moments(400, 40, -1.7e308, 1e300)

    assert units_needed(variant, control, 0.5, 0.05) == 1


@pytest.mark.parametrize(
    "variant, share",
    [
        (of_rate(800, 80), 0.5),  # no difference
        (of_rate(10, 5), 1.0),  # nobody comes to control
    ],
)
def test_where_nothing_can_be_seen_no_number_is_told(variant: Moments, share: float) -> None:
    assert units_needed(variant, of_rate(800, 80), share, 0.05) is None
