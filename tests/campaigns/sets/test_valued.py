"""Are whole columns of values the same as one value after the other, and can the values be read back?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from parcours.campaigns.sets.valued import condition_column, plain_of, valued_column
from parcours.campaigns.sets.values import VALUE, value_column
from parcours.expression.expression import MISSING

BIG = 2**53 + 1
MOMENT = datetime(2026, 3, 1, 10, 0, 0, 123_456, tzinfo=UTC)

COLUMNS: list[list[object]] = [
    [],
    [None, None],
    ["a", None, "", "é\0"],
    [True, None, False],
    [1.5, None, -0.0, 0.0, float("nan"), float("inf"), 2.0**80],
    [3, None, -3, 2**53, -(2**53), 0, 2.5],
    [BIG, -BIG, 2**63 - 1, -(2**63), 10**18 + 1, 9_999_999_999_999_999, 3],
    [MOMENT, None, datetime(1, 1, 1, tzinfo=UTC)],
    [timedelta(seconds=-1.5), None],
    [[1, "x", None, {"b": True}], None, []],
    [{"b": 1.5, "a": [{"c": "\0"}]}, {}],
    [1, "1", True, [1], {"a": 1}, MOMENT, None],
]


@pytest.mark.parametrize("values", COLUMNS, ids=str)
def test_a_column_has_the_same_structs_as_its_values(values: list[object]) -> None:
    given = valued_column(values)

    assert given.type == VALUE and given.equals(value_column(values))
    assert [None if each is None else each["k"] for each in given.to_pylist()] == [
        None if each is None else each["k"] for each in value_column(values).to_pylist()
    ]


@pytest.mark.parametrize("values", COLUMNS, ids=str)
def test_values_are_read_back(values: list[object]) -> None:
    read = [plain_of(each) for each in valued_column(values).to_pylist()]

    assert read == [None if value != value else value for value in values]
    assert [type(each) for each in read if isinstance(each, bool)] == [bool for value in values if type(value) is bool]


def test_what_json_has_no_number_for_is_read_back_from_within_lists() -> None:
    values: list[object] = [[BIG, -BIG, {"a": 2**63 - 1}, "\0x", 3], {"deep": [[10**18 + 1]]}]

    assert [plain_of(each) for each in valued_column(values).to_pylist()] == values


def test_times_within_lists_are_texts_as_json_has_them() -> None:
    (read,) = (plain_of(each) for each in valued_column([[MOMENT, timedelta(seconds=90)]]).to_pylist())

    assert read == ["2026-03-01T10:00:00.123Z", "90s"]


def test_a_condition_holds_if_it_is_exactly_true_and_what_is_missing_is_null() -> None:
    assert condition_column([True, 1, "true", None, MISSING, False]).to_pylist() == [True] + [False] * 5
    assert valued_column([MISSING, "a"]).equals(valued_column([None, "a"]))
    assert isinstance(valued_column([]), pa.StructArray)
