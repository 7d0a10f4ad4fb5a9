"""Are removal effects those of the chain by its definition, in exact fractions, for every order?"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.insight.analyses.attribution_written import (
    END,
    asked,
    converted,
    converted_paths,
    credited,
    not_converted,
    null_paths,
)

import parcours.insight.analyses.markov as markov
from parcours.errors import AnalysisRefused
from parcours.insight.analyses.attribution import attribute
from parcours.journey.analyses import Markov

Path = Sequence[str]
State = tuple[str, ...]
CONVERTED: State = ("converted",)
NULL: State = ("null",)
START: State = ("start",)


def states(path: Path, order: int) -> list[State]:
    if len(path) <= order:
        return [tuple(path)]
    every = [tuple(path[place : place + order]) for place in range(len(path) - order + 1)]
    return [state for place, state in enumerate(every) if place == 0 or state != every[place - 1]]


def reached(ways: list[tuple[list[State], State, Fraction]], removed: str | None, by_value: bool) -> Fraction:
    """The chance of a conversion from the start, or what is expected of it, by Gauss's elimination in fractions."""
    leaving: dict[State, Fraction] = defaultdict(Fraction)
    onward: dict[State, dict[State, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    reward: dict[State, Fraction] = defaultdict(Fraction)
    for way, end, value in ways:
        for here, there in zip([START, *way], [*way, end], strict=True):
            leaving[here] += 1
            onward[here][there] += 1
            if there == CONVERTED:
                reward[here] += value if by_value else 1
    left = [state for state in onward if state == START or removed is None or removed not in state]
    place = {state: number for number, state in enumerate(left)}
    rows = []
    for state in left:
        row = [Fraction()] * (len(left) + 1)
        row[place[state]] = Fraction(1)
        for there, times in onward[state].items():
            if there in place:
                row[place[there]] -= times / leaving[state]
        row[-1] = reward[state] / leaving[state]
        rows.append(row)
    return solved(rows)[place[START]]


def solved(rows: list[list[Fraction]]) -> list[Fraction]:
    for column in range(len(rows)):
        pivot = next(number for number in range(column, len(rows)) if rows[number][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [entry / rows[column][column] for entry in rows[column]]
        for number, row in enumerate(rows):
            if number != column and row[column]:
                rows[number] = [x - row[column] * y for x, y in zip(row, rows[column], strict=True)]
    return [row[-1] for row in rows]


def by_definition(
    paths: list[tuple[tuple[str, ...], float]], nulls: list[tuple[str, ...]], order: int, by_value: bool
) -> dict[str, float]:
    ways = [(states(path, order), CONVERTED, Fraction(value)) for path, value in paths]
    ways += [(states(path, order), NULL, Fraction()) for path in nulls]
    whole = reached(ways, None, by_value)
    keys = sorted({key for path, _ in paths for key in path})
    if not whole:
        return dict.fromkeys(keys, 0.0)
    effects = {key: 1 - reached(ways, key, by_value) / whole for key in keys}
    total = sum(Fraction(value) for _, value in paths) if by_value else len(paths)
    return {key: float(effect / sum(effects.values()) * total) for key, effect in effects.items()}


@given(converted_paths, null_paths, st.integers(1, 4))
def test_credits_are_removal_effects(
    paths: list[tuple[tuple[str, ...], float]], nulls: list[tuple[str, ...]], order: int
) -> None:
    people = [*(converted(*path) for path in paths), *map(not_converted, nulls)]

    answer = attribute(people, asked({"it": Markov(order)}), END).models["it"]

    told = {key: each for key, each in answer.items() if key != "(none)"}
    assert {key: each.conversions for key, each in told.items()} == pytest.approx(
        by_definition(paths, nulls, order, by_value=False), rel=1e-9
    )
    assert {key: each.value for key, each in told.items()} == pytest.approx(
        by_definition(paths, nulls, order, by_value=True), rel=1e-9, abs=1e-9
    )


@given(converted_paths, null_paths)
def test_iteration_finds_what_elimination_finds(
    paths: list[tuple[tuple[str, ...], float]], nulls: list[tuple[str, ...]]
) -> None:
    people = [*(converted(*path) for path in paths), *map(not_converted, nulls)]
    eliminated = credited(people, Markov())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markov, "ELIMINATED_KEYS_MAX", 0)
        iterated = credited(people, Markov())

    assert iterated == pytest.approx(eliminated, rel=1e-9)


@pytest.mark.parametrize(
    ("paths", "nulls", "parts"),
    [
        (["ab"], [], {"a": 0.5, "b": 0.5}),  # without either nobody converts
        (["a", "b"], [], {"a": 1, "b": 1}),
        (["a", "b"], ["b"], {"a": 1, "b": 1}),
        (["ab", "a"], ["b"], {"a": 1.2, "b": 0.8}),  # of a chance of 2/3 there is 1/6 without a, 1/3 without b
        (["aab"], [], {"a": 0.5, "b": 0.5}),  # equal states in a row are one
    ],
)
def test_removal_effects_of_small_chains(paths: list[str], nulls: list[str], parts: dict[str, float]) -> None:
    people = [*map(converted, paths), *map(not_converted, nulls)]

    assert credited(people, Markov()) == pytest.approx(parts)


def test_a_path_that_is_shorter_than_the_order_is_one_state() -> None:
    """After `a` alone nothing of `aba` is known: in order 2 they share no state."""
    people = [converted("a"), not_converted("aba"), converted("c")]

    assert credited(people, Markov(2)) == pytest.approx({"a": 1, "c": 1})
    assert credited(people, Markov(1)) == pytest.approx({"a": 1, "c": 1})


@pytest.mark.parametrize("order", [1, 2, 3])
def test_seldom_conversions_after_long_ways_keep_their_digits(order: int) -> None:
    """Some hundred touches a path and one conversion in two hundred paths, as of page views."""
    chance = random.Random(order)
    drawn = [tuple(chance.choices("abc", (5, 3, 1), k=chance.randrange(150, 250))) for _ in range(200)]
    paths, nulls = [(drawn[0], 3.0)], drawn[1:]

    found = credited([converted(*paths[0]), *map(not_converted, nulls)], Markov(order))

    assert found == pytest.approx(by_definition(paths, nulls, order, by_value=False), rel=1e-9)


def test_twenty_keys_in_states_of_two_are_solved_like_by_definition() -> None:
    chance = random.Random(7)
    keys = [f"k{number}" for number in range(20)]
    drawn = [tuple(chance.choices(keys, k=chance.randrange(1, 7))) for _ in range(40)]
    paths, nulls = [(path, 1.0) for path in drawn[:20]], drawn[20:]

    found = credited([converted(*path) for path in paths] + [*map(not_converted, nulls)], Markov(2))

    expected = by_definition(paths, nulls, 2, by_value=False)
    assert found == pytest.approx({key: credit for key, credit in expected.items() if credit}, rel=1e-9)


def test_values_that_cancel_out_are_refused() -> None:
    people = [converted("ab", 5), converted("a", -5), converted("b", -5)]

    with pytest.raises(AnalysisRefused, match="values below 0 cancel out"):
        credited(people, Markov(2))


def test_a_chain_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markov, "MARKOV_WORK_MAX", 3)

    assert credited([converted("a")], Markov()) == {"a": 1}
    with pytest.raises(AnalysisRefused, match="order 1 has 2 keys and 2 transitions, whose product may be 3 at most"):
        credited([converted("ab")], Markov())


@pytest.mark.parametrize("order", [1, 2], ids=["by elimination", "by iteration"])
def test_whoever_waits_no_more_ends_a_chain_under_way(order: int) -> None:
    class Ended(Exception):
        """Nobody waits any more."""

    asked_so_far = 0

    def twice() -> None:
        nonlocal asked_so_far
        asked_so_far += 1
        if asked_so_far > 2:
            raise Ended

    people = [converted("abcab"), converted("bca"), not_converted("cab")]

    with pytest.raises(Ended):
        attribute(people, asked({"it": Markov(order)}), END, twice)
    assert asked_so_far == 3
