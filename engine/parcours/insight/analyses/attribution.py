"""To which touches are conversions credited? By each model that is asked for, in conversions and in value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Final, assert_never

import msgspec

from parcours.errors import AnalysisRefused
from parcours.insight.analyses.credit import (
    NONE,
    POSITIONS,
    Tally,
    Worth,
    credit_by_age,
    credit_by_position,
    credit_each_key,
    credit_equally,
    credit_same_visit,
    different,
    key_sets,
)
from parcours.insight.analyses.markov import credit_by_removal
from parcours.insight.analyses.paths import ConvertedPath, TouchedPerson, converted_paths, null_path
from parcours.insight.analyses.shapley import credit_by_shapley
from parcours.journey.analyses import Attribution, ByPosition, Decay, Markov, Model

ADDED_UP: Final = 1e-9
"""The part of a sum by which credits may differ from it, since they are sums of rounded shares."""


class Credit(msgspec.Struct, frozen=True):
    """What a key gets."""

    conversions: float
    value: float


class Attributed(msgspec.Struct, frozen=True):
    """The answer; as JSON it is the form of attributions.

    conversions  how many conversions counted
    value        what they are worth, each 1 where the attribution names no value
    models       by model, in the order of the attribution, by key the credit: every key of a touch that belongs to a
                 conversion, sorted, and `(none)` last
    """

    conversions: int
    value: float
    models: dict[str, dict[str, Credit]]


def adds_up(model: Model | str) -> bool:
    """Whether its credits together are the conversions: of participation each key of a path gets all of it."""
    return model != "participation"


def attribute(
    people: Iterable[TouchedPerson], asked: Attribution, end: int, go_on: Callable[[], object] = lambda: None
) -> Attributed:
    """The credits of everybody's touches.

    end    the end of the data (ms), to which null paths reach
    go_on  is called again and again by a model that may take long; what it raises ends the attribution
    Raises AnalysisRefused if a model cannot be worked out on this data: too many keys for Shapley values, too large a
    Markov chain, values whose sum no number can be.
    """
    gathered = _gather(people, asked, end)
    if not isfinite(gathered.size):
        raise AnalysisRefused(
            f"attribution {asked.name}: the values of the conversions are together larger than any number can be; "
            "credit smaller ones, such as `event.total / 1000000`"
        )
    keys = [*different(gathered.paths), NONE]
    models = {name: _credited(name, model, gathered, asked, go_on) for name, model in asked.models.items()}
    for name, model in asked.models.items():
        if adds_up(model):
            _check(name, models[name], gathered)
    return Attributed(
        conversions=gathered.total.conversions,
        value=gathered.total.value,
        models={
            name: {key: Credit(tally.conversions[key], tally.value[key]) for key in keys}
            for name, tally in models.items()
        },
    )


class _Gathered:
    """What the models need of everybody.

    total, untouched  all conversions, and those without a touch
    paths             the others by the keys of their touches
    nulls             by the keys of null paths how many there are
    timed             the credits of models that look at times, by their names
    size              the values without their signs, of which rounding is a part
    """

    __slots__ = ("nulls", "paths", "size", "timed", "total", "untouched")

    def __init__(self) -> None:
        self.total, self.untouched = Worth(), Worth()
        self.paths: defaultdict[tuple[str, ...], Worth] = defaultdict(Worth)
        self.nulls: defaultdict[tuple[str, ...], int] = defaultdict(int)
        self.timed: dict[str, Tally] = {}
        self.size = 0.0


def _gather(people: Iterable[TouchedPerson], asked: Attribution, end: int) -> _Gathered:
    gathered = _Gathered()
    timed = {name: model for name, model in asked.models.items() if model == "same" or isinstance(model, Decay)}
    gathered.timed = {name: Tally() for name in timed}
    with_nulls = any(isinstance(model, Markov) for model in asked.models.values())
    for who in people:
        for path in converted_paths(who, asked.lookback_ms, since_last=asked.since_last):
            _add(path, path.conversion.value if asked.value is not None else 1.0, timed, gathered)
        if with_nulls and (touches := null_path(who, asked.lookback_ms, end)):
            gathered.nulls[tuple([touch.key for touch in touches])] += 1
    return gathered


def _add(path: ConvertedPath, value: float, timed: Mapping[str, Model], gathered: _Gathered) -> None:
    gathered.total.add(value)
    gathered.size += abs(value)
    if not path.touches:
        gathered.untouched.add(value)
        return
    gathered.paths[tuple([touch.key for touch in path.touches])].add(value)
    for name, model in timed.items():
        if isinstance(model, Decay):
            credit_by_age(path, value, model.half_life_ms, gathered.timed[name])
        else:
            credit_same_visit(path, value, gathered.timed[name])


def _credited(name: str, model: Model, gathered: _Gathered, asked: Attribution, go_on: Callable[[], object]) -> Tally:
    tally = gathered.timed.get(name) or Tally()
    tally.add(NONE, gathered.untouched.conversions, gathered.untouched.value)
    match model:
        case "same" | Decay():
            pass  # credited while the paths were read
        case "first" | "last" | "u" | "j" | "inverse-j":
            credit_by_position(gathered.paths, POSITIONS[model], tally)
        case ByPosition():
            credit_by_position(gathered.paths, model, tally)
        case "linear":
            credit_equally(gathered.paths, tally)
        case "participation":
            credit_each_key(key_sets(gathered.paths), tally)
        case "shapley":
            credit_by_shapley(asked.name, key_sets(gathered.paths), tally)
        case Markov(order):
            credit_by_removal(asked.name, gathered.paths, gathered.nulls, order, tally, go_on)
        case _:
            assert_never(model)
    return tally


def _check(name: str, tally: Tally, gathered: _Gathered) -> None:
    """Every conversion is credited once."""
    for what, credited, whole, size in (
        ("conversions", tally.conversions, float(gathered.total.conversions), gathered.total.conversions),
        ("value", tally.value, gathered.total.value, gathered.size),
    ):
        together = sum(credited.values())
        if not abs(together - whole) <= ADDED_UP * size:
            raise AssertionError(f"credits of {name} do not add up: {together} of {whole} {what}")
