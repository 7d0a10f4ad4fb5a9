"""What expressions gave, beside the rows that they were asked of: a frame with a column for each (given.py of DuckDB).

The rules are those of given.py, compared.py and orders.py beside this room, said to Daft: it takes 0.0 and -0.0 for two
values and orders them, so columns of doubles that are no `VALUE` are compared without the sign of zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Final, assert_never

import pyarrow as pa
from daft import DataFrame, DataType, Expression, Series, col, lit, read_parquet
from daft import func as daft_function
from daft import functions as of

from parcours.campaigns.sets.engine import (
    Asked,
    AtRandom,
    ByValue,
    Filled,
    OrderKey,
    Preferred,
    RowValues,
    TableColumn,
    Values,
)
from parcours.campaigns.sets.lots import lot
from parcours.campaigns.sets.values import FIELDS, KINDS, value_key

_NOTHING: Final[dict[str, float | int | str]] = {"n": 0.0, "r": 0, "t": ""}
"""What stands for null in the fields of `VALUE`."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Columns that are compared one after the other, all of which are null where the value is missing.

    alike      the same columns for groups, which have something else in the place of null: Daft's groups by several
               columns take quadratic time where there are many nulls
    is_filled  whether there is a value that is no empty text; never null
    others     how many values are missing for being of another kind than most
    """

    fields: tuple[Expression, ...]
    alike: tuple[Expression, ...]
    is_filled: Expression
    others: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """By which columns rows come, and which of them the highest first; missing values are last in any case."""

    columns: list[Expression]
    is_descending: list[bool]

    def of(self, rows: DataFrame) -> DataFrame:
        return rows.sort([*self.columns], desc=self.is_descending, nulls_first=[False] * len(self.columns))


class Given:
    """The rows with what was asked of them, computed once.

    frame  the rows; what tells them apart is among their columns
    noted  values that are missing for being of another kind than most of their column, by column
    """

    def __init__(
        self, rows: DataFrame, asked: Iterable[Asked], table: Path | None = None, only: Asked | None = None
    ) -> None:
        """table: the snapshot in which a `TableColumn` is; only: a condition without which a row is left out."""
        self.noted: dict[str, int] = {}
        self._columns = {each: f"c{place}" for place, each in enumerate(dict.fromkeys(asked))}
        joined = beside(rows, self._columns, table)
        if only is not None:
            joined = joined.where(self.holds(only))
        self.frame = joined.collect()
        valued = [column for column in self._columns.values() if self.frame.schema()[column].dtype.is_struct()]
        self._kinds = kinds_of(self.frame, valued)
        self._seen: dict[Asked, Compared] = {}

    def count(self) -> int:
        """How many rows there are."""
        return self.frame.count_rows()

    def holds(self, asked: Asked) -> Expression:
        """A condition: it does not hold where it is missing."""
        return of.coalesce(col(self._columns[asked]), lit(False))

    def plain(self, asked: Asked) -> Expression:
        """The column as it is."""
        return col(self._columns[asked])

    def compared(self, asked: Asked) -> Compared:
        """The values by which rows are compared."""
        column = self._columns[asked]
        if asked not in self._seen:
            if column in self._kinds:
                found = compared_values(column, self._kinds[column])
            else:
                found = _compared_plain(column, self.frame.schema()[column].dtype)
            self._seen[asked] = found
            if found.others and isinstance(asked, Values | RowValues):
                self.noted[asked.column] = self.noted.get(asked.column, 0) + found.others
        return self._seen[asked]

    def order(self, keys: Sequence[OrderKey], last: Sequence[str]) -> Order:
        """How rows come by these keys; `last` are columns that leave nothing open."""
        columns, is_descending = list[Expression](), list[bool]()
        for key in keys:
            for column, descending in self._order_by(key):
                columns.append(column)
                is_descending.append(descending)
        return Order([*columns, *map(col, last)], [*is_descending, *(False for _ in last)])

    def _order_by(self, key: OrderKey) -> list[tuple[Expression, bool]]:
        match key:
            case ByValue():
                return [(field, key.highest) for field in self.compared(key.values).fields]
            case Filled():
                return [(of.when(self.compared(key.values).is_filled, lit(0)).otherwise(lit(1)), False)]
            case Preferred():
                return [(_preference(self.plain(key.values), key.choices), False)]
            case AtRandom():
                return [(self.plain(key), False)]
        assert_never(key)


def beside(rows: DataFrame, columns: dict[Asked, str], table: Path | None = None) -> DataFrame:
    """The rows with a column for all that is asked, under these names; null where nobody has given anything."""
    sources: dict[tuple[Path, tuple[str, ...]], list[Expression]] = {}
    for asked, name in columns.items():
        match asked:
            case Values():
                by: tuple[str, ...] = ("person", "row_key") if asked.by_row else ("person",)
                sources.setdefault((asked.file, by), []).append(col(asked.column).alias(name))
            case RowValues():
                by = ("person", "row_number") if asked.by_person else ("row_number",)
                sources.setdefault((asked.file, by), []).append(col(asked.column).alias(name))
            case TableColumn():
                assert table is not None, "a column of a table is asked of its rows"
                sources.setdefault((table, ("row_number",)), []).append(col("cells")[asked.name].alias(name))
            case AtRandom():
                rows = rows.with_column(name, drawing(asked.seed)(col("person")))
            case _:
                assert_never(asked)
    for (file, by), found in sources.items():
        keys = [f"{key} of another" for key in by]
        named = (col(key).alias(other) for key, other in zip(by, keys, strict=True))
        other = read_parquet(str(file)).select(*named, *found)
        rows = rows.join(other, left_on=[*by], right_on=[*keys], how="left").exclude(*keys)
    return rows


def drawing(seed: bytes) -> Callable[[Expression], Expression]:
    """The lot of each person, as `lots.py` says."""

    @daft_function.batch(return_dtype=DataType.uint64())
    def lots(people: Series) -> Any:
        return pa.array([lot(seed, person) for person in people.to_pylist()], pa.uint64())

    return lots


def kinds_of(frame: DataFrame, columns: Sequence[str]) -> dict[str, dict[str, int]]:
    """How many values of each kind there are in columns of `VALUE`."""
    if not columns:
        return {}
    counts = [
        of.when(col(column)["k"] == lit(number), lit(1)).otherwise(lit(0)).sum().alias(f"{column} {kind}")
        for column in columns
        for number, kind in enumerate(KINDS)
    ]
    (found,) = frame.agg(*counts).to_pylist()
    return {column: {kind: found[f"{column} {kind}"] or 0 for kind in KINDS} for column in columns}


def compared_values(column: str, kinds: dict[str, int]) -> Compared:
    """How a column of `VALUE` is compared, of whose values so many are of each kind."""
    most = max(KINDS, key=lambda kind: (kinds[kind], -KINDS.index(kind)))
    is_most = col(column)["k"] == lit(KINDS.index(most))
    fields = tuple(of.when(is_most, col(column)[field]) for field in FIELDS[most])
    alike = tuple(of.coalesce(each, lit(_NOTHING[name])) for each, name in zip(fields, FIELDS[most], strict=True))
    is_filled = _is_filled(fields[0], is_text=most == "string")
    return Compared(fields, alike, is_filled, sum(kinds.values()) - kinds[most])


def _compared_plain(column: str, kind: DataType) -> Compared:
    value = without_sign_of_zero(col(column)) if kind == DataType.float64() else col(column)
    return Compared((value,), (value,), _is_filled(value, is_text=kind == DataType.string()))


def without_sign_of_zero(value: Expression) -> Expression:
    """Doubles, of which -0.0 is 0.0. To add 0.0 does nothing: Daft leaves that out."""
    return of.when(value == lit(0.0), lit(0.0)).otherwise(value)


def _is_filled(value: Expression, *, is_text: bool) -> Expression:
    return of.coalesce(value != lit(""), lit(False)) if is_text else value.not_null()


def _preference(value: Expression, choices: Sequence[str | int | float | bool]) -> Expression:
    """The place of a value among the choices, behind them for any other."""

    def is_choice(choice: str | int | float | bool) -> Expression:
        key = value_key(choice)
        if key is None:  # it is no number
            return lit(False)
        kind, number, rest, text = key
        return (
            (value["k"] == lit(kind))
            & (value["n"] == lit(number))
            & (value["r"] == lit(rest))
            & (value["t"] == lit(text))
        )

    def chosen(place: Expression, choice: tuple[int, str | int | float | bool]) -> Expression:
        return of.when(of.coalesce(is_choice(choice[1]), lit(False)), lit(choice[0])).otherwise(place)

    return reduce(chosen, [*enumerate(choices)][::-1], lit(len(choices)))
