"""Are the credits of made-up lives those of a second program, which looks at each conversion and touch by itself?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.insight.analyses.attribution_written import END, asked

from parcours.insight.analyses.attribution import attribute
from parcours.insight.analyses.paths import Conversion, Touch, TouchedPerson
from parcours.journey.analyses import ByPosition, Decay, Model

HALF_LIFE_MS = 3

Credits = list[tuple[str, float]]
"""What each touch of a path gets, by its key."""

lives = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(["a", "b", "c", ""]), st.integers(0, 90), st.sampled_from([1, 2])),
    max_size=12,
).map(lambda drawn: sorted(drawn, key=lambda each: each[0]))
"""The instant, the key of a touch or nothing for a conversion, its value, and the visit, in the order of happening."""

Life = Sequence[tuple[int, str, int, int]]


def by_position(first: float, between: float, last: float) -> Callable[[Sequence[Touch], Conversion], Credits]:
    def shared(path: Sequence[Touch], _: Conversion) -> Credits:
        if len(path) == 1:
            return [(path[0].key, 1.0)]
        if len(path) == 2:
            return [(path[0].key, first / (first + last)), (path[1].key, last / (first + last))]
        inner = [(each.key, between / 100 / (len(path) - 2)) for each in path[1:-1]]
        return [(path[0].key, first / 100), *inner, (path[-1].key, last / 100)]

    return shared


def by_age(path: Sequence[Touch], conversion: Conversion) -> Credits:
    weights = [0.5 ** ((conversion.at - each.at) / HALF_LIFE_MS) for each in path]
    return [(each.key, weight / sum(weights)) for each, weight in zip(path, weights, strict=True)]


def in_visit(path: Sequence[Touch], conversion: Conversion) -> Credits:
    own = [each.key for each in path if each.visit == conversion.visit]
    return [(own[-1] if own else "(none)", 1.0)]


def each_key(path: Sequence[Touch], _: Conversion) -> Credits:
    return [(key, 1.0) for key in {each.key for each in path}]


def in_equal_parts(path: Sequence[Touch], conversion: Conversion) -> Credits:
    keys = each_key(path, conversion)
    return [(key, 1 / len(keys)) for key, _ in keys]


MODELS: Mapping[str, tuple[Model, Callable[[Sequence[Touch], Conversion], Credits]]] = {
    "first": ("first", by_position(100, 0, 0)),
    "last": ("last", by_position(0, 0, 100)),
    "linear": ("linear", lambda path, _: [(each.key, 1 / len(path)) for each in path]),
    "u": ("u", by_position(40, 20, 40)),
    "j": ("j", by_position(20, 20, 60)),
    "inverse-j": ("inverse-j", by_position(60, 20, 20)),
    "custom": (ByPosition(50, 35, 15), by_position(50, 35, 15)),
    "decay": (Decay(HALF_LIFE_MS), by_age),
    "same": ("same", in_visit),
    "participation": ("participation", each_key),
    "shapley": ("shapley", in_equal_parts),
}


def path_of(life: Life, place: int, lookback_ms: int, *, since_last: bool) -> list[Touch]:
    """The touches of the conversion at a place of a life: those before it, of one key at one instant the first."""
    at = life[place][0]
    before = [number for number in range(place) if life[number][1] == ""]
    first = before[-1] + 1 if since_last and before else 0
    found: list[Touch] = []
    for number in range(first, place):
        touched, key, _, visit = life[number]
        if key and touched >= at - lookback_ms and (touched, key) not in [(each.at, each.key) for each in found]:
            found.append(Touch(touched, number, key, visit))
    return found


def plain_credits(people: Sequence[Life], model: str, lookback_ms: int, *, since_last: bool) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for life in people:
        for place, (at, key, value, visit) in enumerate(life):
            if key == "":
                conversion = Conversion(at, place, float(value), visit)
                path = path_of(life, place, lookback_ms, since_last=since_last)
                for to, share in MODELS[model][1](path, conversion) if path else [("(none)", 1.0)]:
                    found[to][0] += share
                    found[to][1] += share * value
    return found


def lived(life: Life) -> TouchedPerson:
    touches = [Touch(at, place, key, visit) for place, (at, key, _, visit) in enumerate(life) if key]
    conversions = [
        Conversion(at, place, float(value), visit) for place, (at, key, value, visit) in enumerate(life) if not key
    ]
    return TouchedPerson("ana", touches, conversions)


@pytest.mark.parametrize("model", MODELS)
@given(people=st.lists(lives, max_size=5), lookback_ms=st.integers(0, 10), since_last=st.booleans())
def test_each_touch_gets_what_the_second_program_gives_it(
    model: str, people: list[Life], lookback_ms: int, since_last: bool
) -> None:
    models = {model: MODELS[model][0]}

    answer = attribute(map(lived, people), asked(models, lookback_ms, since_last=since_last), END)

    expected = plain_credits(people, model, lookback_ms, since_last=since_last)
    assert expected.keys() <= answer.models[model].keys()
    for key, credit in answer.models[model].items():
        assert [credit.conversions, credit.value] == pytest.approx(expected[key], rel=1e-9, abs=1e-9)
