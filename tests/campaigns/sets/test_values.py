"""Are keys of values equal, and in order, exactly as the values are?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import inf, nan
from typing import TypeAlias

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parcours.campaigns.sets.values import VALUE, value_column, value_key

Number: TypeAlias = int | float | Decimal

NEAR = [2**53, 2**63, 10**22, 10**400, 3, 0]
"""Around these, doubles lie apart in one way or another."""

NUMBERS = st.one_of(
    st.floats(allow_nan=False),
    st.integers(),
    st.decimals(allow_nan=False),
    st.builds(lambda near, by: near + by, st.sampled_from(NEAR), st.integers(-3, 3)),
    st.builds(lambda near, by: -Decimal(near) + by, st.sampled_from(NEAR), st.decimals(-3, 3, places=20)),
    st.builds(lambda cents: Decimal(cents) / 100, st.integers(-300, 300)),
    st.builds(lambda cents: cents / 100, st.integers(-300, 300)),
)


@given(NUMBERS, NUMBERS)
@example(3, Decimal("3.0"))
@example(0.0, -0.0)
@example(0.1, Decimal("0.1"))
@example(Decimal("0.1"), Decimal("0.10"))
@example(2**63, Decimal(2**63))
@example(10**400, inf)
@example(10**400, 10**400 + 1)
@example(-(10**400), Decimal(-(10**400)) - 1)
@example(Decimal("1e-400"), 0)
@example(Decimal("-1e-400"), Decimal("-1e-401"))
@example(Decimal("-1.5e-400"), Decimal("-1.51e-400"))
@example(Decimal("9e999999999999999999"), Decimal("-9e999999999999999999"))
def test_keys_of_numbers_are_in_the_order_of_the_numbers(one: Number, other: Number) -> None:
    keys = value_key(one), value_key(other)

    assert keys[0] is not None and keys[1] is not None
    assert (keys[0] == keys[1]) == (one == other)
    assert (keys[0] < keys[1]) == (one < other)
    assert value_column([one, other]).to_pylist() == [dict(zip("knrt", key, strict=True)) for key in keys if key]


def test_what_is_no_number_is_missing() -> None:
    assert [value_key(each) for each in (None, nan, Decimal("nan"), Decimal("snan"))] == [None] * 4


def test_a_column_has_the_fields_of_a_value() -> None:
    assert value_column([]).type == value_column([None, "a"]).type == VALUE
    assert value_column([None, "a", nan]).to_pylist() == [None, {"k": 1, "n": 0.0, "r": 0, "t": "a"}, None]


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "one, other",
    [
        ([Decimal("0.1")], [0.1]),
        ([Decimal("0.1")], ["0.1"]),
        ([NOON], [str(NOON)]),
        ([NOON], [NOON.isoformat()]),
        ([timedelta(1)], [86_400]),
        ([2**63], [2**63 + 1]),
        ([True], [1]),
        ([None], ["null"]),
        (["\0"], ["\0\0"]),
        ([[1], 2], [[1, 2]]),
        ({"a": 1}, {"a": "1"}),
    ],
)
def test_lists_and_objects_differ_if_what_is_in_them_does(one: object, other: object) -> None:
    assert value_key(one) != value_key(other)


def test_lists_and_objects_are_equal_if_what_is_in_them_is() -> None:
    tomorrow = NOON.astimezone().replace(fold=1)

    assert value_key([3, Decimal("0.50"), NOON]) == value_key((3.0, 0.5, tomorrow))
    assert value_key({"a": [2**63], "b": None}) == value_key({"b": None, "a": [Decimal(2**63)]})


def test_what_no_expression_gives_is_compared_with_nothing() -> None:
    with pytest.raises(TypeError, match="a value of the kind bytes is compared with nothing"):
        value_key(b"")
