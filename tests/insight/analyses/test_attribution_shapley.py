"""Are the equal parts of each path Shapley values by their definition?"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.insight.analyses.attribution_written import END, asked, converted, converted_paths

from parcours.insight.analyses.attribution import attribute


def by_definition(worth: dict[frozenset[str], Fraction]) -> dict[str, Fraction]:
    """The mean, over all orders in which keys join, of what a key adds to the coalition before it."""
    keys = sorted(frozenset[str]().union(*worth))

    def coalition_worth(coalition: frozenset[str]) -> Fraction:
        return sum((value for members, value in worth.items() if members <= coalition), Fraction())

    values = {}
    for key in keys:
        others = [other for other in keys if other != key]
        values[key] = sum(
            (coalition_worth(frozenset({*joined, key})) - coalition_worth(frozenset(joined)))
            / (len(keys) * comb(len(others), size))
            for size in range(len(keys))
            for joined in combinations(others, size)
        )
    return {key: Fraction(value) for key, value in values.items()}


@given(converted_paths)
def test_credits_are_shapley_values(paths: list[tuple[tuple[str, ...], float]]) -> None:
    conversions: dict[frozenset[str], Fraction] = {}
    value: dict[frozenset[str], Fraction] = {}
    for path, worth in paths:
        members = frozenset(path)
        conversions[members] = conversions.get(members, Fraction()) + 1
        value[members] = value.get(members, Fraction()) + Fraction(worth)

    answer = attribute([converted(*path) for path in paths], asked({"it": "shapley"}), END).models["it"]

    told = {key: (each.conversions, each.value) for key, each in answer.items() if key != "(none)"}
    expected = by_definition(conversions), by_definition(value)
    assert told.keys() == expected[0].keys()
    for key, (credit, worth) in told.items():
        assert credit == pytest.approx(float(expected[0][key]), rel=1e-9)
        assert worth == pytest.approx(float(expected[1][key]), rel=1e-9, abs=1e-9)


@given(st.permutations("abc"))
def test_the_order_of_touches_is_nothing_to_shapley(path: list[str]) -> None:
    answer = attribute([converted(path), converted("a")], asked({"it": "shapley"}), END).models["it"]

    assert {key: each.conversions for key, each in answer.items()} == pytest.approx(
        {"a": 4 / 3, "b": 1 / 3, "c": 1 / 3, "(none)": 0}
    )
