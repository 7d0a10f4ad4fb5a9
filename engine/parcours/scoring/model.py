"""The model of a score, as its file holds it: JSON that people can read and compare, and that anybody may have written.

So nothing of it is believed: what `read_model` returns has numbers that are finite, features that are there, and trees
that are trees, each within bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from parcours.wording import quoted

FEATURES_MAX: Final = 1_000
"""Numbers of one model: a person's are computed again for every input that asks for her score."""

TREES_MAX: Final = 1_000
TREE_NODES_MAX: Final = 1_023
"""A whole tree of depth 9: trees that are added up are flat, and many."""

NODES_MAX: Final = 50_000
"""Nodes of all trees of a model: each process compiles them when it opens the project, in about a second then."""

DEPTH_MAX: Final = 30
"""Python reads expressions that are nested some 100 deep, and a path of 30 comparisons says nothing of anybody."""

Kind: TypeAlias = Literal["logistic", "trees"]

Node: TypeAlias = tuple[int, float, int, int, float]
"""(feature, threshold, left, right, value): left if the feature is up to the threshold. Feature -1 is a leaf, whose
value is added to the margin; that of another node is the mean of what lies below it.
"""

LEAF: Final = -1


class ModelFeature(msgspec.Struct, frozen=True):
    """One number that the model reads.

    text     the expression that it was trained with
    mean     over the people it was trained with
    scale    a weight is of (value - mean) / scale
    missing  the number that stands for no value; None: the score is missing then
    """

    name: str
    text: str
    mean: float = 0.0
    scale: float = 1.0
    missing: float | None = None


class ScoreModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that has been judged: `weights` of a logistic one, by feature, or `trees`, the root of each first.

    Its margin is the intercept plus what weights or leaves add, in the order of the file.
    """

    format: Literal[1]
    score: str
    kind: Kind
    features: Annotated[tuple[ModelFeature, ...], msgspec.Meta(min_length=1, max_length=FEATURES_MAX)]
    intercept: float
    weights: tuple[float, ...] | None = None
    trees: Annotated[tuple[tuple[Node, ...], ...], msgspec.Meta(min_length=1, max_length=TREES_MAX)] | None = None


_decode = msgspec.json.Decoder(ScoreModel).decode


class ModelFault(msgspec.Struct, frozen=True):
    """Why a file holds no model that can be used."""

    reason: str


def read_model(text: str) -> ScoreModel | ModelFault:
    """The model in a text. What else stands in the file, such as how it was trained, is for others to read."""
    try:
        model = _decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        return ModelFault(f"this is no model of a score: {error}")
    return judged(model)


def judged(model: ScoreModel) -> ScoreModel | ModelFault:
    """The model, if it is sound."""
    fault = next(_faults(model), None)
    return model if fault is None else ModelFault(fault)


def _faults(model: ScoreModel) -> Iterator[str]:
    names = [each.name for each in model.features]
    for name in names:
        if names.count(name) > 1:
            yield f"it has the feature {quoted(name)} twice"
    numbers = [number for each in model.features for number in (each.mean, each.scale, each.missing or 0.0)]
    if not _finite([model.intercept, *numbers]):
        yield "a number in it is not finite"
    if not all(each.scale > 0 for each in model.features):
        yield "the scale of a feature is above 0"
    if (model.weights is None, model.trees is None) != ((False, True) if model.kind == "logistic" else (True, False)):
        wanted = "weights, and no trees" if model.kind == "logistic" else "trees, and no weights"
        yield f"a model of the kind {model.kind} has {wanted}"
    elif model.weights is not None:
        if len(model.weights) != len(model.features):
            yield f"it has {len(model.features)} feature(s) and {len(model.weights)} weight(s)"
        elif not _finite(model.weights):
            yield "a weight is not finite"
    else:
        yield from _faults_of_trees(model.trees or (), len(model.features))


def _faults_of_trees(trees: tuple[tuple[Node, ...], ...], features: int) -> Iterator[str]:
    if sum(map(len, trees)) > NODES_MAX:
        yield f"its trees have more than {NODES_MAX:,} nodes together"
        return
    for number, nodes in enumerate(trees):
        fault = _fault_of_tree(nodes, features)
        if fault is not None:
            yield f"tree {number}: {fault}"


def _fault_of_tree(nodes: tuple[Node, ...], features: int) -> str | None:
    """Why nodes are no tree. Children stand behind their parents and have one each, so there is no way round."""
    if not 1 <= len(nodes) <= TREE_NODES_MAX:
        return f"it has {len(nodes)} nodes, and 1 to {TREE_NODES_MAX} are expected"
    depths: dict[int, int] = {0: 0}
    for number, (feature, threshold, left, right, value) in enumerate(nodes):
        if not _finite((threshold, value)):
            return f"a number of node {number} is not finite"
        if number not in depths:
            return f"no node leads to node {number}"
        if feature == LEAF:
            continue
        if not 0 <= feature < features:
            return f"node {number} asks for feature {feature}, and there are {features}"
        if depths[number] == DEPTH_MAX:
            return f"it is more than {DEPTH_MAX} nodes deep"
        for child in (left, right):
            if not number < child < len(nodes):
                return f"node {number} leads to node {child}, and only a later one can be below it"
            if child in depths:
                return f"two ways lead to node {child}"
            depths[child] = depths[number] + 1
    return None


def _finite(numbers: Iterable[float]) -> bool:
    return all(map(isfinite, numbers))
