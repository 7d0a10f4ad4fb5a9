"""Which value has a cell, alone and among many?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.campaigns.sets.cells import Unfit, Value, parser
from parcours.campaigns.sets.fitting import arrow_type, fits_type, fitted_array, fitted_texts

KINDS = ("string", "integer", "number", "decimal(2)", "decimal(0)", "boolean", "timestamp", "date")


@pytest.mark.parametrize(
    "kind, cell, value",
    [
        ("string", " as it is ", " as it is "),
        ("string", "", None),
        ("integer", "42", 42),
        ("integer", " +007 ", 7),
        ("integer", "3.0", 3),  # how pandas writes a column of integers of which some are missing
        ("integer", "-9223372036854775808", -(2**63)),
        ("integer", 9007199254740993, 9007199254740993),
        ("integer", "   ", None),
        ("number", "1e3", 1000.0),
        ("number", Decimal("0.1"), 0.1),
        ("number", float("nan"), None),
        ("decimal(2)", "19.9", Decimal("19.90")),
        ("decimal(2)", "1.5000", Decimal("1.50")),  # nothing is lost
        ("decimal(2)", "123456789012345678901234567890123456.78", Decimal("123456789012345678901234567890123456.78")),
        ("decimal(2)", "0e99", Decimal("0.00")),
        ("boolean", "TRUE", True),
        ("boolean", "0", False),
        ("timestamp", "2026-03-01T10:00:00+02:00", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("timestamp", "2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("date", "2026-03-01", date(2026, 3, 1)),
        ("date", "2026-03-01T23:30:00", date(2026, 3, 1)),
    ],
)
def test_a_cell_that_fits_is_a_value_of_its_column_s_kind(kind: str, cell: object, value: Value | None) -> None:
    found = parser(kind)(cell)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "kind, cell",
    [
        ("string", 5),
        ("integer", "3.5"),
        ("integer", "1_000"),
        ("integer", "٣"),  # a digit, but not one that Arrow would read
        ("integer", "9223372036854775808"),
        ("integer", "1e999999999"),  # must not be written out
        ("integer", True),
        ("number", "1,5"),
        ("number", "inf"),
        ("number", "nan"),
        ("number", "1e999"),
        ("number", 10**400),
        ("decimal(2)", "1.999"),  # money is not rounded
        ("decimal(2)", "1e-999999999"),
        ("decimal(2)", "1234567890123456789012345678901234567.00"),
        ("decimal(0)", "0.5"),
        ("boolean", "yes"),
        ("boolean", 1),
        ("timestamp", "2026-02-30T10:00:00Z"),
        ("timestamp", "0001-01-01T00:00:00+05:00"),  # before the first year in UTC
        ("timestamp", 1772323200),
        ("date", "01.03.2026"),
    ],
)
def test_a_cell_that_does_not_fit_has_no_value(kind: str, cell: object) -> None:
    with pytest.raises(Unfit):
        parser(kind)(cell)


NUMBERS = st.from_regex(r"\A[+-]?[0-9]{0,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,4})?\Z")
TIMES = st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{1,7})?)?)?Z?\Z")
PLAIN = st.one_of(st.integers().map(str), st.floats().map(repr), st.decimals().map(str), st.datetimes().map(str))
TEXTS = st.one_of(PLAIN, NUMBERS, TIMES, st.dates().map(str), st.sampled_from(["", " ", "true", "0", "-0", "-0.0"]))


@given(st.sampled_from(KINDS), st.lists(TEXTS, max_size=3))
def test_many_cells_have_the_values_that_each_has_alone(kind: str, cells: list[str]) -> None:
    values: list[Value | None] = []
    bad: list[int] = []
    for place, cell in enumerate(cells):
        try:
            values.append(parser(kind)(cell))
        except Unfit:
            values.append(None)
            bad.append(place)

    found = fitted_texts(kind, pa.array(cells, pa.string()))

    assert found.values.type == arrow_type(kind)
    assert [repr(each) for each in found.values.to_pylist()] == [
        repr(each) for each in pa.array(values, arrow_type(kind)).to_pylist()
    ]
    assert found.bad == tuple(bad)


@pytest.mark.parametrize(
    "kind, given_values, values, bad",
    [
        ("integer", pa.array([1, 2**64 - 1], pa.uint64()), [1, None], (1,)),
        ("integer", pa.array([Decimal(7)], pa.decimal128(38, 0)), [7], ()),  # how DuckDB sums integers
        ("number", pa.array([1.5, float("nan"), float("inf"), None]), [1.5, None, None, None], (2,)),
        ("number", pa.array([2**60 + 1], pa.int64()), [float(2**60)], ()),
        ("decimal(2)", pa.array([Decimal("1.500"), Decimal("1.999")]), [Decimal("1.50"), None], (1,)),
        ("decimal(2)", pa.array([3], pa.int32()), [Decimal("3.00")], ()),
        ("string", pa.array(["a", "", "b"]).dictionary_encode(), ["a", None, "b"], ()),
        ("timestamp", pa.array([0, 2**62], pa.timestamp("s")), [datetime(1970, 1, 1, tzinfo=UTC), None], (1,)),
        ("timestamp", pa.array([1_999], pa.timestamp("ns")), [datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)], ()),
        (
            "timestamp",
            pa.array([datetime(2026, 3, 1, 8, tzinfo=UTC)], pa.timestamp("ms", "Europe/Berlin")),
            [datetime(2026, 3, 1, 8, tzinfo=UTC)],
            (),
        ),
        ("date", pa.array([0, 2**30], pa.date32()), [date(1970, 1, 1), None], (1,)),
        ("date", pa.array([86_400_000], pa.date64()), [date(1970, 1, 2)], ()),
    ],
)
def test_columns_that_have_types_give_values_of_the_declared_kind(
    kind: str, given_values: pa.Array, values: list[object], bad: tuple[int, ...]
) -> None:
    assert fits_type(kind, given_values.type)

    found = fitted_array(kind, given_values)

    assert (found.values.type, found.values.to_pylist(), found.bad) == (arrow_type(kind), values, bad)


@pytest.mark.parametrize(
    "kind, given_type",
    [
        ("string", pa.int64()),
        ("string", pa.binary()),
        ("integer", pa.float64()),
        ("integer", pa.decimal128(10, 2)),
        ("decimal(2)", pa.float64()),
        ("boolean", pa.int8()),
        ("date", pa.timestamp("us")),
        ("timestamp", pa.date32()),
        ("number", pa.list_(pa.float64())),
    ],
)
def test_a_column_of_another_type_does_not_fit(kind: str, given_type: object) -> None:
    assert not fits_type(kind, given_type)
