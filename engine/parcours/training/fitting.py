"""Models are fitted by scikit-learn, and taken over number by number: nothing of it is needed to ask them.

Only this module knows it, and it is imported when something is fitted. Seeds are fixed and one thread computes, so that
the same cases give the same model.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Any, Final

from parcours.errors import AnalysisRefused, ExtraMissing
from parcours.scoring.model import LEAF, Kind, ModelFeature, Node, ScoreModel, judged
from parcours.scoring.score import Score
from parcours.training.cases import Case

EXTRA: Final = "train"
SEED: Final = 1
ROUNDS_MAX: Final = 10_000
"""Rounds of fitting weights; with features of one scale it takes some tens."""

TREES: Final = 100
DEPTH: Final = 3
RATE: Final = 0.1
"""The usual numbers of boosting: many flat trees, each of which is believed a tenth."""


def fitted(score: Score, kind: Kind, cases: Sequence[Case]) -> ScoreModel:
    """A model of the cases, which have both outcomes. Raises ExtraMissing, AnalysisRefused."""
    try:
        import numpy
        import sklearn.ensemble
        import sklearn.linear_model
        from threadpoolctl import threadpool_limits
    except ModuleNotFoundError as error:
        raise ExtraMissing.of("Training a score", EXTRA) from error
    numbers = numpy.array([case.numbers for case in cases], dtype=numpy.float32)
    happened = numpy.array([case.happened for case in cases])
    means = numbers.mean(axis=0, dtype=numpy.float64)
    scales = numbers.std(axis=0, dtype=numpy.float64)
    scales[~(scales > 0)] = 1.0  # it is the same for all: its weight will be nothing
    features = _features(score, [float(each) for each in means], [float(each) for each in scales])
    with threadpool_limits(1):
        if kind == "logistic":
            fit = sklearn.linear_model.LogisticRegression(max_iter=ROUNDS_MAX, random_state=SEED)
            model = _weights(score, features, fit.fit((numbers - means) / scales, happened))
        else:
            forest = sklearn.ensemble.GradientBoostingClassifier(
                n_estimators=TREES, max_depth=DEPTH, learning_rate=RATE, random_state=SEED
            )
            model = _trees(score, features, forest.fit(numbers, happened))
    sound = judged(model)
    if not isinstance(sound, ScoreModel):
        raise AnalysisRefused(f"what was fitted is no model: {sound.reason}")
    return sound


def _features(score: Score, means: list[float], scales: list[float]) -> tuple[ModelFeature, ...]:
    said = [(column, each) for each in score.features for column in each.columns]
    return tuple(
        ModelFeature(column, each.value.text, mean, scale, each.missing)
        for (column, each), mean, scale in zip(said, means, scales, strict=True)
    )


def _weights(score: Score, features: tuple[ModelFeature, ...], fit: Any) -> ScoreModel:
    return ScoreModel(
        format=1,
        score=score.name,
        kind="logistic",
        features=features,
        intercept=float(fit.intercept_[0]),
        weights=tuple(map(float, fit.coef_[0])),
    )


def _trees(score: Score, features: tuple[ModelFeature, ...], forest: Any) -> ScoreModel:
    prior = float(forest.init_.class_prior_[1])
    return ScoreModel(
        format=1,
        score=score.name,
        kind="trees",
        features=features,
        intercept=log(prior / (1 - prior)),
        trees=tuple(_nodes(each[0].tree_) for each in forest.estimators_),
    )


def _nodes(tree: Any) -> tuple[Node, ...]:
    """A tree's nodes. The value of one within is the mean of what its people come to, which no fit has noted."""
    left, right = tree.children_left.tolist(), tree.children_right.tolist()
    feature, threshold = tree.feature.tolist(), tree.threshold.tolist()
    values, weights = [RATE * each[0][0] for each in tree.value.tolist()], tree.weighted_n_node_samples.tolist()
    for at in reversed(range(tree.node_count)):  # children stand behind their parents
        if left[at] >= 0:
            below, above = left[at], right[at]
            whole = weights[below] + weights[above]
            values[at] = (weights[below] * values[below] + weights[above] * values[above]) / whole
    return tuple(
        (LEAF, 0.0, 0, 0, values[at]) if left[at] < 0 else (feature[at], threshold[at], left[at], right[at], values[at])
        for at in range(tree.node_count)
    )
