"""Do conversions go to the touches that each model says, and does every sum come out?"""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.insight.analyses.attribution_written import END, asked, converted, credited, not_converted, sums, touched

from parcours.errors import AnalysisRefused
from parcours.insight.analyses.attribution import adds_up, attribute
from parcours.insight.analyses.paths import Conversion, Touch, TouchedPerson
from parcours.journey.analyses import ByPosition, Decay, Markov, Model

EVERY_MODEL: dict[str, Model] = {
    "first": "first",
    "last": "last",
    "same": "same",
    "linear": "linear",
    "u": "u",
    "j": "j",
    "inverse-j": "inverse-j",
    "custom": ByPosition(10, 0, 30),
    "decay": Decay(7),
    "participation": "participation",
    "markov": Markov(),
    "markov-2": Markov(2),
    "shapley": "shapley",
}


@pytest.mark.parametrize(
    ("model", "path", "parts"),
    [
        ("first", "abc", {"a": 1}),
        ("last", "abc", {"c": 1}),
        ("linear", "abca", {"a": 0.5, "b": 0.25, "c": 0.25}),
        ("u", "a", {"a": 1}),
        ("u", "ab", {"a": 0.5, "b": 0.5}),
        ("u", "abc", {"a": 0.4, "b": 0.2, "c": 0.4}),
        ("u", "abcd", {"a": 0.4, "b": 0.1, "c": 0.1, "d": 0.4}),
        ("u", "abba", {"a": 0.8, "b": 0.2}),
        ("j", "a", {"a": 1}),
        ("j", "ab", {"a": 0.25, "b": 0.75}),
        ("j", "abcd", {"a": 0.2, "b": 0.1, "c": 0.1, "d": 0.6}),
        ("inverse-j", "ab", {"a": 0.75, "b": 0.25}),
        ("inverse-j", "abcd", {"a": 0.6, "b": 0.1, "c": 0.1, "d": 0.2}),
        (ByPosition(10, 60, 30), "a", {"a": 1}),
        (ByPosition(10, 60, 30), "ab", {"a": 0.25, "b": 0.75}),
        (ByPosition(10, 60, 30), "abc", {"a": 0.1, "b": 0.6, "c": 0.3}),
        (ByPosition(0, 100, 0), "ab", {"a": 0.5, "b": 0.5}),  # nothing to scale: equal parts
        (Decay(1), "ab", {"a": 1 / 3, "b": 2 / 3}),
        (Decay(2), "a..b", {"a": 2**-1.5, "b": 1, ".": 2**-1 + 2**-0.5}),
        ("participation", "aab", {"a": 1, "b": 1}),
        ("shapley", "aab", {"a": 0.5, "b": 0.5}),
    ],
)
def test_a_path_is_shared_as_the_model_says(model: Model, path: str, parts: dict[str, float]) -> None:
    whole = sum(parts.values()) if isinstance(model, Decay) else 1

    shares = credited([converted(path)], model)

    assert shares == pytest.approx({key: share / whole for key, share in parts.items()}, rel=1e-12)


@pytest.mark.parametrize("model", EVERY_MODEL.values(), ids=EVERY_MODEL)
def test_a_conversion_that_nothing_led_to_is_credited_to_none(model: Model) -> None:
    assert credited([converted("")], model) == {"(none)": 1}


@pytest.mark.parametrize("model", EVERY_MODEL.values(), ids=EVERY_MODEL)
def test_without_conversions_nobody_is_credited(model: Model) -> None:
    assert credited([not_converted("ab")], model) == {}


@pytest.mark.parametrize(
    ("touches", "visit", "key"),
    [
        ([(1, "a", 1), (2, "b", 1)], 1, "b"),  # the last of the visit
        ([(1, "a", 1), (2, "b", 2)], 1, "a"),  # not the last of all
        ([(1, "a", 1)], 2, "(none)"),  # another visit
        ([(1, "a", None)], 1, "(none)"),  # in no visit
        ([(1, "a", None)], None, "(none)"),  # neither was the conversion
    ],
)
def test_same_credits_the_last_touch_of_the_conversions_own_visit(
    touches: list[tuple[int, str, int | None]], visit: int | None, key: str
) -> None:
    who = TouchedPerson("sarah", [Touch(at, 0, name, seen) for at, name, seen in touches], [Conversion(9, 0, 1, visit)])

    assert credited([who], "same") == {key: 1}


def test_decay_tells_touches_of_long_ago_apart() -> None:
    """Their weights would be 0 if ages were counted from the conversion."""
    who = TouchedPerson("sarah", [Touch(1, 0, "a"), Touch(2, 0, "b")], [Conversion(500_000, 0)])

    assert credited([who], Decay(1)) == pytest.approx({"a": 1 / 3, "b": 2 / 3})


def test_value_is_shared_like_conversions() -> None:
    answer = attribute([converted("ab", 30), converted("b", 10)], asked({"linear": "linear"}), END)

    assert msgspec.to_builtins(answer) == {
        "conversions": 2,
        "value": 40.0,
        "models": {
            "linear": {
                "a": {"conversions": 0.5, "value": 15.0},
                "b": {"conversions": 1.5, "value": 25.0},
                "(none)": {"conversions": 0.0, "value": 0.0},
            }
        },
    }


def test_without_a_value_each_conversion_counts_one() -> None:
    counted = replace(asked({"last": "last"}), value=None)

    answer = attribute([converted("a", 30), converted("", 5)], counted, END)

    assert answer.value == 2
    assert sums(answer, "last") == (2, 2)


def test_json_has_models_as_they_were_asked_for_and_keys_sorted() -> None:
    answer = attribute([converted("cab")], asked({"last": "last", "first": "first"}), END)

    told = json.loads(msgspec.json.encode(answer))

    assert list(told) == ["conversions", "value", "models"]
    assert list(told["models"]) == ["last", "first"]
    assert list(told["models"]["last"]) == ["a", "b", "c", "(none)"]


def test_keys_that_led_to_no_conversion_are_left_out() -> None:
    answer = attribute([converted("a"), not_converted("b")], asked({"markov": Markov()}), END)

    assert list(answer.models["markov"]) == ["a", "(none)"]


def test_shapley_refuses_more_than_twelve_keys() -> None:
    twelve = [converted(key) for key in "abcdefghijkl"]

    assert len(credited(twelve, "shapley")) == 12
    with pytest.raises(AnalysisRefused, match="at most 12 different keys, and the paths have 13"):
        credited([*twelve, converted("m")], "shapley")


def test_thirteen_keys_do_without_shapley_when_one_led_to_nothing() -> None:
    people = [*(converted(key) for key in "abcdefghijkl"), not_converted("m")]

    assert len(credited(people, "shapley")) == 12


lives = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.sampled_from([*"abcd", "convert"]),
        st.integers(-100, 1_000).map(float),
        st.sampled_from([None, 1, 2]),
    ),
    max_size=14,
)


@given(st.lists(lives, max_size=8), st.integers(0, 15), st.booleans())
def test_credits_add_up_to_the_conversions(
    people: list[list[tuple[int, str, float, int | None]]], lookback_ms: int, since_last: bool
) -> None:
    models = {name: model for name, model in EVERY_MODEL.items() if not name.startswith("markov")}
    everybody = [_lived(life, signed=True) for life in people]

    answer = attribute(everybody, asked(models, lookback_ms, since_last=since_last), END)

    counted = [conversion for who in everybody for conversion in who.conversions]
    assert answer.conversions == len(counted)
    assert answer.value == pytest.approx(sum(each.value for each in counted))
    for name, model in models.items():
        if adds_up(model):
            assert sums(answer, name) == pytest.approx((answer.conversions, answer.value), rel=1e-9, abs=1e-6)


@given(st.lists(lives, max_size=8), st.integers(0, 15), st.booleans(), st.integers(1, 4))
def test_credits_by_removal_add_up_to_the_conversions(
    people: list[list[tuple[int, str, float, int | None]]], lookback_ms: int, since_last: bool, order: int
) -> None:
    everybody = [_lived(life, signed=False) for life in people]

    answer = attribute(everybody, asked({"it": Markov(order)}, lookback_ms, since_last=since_last), 14)

    assert sums(answer, "it") == pytest.approx((answer.conversions, answer.value), rel=1e-9)


def _lived(life: list[tuple[int, str, float, int | None]], *, signed: bool) -> TouchedPerson:
    """Things of one instant in the order in which they were drawn."""
    touches, conversions = [], []
    for order, (at, what, value, visit) in enumerate(sorted(life, key=lambda each: each[0])):
        if what == "convert":
            conversions.append(Conversion(at, order, value if signed else abs(value), visit))
        else:
            touches.append(Touch(at, order, what, visit))
    return TouchedPerson("sarah", touches, conversions)


def test_one_persons_conversions_are_credited_each_for_itself() -> None:
    who = TouchedPerson("sarah", touched("ab"), [Conversion(2, -1, 5), Conversion(9, 0, 7)])

    answer = attribute([who], asked({"last": "last"}), END)

    assert {key: (each.conversions, each.value) for key, each in answer.models["last"].items()} == {
        "a": (1, 5),
        "b": (1, 7),
        "(none)": (0, 0),
    }


def test_values_whose_sum_no_number_can_be_are_refused() -> None:
    with pytest.raises(AnalysisRefused, match="attribution orders: the values of the conversions are together larger"):
        attribute([converted("a", 1.5e308), converted("b", 1.5e308)], asked(EVERY_MODEL), END)
