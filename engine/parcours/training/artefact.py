"""The file of a trained model: one JSON object that can be read and compared line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any, Final

import msgspec

from parcours.scoring.contributions import contributions
from parcours.scoring.model import ScoreModel
from parcours.training.drift import Bins, TrainingBins, counts_in
from parcours.training.quality import BINS, Quality


@dataclass(frozen=True, slots=True)
class Trained:
    """A model, what it was trained with, and how good it is.

    at             the cuts
    cases          that it has seen, and `positive` of them
    digest         of all cases, those included by which it is judged
    columns        the numbers of each feature, of all cases that it has seen
    probabilities  what it says of each
    influence      how much each feature moves the margin on average, as a share of all, the most first
    """

    model: ScoreModel
    at: tuple[str, ...]
    cases: int
    positive: int
    digest: str
    columns: tuple[tuple[float, ...], ...]
    probabilities: tuple[float, ...]
    influence: tuple[tuple[str, float], ...]
    quality: Quality


def influence_of(model: ScoreModel, people: Sequence[Sequence[float]]) -> tuple[tuple[str, float], ...]:
    """How much each feature moves the margin of some of these people on average, as a share of all, the most first."""
    sums = {each.name: list[float]() for each in model.features}
    for numbers in people[:: len(people) // ASKED_MAX + 1]:
        for name, amount in contributions(model, numbers).items():
            sums[name].append(abs(amount))
    whole = fsum(fsum(each) for each in sums.values()) or 1.0
    shares = ((name, fsum(each) / whole) for name, each in sums.items())
    return tuple(sorted(shares, key=lambda each: (-each[1], each[0])))


ASKED_MAX: Final = 5_000
"""Cases by which influence is told: more say the same, later."""


def text_of(trained: Trained) -> str:
    """The text of the file; the same model gives the same text."""
    model = msgspec.to_builtins(trained.model)
    whole: dict[str, Any] = {key: value for key, value in model.items() if value is not None}
    names = [each.name for each in trained.model.features]
    features = {name: _bins(column) for name, column in zip(names, trained.columns, strict=True)}
    whole["bins"] = msgspec.to_builtins(TrainingBins(features, _bins(trained.probabilities)))
    whole["trained"] = {
        "at": trained.at,
        "cases": trained.cases,
        "positive": trained.positive,
        "digest": trained.digest,
    }
    whole["quality"] = msgspec.to_builtins(trained.quality)
    return "".join(_lines(whole))


def _bins(numbers: Sequence[float]) -> Bins:
    """A histogram in up to ten bins of about as many."""
    ordered = sorted(numbers)
    edges = sorted({ordered[len(ordered) * number // BINS] for number in range(1, BINS)} - {ordered[-1]})
    return Bins(tuple(edges), tuple(counts_in(edges, numbers)))


_LISTED: Final = frozenset({"features", "trees", "calibration", "lift"})
"""The keys whose elements have a line each."""


def _lines(whole: Mapping[str, Any]) -> Iterator[str]:
    yield "{\n"
    for place, (key, value) in enumerate(whole.items()):
        comma = "," if place < len(whole) - 1 else ""
        yield f"  {json.dumps(key)}: {_value(key, value, '  ')}{comma}\n"
    yield "}\n"


def _value(key: str, value: Any, indent: str) -> str:
    if key in _LISTED and isinstance(value, list | tuple):
        inner = ",\n".join(f"{indent}  {json.dumps(each, ensure_ascii=False)}" for each in value)
        return f"[\n{inner}\n{indent}]"
    if isinstance(value, Mapping):
        inner = ",\n".join(
            f"{indent}  {json.dumps(name, ensure_ascii=False)}: {_value(name, each, indent + '  ')}"
            for name, each in value.items()
        )
        return f"{{\n{inner}\n{indent}}}"
    return json.dumps(value, ensure_ascii=False)
