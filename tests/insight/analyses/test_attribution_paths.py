"""Do the right touches belong to a conversion, at the bounds of the lookback and at one instant?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.insight.analyses.paths import Conversion, Touch, TouchedPerson, converted_paths, null_path

DAY_MS = 86_400_000


def person(*happened: tuple[int, str]) -> TouchedPerson:
    """What happened in order of happening, `!` a conversion and `?` one that does not count."""
    touches, conversions = [], []
    for order, (at, what) in enumerate(happened):
        if what in "!?":
            conversions.append(Conversion(at, order, counted=what == "!"))
        else:
            touches.append(Touch(at, order, what))
    return TouchedPerson("sarah", touches, conversions)


def paths(who: TouchedPerson, lookback_ms: int = DAY_MS, *, since_last: bool = False) -> list[str]:
    """The keys of each conversion's touches."""
    return [
        "".join(touch.key for touch in path.touches)
        for path in converted_paths(who, lookback_ms, since_last=since_last)
    ]


@pytest.mark.parametrize(
    ("happened", "found"),
    [
        ([(1, "a"), (2, "b"), (3, "!")], ["ab"]),
        ([(1, "a"), (2, "!"), (3, "b")], ["a"]),
        ([(1, "!")], [""]),
        ([(5, "a"), (5, "!")], ["a"]),  # at one instant, before it
        ([(5, "!"), (5, "a")], [""]),  # at one instant, after it
        ([(5, "a"), (5, "!"), (5, "b"), (5, "!")], ["a", "ab"]),
        ([(5, "b"), (5, "a"), (6, "!")], ["ba"]),  # touches of one instant in the order of happening
        ([(5, "a"), (5, "a"), (6, "!")], ["a"]),  # one key at one instant once
        ([(5, "a"), (5, "b"), (5, "a"), (6, "!")], ["ab"]),  # of these the first
        ([(5, "a"), (6, "a"), (7, "!")], ["aa"]),  # at two instants twice
        ([(1, "a"), (2, "!"), (3, "b"), (4, "!")], ["a", "ab"]),
    ],
)
def test_touches_before_a_conversion_belong_to_it(happened: list[tuple[int, str]], found: list[str]) -> None:
    assert paths(person(*happened)) == found


def test_the_lookback_includes_its_first_millisecond() -> None:
    who = person((89, "a"), (90, "b"), (91, "c"), (100, "!"))

    assert paths(who, lookback_ms=10) == ["bc"]


def test_without_a_lookback_only_the_conversions_own_instant_counts() -> None:
    assert paths(person((9, "a"), (10, "b"), (10, "!"), (10, "c")), lookback_ms=0) == ["b"]


@pytest.mark.parametrize(
    ("happened", "found"),
    [
        ([(1, "a"), (2, "!"), (3, "b"), (4, "!")], ["a", "b"]),
        ([(1, "a"), (2, "!"), (3, "!")], ["a", ""]),
        ([(5, "a"), (5, "!"), (5, "b"), (5, "!")], ["a", "b"]),
        ([(5, "a"), (5, "!"), (5, "a"), (5, "!")], ["a", "a"]),  # each path for itself has a key once
        ([(1, "a"), (2, "?"), (3, "b"), (4, "!")], ["b"]),  # one that does not count parts them too
    ],
)
def test_since_last_begins_after_the_conversion_before(happened: list[tuple[int, str]], found: list[str]) -> None:
    assert paths(person(*happened), since_last=True) == found


@pytest.mark.parametrize(
    ("happened", "found"),
    [
        ([(95, "a"), (96, "b")], "ab"),
        ([(89, "a"), (90, "b"), (100, "c"), (101, "d")], "bc"),  # both ends of the lookback are in it
        ([(95, "a"), (96, "!"), (97, "b")], "b"),  # what led to a conversion is in no null path
        ([(95, "a"), (96, "!")], ""),
        ([(95, "a"), (95, "!"), (95, "b")], "b"),
        ([(95, "a"), (95, "a"), (96, "a")], "aa"),
        ([(50, "!"), (89, "a"), (91, "b")], "b"),
        ([], ""),
    ],
)
def test_a_null_path_is_what_touched_her_after_her_last_conversion(happened: list[tuple[int, str]], found: str) -> None:
    assert "".join(touch.key for touch in null_path(person(*happened), 10, 100)) == found


@given(
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from("ab!")), max_size=16).map(
        lambda all_: sorted(all_, key=lambda each: each[0])
    ),
    st.integers(0, 25),
    st.booleans(),
)
def test_paths_are_those_that_a_look_at_each_touch_finds(
    happened: list[tuple[int, str]], lookback_ms: int, since_last: bool
) -> None:
    expected = []
    for place, (at, what) in enumerate(happened):
        if what != "!":
            continue
        path: list[tuple[int, str]] = []
        for earlier_at, earlier in happened[:place]:
            if earlier == "!":
                path = [] if since_last else path
            elif at - earlier_at <= lookback_ms and (earlier_at, earlier) not in path:
                path.append((earlier_at, earlier))
        expected.append("".join(key for _, key in path))

    assert paths(person(*happened), lookback_ms, since_last=since_last) == expected
