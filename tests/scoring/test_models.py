"""What is no model of a score, and which sentence says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from parcours.scoring import model as models
from parcours.scoring.margins import margin_of
from parcours.scoring.model import ModelFault, ScoreModel, read_model

Change = Callable[[dict[str, Any]], object]


def logistic() -> dict[str, Any]:
    return {
        "format": 1,
        "score": "buy",
        "kind": "logistic",
        "features": [{"name": "a", "text": "profile.a"}, {"name": "b", "text": "profile.b", "missing": None}],
        "intercept": -1,
        "weights": [1, 2.5],
    }


def trees(*nodes: list[float]) -> dict[str, Any]:
    whole = [[0, 1.5, 1, 2, 0.1], [-1, 0, 0, 0, -1], [-1, 0, 0, 0, 1]] if not nodes else [*nodes]
    kept = {key: value for key, value in logistic().items() if key != "weights"}
    return {**kept, "kind": "trees", "trees": [whole]}


def test_a_model_needs_no_more_than_its_numbers_and_what_they_are_of() -> None:
    model = read_model(json.dumps({**logistic(), "trained": {"people": 7}, "quality": {"auc": 0.8}}))

    assert isinstance(model, ScoreModel)
    assert margin_of(model)((1.0, 2.0)) == 5.0
    assert isinstance(read_model(json.dumps(trees())), ScoreModel)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda file: file.pop("format"), "required field `format`"),
        (lambda file: file.update(format=2), "Invalid enum value 2"),
        (lambda file: file.update(kind="forest"), "Invalid enum value 'forest'"),
        (lambda file: file.pop("intercept"), "required field `intercept`"),
        (lambda file: file.update(features=[]), "length >= 1"),
        (lambda file: file["features"][0].pop("text"), "required field `text`"),
        (lambda file: file["features"][1].update(name="a"), "it has the feature 'a' twice"),
        (lambda file: file["features"][1].update(scale=0), "the scale of a feature is above 0"),
        (lambda file: file.update(weights=[1]), "it has 2 feature(s) and 1 weight(s)"),
        (lambda file: file.update(weights=["1", 2]), "Expected `float`"),
        (lambda file: file.pop("weights"), "a model of the kind logistic has weights, and no trees"),
        (
            lambda file: file.update(trees=[[[-1, 0, 0, 0, 1]]]),
            "a model of the kind logistic has weights, and no trees",
        ),
        (lambda file: file.update(kind="trees"), "a model of the kind trees has trees, and no weights"),
    ],
)
def test_what_is_wrong_with_a_model_is_said(change: Change, words: str) -> None:
    file = logistic()
    change(file)

    fault = read_model(json.dumps(file))

    assert isinstance(fault, ModelFault) and words in fault.reason


@pytest.mark.parametrize("text", ["", "[]", "{", '"model"', "nothing", "[" * 100_000])
def test_what_is_no_json_object_is_no_model(text: str) -> None:
    fault = read_model(text)

    assert isinstance(fault, ModelFault) and fault.reason.startswith("this is no model of a score: ")


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_a_number_that_no_float_holds_is_none(number: str) -> None:
    assert isinstance(read_model(json.dumps(logistic()).replace("2.5", number)), ModelFault)


@pytest.mark.parametrize(
    "nodes, words",
    [
        ([[2, 1.0, 1, 2, 0], [-1, 0, 0, 0, 1], [-1, 0, 0, 0, 2]], "node 0 asks for feature 2, and there are 2"),
        ([[-2, 1.0, 1, 2, 0], [-1, 0, 0, 0, 1], [-1, 0, 0, 0, 2]], "node 0 asks for feature -2, and there are 2"),
        # a way that leads round would never end
        ([[0, 1.0, 0, 1, 0], [-1, 0, 0, 0, 1]], "node 0 leads to node 0, and only a later one can be below it"),
        ([[0, 1.0, 1, 3, 0], [-1, 0, 0, 0, 1], [-1, 0, 0, 0, 2]], "node 0 leads to node 3, and only a later one"),
        ([[0, 1.0, -1, 1, 0], [-1, 0, 0, 0, 1]], "node 0 leads to node -1, and only a later one can be below it"),
        # shared nodes would double with each level
        ([[0, 1.0, 1, 1, 0], [-1, 0, 0, 0, 1]], "two ways lead to node 1"),
        ([[-1, 0, 0, 0, 1], [-1, 0, 0, 0, 1]], "no node leads to node 1"),
    ],
)
def test_what_is_wrong_with_a_tree_is_said(nodes: list[list[float]], words: str) -> None:
    fault = read_model(json.dumps(trees(*nodes)))

    assert isinstance(fault, ModelFault) and fault.reason.startswith(f"tree 0: {words}")


def chain(depth: int) -> list[list[float]]:
    """A tree that goes down to one side only: behind each node the leaf on its left."""
    nodes: list[list[float]] = []
    for at in range(depth):
        nodes += [[0, float(at), 2 * at + 1, 2 * at + 2, 0], [-1, 0, 0, 0, 1]]
    return [*nodes, [-1, 0, 0, 0, 2]]


def test_trees_have_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    deepest = read_model(json.dumps(trees(*chain(models.DEPTH_MAX))))
    assert isinstance(deepest, ScoreModel)
    assert margin_of(deepest)((100.0, 0.0)) == 1.0  # -1 and the last leaf, which is 2

    deeper = read_model(json.dumps(trees(*chain(models.DEPTH_MAX + 1))))
    assert isinstance(deeper, ModelFault) and "more than 30 nodes deep" in deeper.reason

    many = {**trees(), "trees": trees()["trees"] * (models.TREES_MAX + 1)}
    assert isinstance(read_model(json.dumps(many)), ModelFault)
    monkeypatch.setattr(models, "NODES_MAX", 5)
    several = read_model(json.dumps({**trees(), "trees": trees()["trees"] * 2}))
    assert isinstance(several, ModelFault) and "more than 5 nodes together" in several.reason


def test_the_largest_model_that_is_taken_can_be_compiled() -> None:
    one = trees()["trees"][0]
    file = {
        **trees(),
        "features": [{"name": f"f{at}", "text": "1"} for at in range(models.FEATURES_MAX)],
        "trees": [one] * models.TREES_MAX,
    }

    model = read_model(json.dumps(file))

    assert isinstance(model, ScoreModel)
    assert margin_of(model)((1.0,) * models.FEATURES_MAX) == -1.0 - models.TREES_MAX
