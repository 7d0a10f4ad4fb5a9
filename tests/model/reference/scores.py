"""What the file of a model says of somebody: read by the documentation, with no code of the engine's."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from math import exp, isfinite
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """A feature of the document: its values that are told apart, or the number for no value."""

    name: str
    one_of: Sequence[object] | None = None
    missing: float | None = None


class Answer(NamedTuple):
    """`moved` is by the features of the file; with `mean` they add up to the margin."""

    margin: float
    probability: float
    mean: float
    moved: Mapping[str, float]


def answer_of(file: Mapping[str, Any], features: Sequence[Asked], values: Mapping[str, object]) -> Answer | None:
    """The answer for somebody with these values, None where it is missing."""
    known: dict[str, float] = {}
    for feature in features:
        value = values.get(feature.name)
        if feature.one_of is None:
            number = _number(value)
            number = feature.missing if number is None else number
            if number is None:
                return None
            known[feature.name] = number
        else:
            hits = [_alike(value, each) for each in feature.one_of]
            for each, hit in zip(feature.one_of, hits, strict=True):
                known[f"{feature.name}={_written(each)}"] = 1.0 if hit else 0.0
            known[f"{feature.name}=else"] = 0.0 if any(hits) else 1.0
    numbers = [struct.unpack("<f", struct.pack("<f", known[each["name"]]))[0] for each in file["features"]]
    return _answer(file, numbers)


def _answer(file: Mapping[str, Any], numbers: Sequence[float]) -> Answer | None:
    margin = mean = float(file["intercept"])
    moved = {each["name"]: 0.0 for each in file["features"]}
    for number, weight, each in zip(numbers, file.get("weights", []), file["features"], strict=False):
        part = weight * ((number - each.get("mean", 0)) / each.get("scale", 1))
        moved[each["name"]] += part
        margin += part
    for tree in file.get("trees", []):
        way = [0]
        while tree[way[-1]][0] >= 0:
            feature, threshold, left, right, _ = tree[way[-1]]
            way.append(left if numbers[feature] <= threshold else right)
        for here, there in pairwise(way):
            moved[file["features"][tree[here][0]]["name"]] += tree[there][4] - tree[here][4]
        margin += tree[way[-1]][4]
        mean += tree[0][4]
    if not isfinite(margin):
        return None
    return Answer(margin, _rounded(1 / (1 + exp(-margin)) if margin > -700 else 0.0), mean, moved)


def _rounded(probability: float) -> float:
    return float(Decimal(probability).quantize(Decimal("0.000001"), ROUND_HALF_EVEN))


def _number(value: object) -> float | None:
    if value is True or value is False:
        return float(value)
    if isinstance(value, int | float) and abs(value) <= 3.4028234663852886e38:
        return float(value)
    return None


def _alike(value: object, other: object) -> bool:
    if {type(value), type(other)} <= {int, float}:
        return value == other
    return type(value) is type(other) and value == other


def _written(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
