"""Attributions, people and paths, written briefly for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from parcours.expression.expression import compile_expression
from parcours.insight.analyses.attribution import Attributed, attribute
from parcours.insight.analyses.paths import Conversion, Touch, TouchedPerson
from parcours.journey.analyses import Attribution, EventTouches, Model
from parcours.journey.parts import Trigger

END = 1_000
NEVER_TOO_OLD_MS = 1_000_000


def asked(models: Mapping[str, Model], lookback_ms: int = NEVER_TOO_OLD_MS, *, since_last: bool = False) -> Attribution:
    return Attribution(
        name="orders",
        conversion=Trigger("Order Completed"),
        value=compile_expression("event.total"),
        touches=EventTouches(("Link Clicked",)),
        key="event.link",
        lookback_ms=lookback_ms,
        since_last=since_last,
        models=models,
    )


def touched(path: Sequence[str]) -> list[Touch]:
    """One touch a millisecond, from 1 on."""
    return [Touch(at, 0, key) for at, key in enumerate(path, 1)]


def converted(path: Sequence[str], value: float = 1.0) -> TouchedPerson:
    return TouchedPerson("sarah", touched(path), [Conversion(len(path) + 1, 0, value)])


def not_converted(path: Sequence[str]) -> TouchedPerson:
    return TouchedPerson("liam", touched(path))


def credited(people: Sequence[TouchedPerson], model: Model) -> dict[str, float]:
    """The conversions of each key that has any."""
    answer = attribute(people, asked({"it": model}), END)
    return {key: credit.conversions for key, credit in answer.models["it"].items() if credit.conversions}


def sums(answer: Attributed, model: str) -> tuple[float, float]:
    every = answer.models[model].values()
    return sum(each.conversions for each in every), sum(each.value for each in every)


paths = st.lists(st.sampled_from("abcd"), min_size=1, max_size=7).map(tuple)
values = st.integers(0, 1_000).map(float)
converted_paths = st.lists(st.tuples(paths, values), min_size=1, max_size=12)
null_paths = st.lists(paths, max_size=8)
