"""Are estimates of another way of choosing what a few lines of arithmetic and an integral by scipy say?"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest
from scipy import integrate, stats

from parcours.insight.off_policy import Case, chance_of_highest, estimate

LOG = """\
chosen,chance,clicked
a,0.5,1
b,0.25,0
a,0.5,0
c,0.25,1
b,0.25,1
a,0.8,1
c,0.05,0
b,0.15,0
"""
"""A small log, made up: what was chosen, with which chance, and whether it was clicked."""

OTHER = {"a": "0.2", "b": "0.7", "c": "0.1"}


def test_estimates_of_a_log_are_those_of_exact_fractions() -> None:
    rows = [line.split(",") for line in LOG.splitlines()[1:]]
    weights = [Fraction(OTHER[chosen]) / Fraction(chance) for chosen, chance, _ in rows]
    rewards = [int(clicked) for _, _, clicked in rows]
    rewarded = sum(weight * reward for weight, reward in zip(weights, rewards, strict=True))

    found = estimate(Case(float(chance), float(OTHER[chosen]), float(clicked)) for chosen, chance, clicked in rows)

    assert found is not None and found.cases == 8 and found.logged == 0.5
    assert found.inverse == pytest.approx(float(rewarded / 8), abs=1e-15)
    assert found.normalised == pytest.approx(float(rewarded / sum(weights)), abs=1e-15)
    parts = [float(weight) * reward for weight, reward in zip(weights, rewards, strict=True)]
    assert found.inverse_error == pytest.approx(stats.sem(parts), abs=1e-15)
    assert found.effective == pytest.approx(float(sum(weights) ** 2 / sum(each**2 for each in weights)), abs=1e-12)


def test_without_cases_or_without_a_choice_in_common_nothing_is_claimed() -> None:
    assert estimate([]) is None

    found = estimate([Case(0.5, 0.0, 1.0)])

    assert found is not None and found.normalised is None and found.inverse_error is None and found.effective == 0


def test_a_way_that_gives_the_same_chances_is_worth_what_the_log_was() -> None:
    chance = Random(1)
    cases = [Case(p := chance.uniform(0.1, 1), p, float(chance.random() < 0.3)) for _ in range(200)]

    found = estimate(cases)

    assert found is not None and found.inverse == found.normalised == pytest.approx(found.logged, abs=1e-15)
    assert found.effective == pytest.approx(200)


@pytest.mark.parametrize("seed", range(12))
def test_the_chance_of_the_highest_draw_is_that_of_an_integral_by_scipy(seed: int) -> None:
    chance = Random(seed)
    sharpest = 10 ** -chance.uniform(0, 3)
    beliefs = [
        (chance.uniform(0, 0.3), chance.choice((0.2, 0.05, 0.05 * sharpest))) for _ in range(chance.randint(2, 9))
    ]

    found = [chance_of_highest(beliefs, which) for which in range(len(beliefs))]

    assert math.fsum(found) == pytest.approx(1, abs=1e-9)
    for which, (mean, spread) in enumerate(beliefs):
        others = [each for place, each in enumerate(beliefs) if place != which]

        def density(x: float, mean: float = mean, spread: float = spread, others: object = others) -> float:
            assert isinstance(others, list)
            return float(
                stats.norm.pdf(x, mean, spread) * math.prod(stats.norm.cdf(x, other, width) for other, width in others)
            )

        points = sorted(
            x for at, width in beliefs for x in (at - 6 * width, at, at + 6 * width) if abs(x - mean) < 9 * spread
        )
        edges = [mean - 9 * spread, *points, mean + 9 * spread]
        expected = sum(integrate.quad(density, low, high, epsabs=1e-12)[0] for low, high in pairwise(edges))
        assert found[which] == pytest.approx(expected, abs=1e-9)


def test_one_offer_alone_is_chosen_for_sure() -> None:
    assert chance_of_highest([(0.1, 0.2)], 0) == 1
