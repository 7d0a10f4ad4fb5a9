"""Does a compiled model say of each row what scikit-learn says, and is it the same however often it is asked?"""

from __future__ import annotations

from math import exp, isfinite
from typing import Any

import msgspec
import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from parcours.scoring.contributions import contributions, largest, mean_margin
from parcours.scoring.features import rounding
from parcours.scoring.margins import margin_of, probability_of
from parcours.scoring.model import LEAF, ModelFeature, Node, ScoreModel, judged, read_model

ROWS, COLUMNS = 10_000, 6


def drawn() -> tuple[Any, Any]:
    """Made-up people, as 32-bit floats, and whether each did it."""
    chance = numpy.random.default_rng(7)
    numbers = chance.normal(3.0, 20.0, (ROWS, COLUMNS)).astype(numpy.float32)
    numbers[:, 1] = chance.integers(0, 2, ROWS)
    numbers[:, 2] = chance.poisson(2.0, ROWS)
    margin = 0.05 * numbers[:, 0] + numbers[:, 1] - 0.4 * numbers[:, 2]
    return numbers, chance.random(ROWS) < 1 / (1 + numpy.exp(-margin))


def features(means: Any = None, scales: Any = None) -> tuple[ModelFeature, ...]:
    return tuple(
        ModelFeature(
            f"f{place}",
            f"profile.f{place}",
            0.0 if means is None else float(means[place]),
            1.0 if scales is None else float(scales[place]),
        )
        for place in range(COLUMNS)
    )


def nodes_of(tree: Any, rate: float) -> tuple[Node, ...]:
    """A tree of scikit-learn's in the form of the file; of a node within, the value is the mean below it."""
    left, right, weights = tree.children_left, tree.children_right, tree.weighted_n_node_samples
    values = [rate * float(value) for value in tree.value[:, 0, 0]]
    for at in reversed(range(tree.node_count)):
        if left[at] >= 0:
            below = weights[left[at]], weights[right[at]]
            values[at] = float(below[0] * values[left[at]] + below[1] * values[right[at]]) / float(sum(below))
    return tuple(
        (LEAF, 0.0, 0, 0, values[at])
        if left[at] < 0
        else (int(tree.feature[at]), float(tree.threshold[at]), int(left[at]), int(right[at]), values[at])
        for at in range(tree.node_count)
    )


def test_trees_come_to_what_scikit_learn_s_come_to_bit_for_bit() -> None:
    numbers, did = drawn()
    theirs = GradientBoostingClassifier(n_estimators=100, max_depth=3, random_state=1).fit(numbers[:2_000], did[:2_000])
    trees = tuple(nodes_of(each[0].tree_, theirs.learning_rate) for each in theirs.estimators_)
    rows = [tuple(map(float, row)) for row in numbers]
    prior = float(theirs._raw_predict_init(numbers[:1])[0, 0])
    model = judged(ScoreModel(format=1, score="s", kind="trees", features=features(), intercept=prior, trees=trees))
    assert isinstance(model, ScoreModel)

    margin = margin_of(model)

    assert [margin(row) for row in rows] == [float(each) for each in theirs.decision_function(numbers)]
    expected = theirs.predict_proba(numbers)[:, 1]
    assert max(abs(probability_of(margin(row)) - each) for row, each in zip(rows, expected, strict=True)) <= 1e-6


def test_weights_come_to_what_scikit_learn_s_come_to() -> None:
    numbers, did = drawn()
    means, scales = numbers.mean(axis=0, dtype=float), numbers.std(axis=0, dtype=float)
    scaled = (numbers.astype(float) - means) / scales
    theirs = LogisticRegression().fit(scaled[:2_000], did[:2_000])
    model = ScoreModel(
        format=1,
        score="s",
        kind="logistic",
        features=features(means, scales),
        intercept=float(theirs.intercept_[0]),
        weights=tuple(map(float, theirs.coef_[0])),
    )

    margin = margin_of(model)

    rows = [tuple(map(float, row)) for row in numbers]
    expected = theirs.predict_proba(scaled)[:, 1]
    assert max(abs(probability_of(margin(row)) - each) for row, each in zip(rows, expected, strict=True)) <= 1e-6
    assert max(abs(margin(r) - e) for r, e in zip(rows, theirs.decision_function(scaled), strict=True)) <= 1e-9


def test_additions_are_in_the_order_of_the_file() -> None:
    weights = (1e16, 1.0, -1e16)
    model = ScoreModel(format=1, score="s", kind="logistic", features=features()[:3], intercept=0.0, weights=weights)

    assert margin_of(model)((1.0, 1.0, 1.0)) == 0.0  # a sum that is compensated would be 1
    assert margin_of(msgspec.structs.replace(model, weights=(1e16, -1e16, 1.0)))((1.0, 1.0, 1.0)) == 1.0


@pytest.mark.parametrize(
    "margin, probability",
    [
        (0.0, 0.5),
        (-0.0, 0.5),
        (800.0, 1.0),
        (-800.0, 0.0),
        (1.0, 0.731059),
        (-1.0, 0.268941),
        (1.7e308, 1.0),
        (-1.7e308, 0.0),
    ],
)
def test_a_probability_is_rounded_to_six_decimals(margin: float, probability: float) -> None:
    assert probability_of(margin) == probability


@given(st.floats(-50, 50))
def test_a_probability_is_that_of_the_definition(margin: float) -> None:
    assert abs(probability_of(margin) - 1 / (1 + exp(-margin))) <= 5.1e-7


@st.composite
def trees(draw: st.DrawFn, columns: int = 3) -> tuple[Node, ...]:
    """A tree of any form whose inner values are what they are."""
    nodes: list[Node] = []

    def grow(depth: int) -> int:
        at = len(nodes)
        value = draw(st.floats(-5, 5))
        nodes.append((LEAF, 0.0, 0, 0, value))
        if depth and draw(st.booleans()):
            feature, threshold = draw(st.integers(0, columns - 1)), draw(st.floats(-2, 2))
            nodes[at] = (feature, threshold, grow(depth - 1), grow(depth - 1), value)
        return at

    grow(4)
    return tuple(nodes)


@given(
    st.lists(trees(), min_size=1, max_size=4),
    st.lists(st.tuples(*[st.floats(-3, 3, width=32)] * 3), min_size=1, max_size=5),
)
def test_contributions_of_trees_add_up_to_what_moved_the_margin(
    drawn_trees: list[tuple[Node, ...]], people: list[tuple[float, float, float]]
) -> None:
    model = judged(
        ScoreModel(format=1, score="s", kind="trees", features=features()[:3], intercept=0.5, trees=tuple(drawn_trees))
    )
    assert isinstance(model, ScoreModel)
    margin = margin_of(model)
    for numbers in people:
        moved = contributions(model, numbers)

        assert sum(moved.values()) == pytest.approx(margin(numbers) - mean_margin(model), abs=1e-9)
        assert [*moved] == ["f0", "f1", "f2"]


def test_contributions_of_weights_add_up_and_the_largest_come_first() -> None:
    model = ScoreModel(
        format=1,
        score="s",
        kind="logistic",
        features=features([1.0] * 6, [2.0] * 6)[:3],
        intercept=-1.0,
        weights=(1.0, -3.0, 1.0),
    )

    moved = contributions(model, (3.0, 3.0, 1.0))

    assert moved == {"f0": 1.0, "f1": -3.0, "f2": 0.0}
    assert mean_margin(model) + sum(moved.values()) == margin_of(model)((3.0, 3.0, 1.0)) == -3.0
    assert largest(moved, 2) == [("f1", -3.0), ("f0", 1.0)]
    assert largest({"b": 1.0, "a": -1.0}, 3) == [("a", -1.0), ("b", 1.0)]


@given(st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=9))
def test_numbers_are_rounded_as_numpy_rounds_them(numbers: list[float]) -> None:
    assert rounding(len(numbers))(numbers) == tuple(float(numpy.float32(each)) for each in numbers)


@given(st.text(max_size=20), st.floats(allow_nan=False, allow_infinity=False))
def test_nothing_of_a_file_gets_into_what_is_evaluated_but_its_numbers(name: str, weight: float) -> None:
    file = {
        "format": 1,
        "score": name,
        "kind": "logistic",
        "features": [{"name": name, "text": f"__import__('os') {name}"}],
        "intercept": 0,
        "weights": [weight],
    }

    model = read_model(msgspec.json.encode(file).decode())

    assert isinstance(model, ScoreModel)
    assert margin_of(model)((1.0,)) == weight and isfinite(weight)
