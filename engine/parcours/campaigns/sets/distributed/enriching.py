"""Columns from the rows of linked tables by Daft; the rules are those of enriching.py around this room.

Daft keeps no order within a list, and none among the doubles that it adds up: both are made of lists of all values with
their places, which are sorted here. Its sums of whole numbers and decimals begin again at the other end once they are
too large, without a word: whole numbers are added as decimals, and decimals are refused before they could.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, assert_never

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from daft import DataFrame, DataType, Expression, Series, col, lit, read_parquet
from daft import func as daft_function
from daft import functions as of

from parcours.campaigns.sets.distributed.converted import data_type
from parcours.campaigns.sets.distributed.frames import SetFile, write_set
from parcours.campaigns.sets.distributed.given import Given, without_sign_of_zero
from parcours.campaigns.sets.distributed.groups import as_lists, in_order, placed
from parcours.campaigns.sets.engine import (
    MAIN,
    REST,
    Aggregated,
    AskedOfRows,
    Counts,
    Enrichment,
    TableColumn,
    Taken,
    asked_by,
)
from parcours.errors import TableRefused
from parcours.wording import quoted

WHOLE_MAX: Final = 2**63 - 1

ADDED_MAX: Final = 10.0**37
"""Decimals are added up to here, their point aside: a tenth of what a column holds, for doubles tell how far it is."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an enrichment: `value` of each `person` with rows, and its type in Arrow."""

    frame: DataFrame
    kind: Any


def enriched(source: Path, enrichments: Sequence[Enrichment], folder: Path, *, durable: bool) -> Counts:
    """Write a set with these columns, those who lack a required row apart. Raises TableRefused."""
    of_set, noted = SetFile(source), dict[str, int]()
    people = of_set.keys().select("person").distinct()
    rows, has_all = of_set.frame(), lit(True)
    named, types = {name: of_set.name_of(name) for name in of_set.columns}, dict(of_set.types)
    for place, enrichment in enumerate(enrichments):
        column = _column(people, enrichment, noted)
        told = column.frame.select(col("person").alias(f"owner{place}"), col("value").alias(f"value{place}"))
        rows = rows.join(told, left_on="person", right_on=f"owner{place}", how="left")
        rows = rows.with_column(f"e{place}", _told(enrichment, col(f"value{place}"), column.kind))
        named[enrichment.name], types[enrichment.name] = f"e{place}", column.kind
        if enrichment.required:
            has_all = has_all & col(f"owner{place}").not_null()
    found = rows.with_column("has_all", has_all).collect()
    outputs = {
        output: write_set(found.where(which), named, types, folder, output, durable=durable)
        for output, which in ((MAIN, col("has_all")), (REST, ~col("has_all")))
    }
    assert sum(outputs.values()) == of_set.rows, "everybody is in an output"
    return Counts(of_set.rows, outputs, noted=noted)


def _column(people: DataFrame, enrichment: Enrichment, noted: dict[str, int]) -> Column:
    gives, where = enrichment.gives, enrichment.where
    asked = [*asked_by(gives.order)] if isinstance(gives, Taken) else [gives.value] if gives.value else []
    links = read_parquet(str(enrichment.links)).select("person", "row_number").join(people, on="person", how="semi")
    pairs = Given(links, asked if where is None else [*asked, where], enrichment.table, where)
    match gives:
        case Taken():
            column = _taken(gives, pairs, enrichment.table)
        case Aggregated():
            column = _aggregated(gives, pairs, enrichment)
        case _:
            assert_never(gives)
    for name, count in pairs.noted.items():
        noted[name] = noted.get(name, 0) + count
    return column


def _told(enrichment: Enrichment, value: Expression, kind: Any) -> Expression:
    """The value of a column, for people without rows as well."""
    match enrichment.gives:
        case Taken(single=False):
            return of.coalesce(value, lit([]).cast(data_type(kind)))
        case Aggregated(function="count"):
            return of.coalesce(value, lit(0))
        case _:
            return value


def _taken(taken: Taken, pairs: Given, table: Path) -> Column:
    by = pairs.order(taken.order, ["row_number"])
    numbered = placed(pairs.frame, [col("person")], by, ("person", "row_number"))
    cells = pq.read_schema(table).field("cells").type
    kind = pa.struct([cells.field(name) for name in taken.columns])
    value = of.to_struct(**{name: col("cells")[name] for name in taken.columns})
    objects = numbered.where(col("place") <= lit(taken.rows)).join(
        read_parquet(str(table)).select("row_number", value.alias("value")), on="row_number"
    )
    if taken.single:
        return Column(objects.select("person", "value"), kind)
    return Column(_lists(objects, "place", data_type(pa.list_(kind)), _in_order), pa.list_(kind))


def _lists(rows: DataFrame, place: str, kind: DataType, made: Callable[[Any], Any]) -> DataFrame:
    """What is made of the values of each person, which come as lists of structs of `place` and `value`."""

    @daft_function.batch(return_dtype=kind)
    def of_lists(lists: Series) -> Any:
        return made(lists.to_arrow())

    pairs = of.to_struct(place=col(place), value=col("value")).list_agg().alias("pairs")
    return rows.groupby("person").agg(pairs).select("person", of_lists(col("pairs")).alias("value"))


def _in_order(lists: Any) -> Any:
    """The lists of the values, each in the order of their places."""
    lengths, pairs = in_order(lists, [("place", False)])
    return as_lists(lengths, pc.struct_field(pairs, "value"))


def _added(lists: Any) -> Any:
    """The sum of the doubles of each list, added one after the other in the order of their places."""
    lengths, pairs = in_order(lists, [("place", False)])
    numbers, first, sums = pc.struct_field(pairs, "value").to_pylist(), 0, list[float | None]()
    for length in lengths.to_pylist():
        total: float | None = None
        for number in numbers[first : first + length]:
            if number is not None:
                total = number if total is None else total + number
        sums.append(total)
        first += length
    return pa.array(sums, pa.float64())


def _aggregated(aggregated: Aggregated, pairs: Given, enrichment: Enrichment) -> Column:
    if aggregated.value is None:
        return Column(pairs.frame.groupby("person").agg(col("person").count().alias("value")), pa.int64())
    kind = _kind_of(aggregated.value, enrichment.table)
    value = pairs.plain(aggregated.value)
    if pa.types.is_float64(kind):
        value = without_sign_of_zero(of.when(~of.is_nan(value), value))
    rows = pairs.frame.select("person", "row_number", value.alias("value"))
    match aggregated.function:
        case "count":
            return Column(rows.groupby("person").agg(col("value").count().alias("value")), pa.int64())
        case "min":
            return Column(rows.groupby("person").agg(col("value").min().alias("value")), kind)
        case "max":
            return Column(rows.groupby("person").agg(col("value").max().alias("value")), kind)
        case "sum":
            return _sum(rows, kind, enrichment.name)
        case "avg":
            return _mean(rows, kind, enrichment.name)
    assert_never(aggregated.function)


def _kind_of(value: AskedOfRows, table: Path) -> Any:
    """The Arrow type of what is aggregated."""
    if isinstance(value, TableColumn):
        return pq.read_schema(table).field("cells").type.field(value.name).type
    return pq.read_schema(value.file).field(value.column).type


def _sum(rows: DataFrame, kind: Any, name: str) -> Column:
    totals = _totals(rows, kind, name)
    if not pa.types.is_int64(kind):
        return Column(totals, kind)
    totals = totals.collect()
    too_large = totals.where(~of.between(col("value"), -WHOLE_MAX - 1, WHOLE_MAX)).count_rows()
    if too_large:
        raise TableRefused(f"the sum for {quoted(name)} is larger than its kind of column holds")
    return Column(totals.select("person", col("value").cast(DataType.int64())), kind)


def _mean(rows: DataFrame, kind: Any, name: str) -> Column:
    @daft_function.batch(return_dtype=DataType.float64())
    def divided(totals: Series, counts: Series) -> Any:
        pairs = zip(totals.to_pylist(), counts.to_pylist(), strict=True)
        return pa.array([None if total is None else float(total) / count for total, count in pairs], pa.float64())

    counts = rows.groupby("person").agg(col("value").count().alias("count"))
    both = _totals(rows, kind, name).join(counts, on="person")
    return Column(both.select("person", divided(col("value"), col("count")).alias("value")), pa.float64())


def _totals(rows: DataFrame, kind: Any, name: str) -> DataFrame:
    """The sum of each person's values: of doubles one, else an exact decimal. Raises TableRefused."""
    if pa.types.is_float64(kind):
        return _lists(rows, "row_number", DataType.float64(), _added)
    places = 0 if pa.types.is_int64(kind) else kind.scale
    exact = col("value").cast(DataType.decimal128(38, places))
    about = of.abs(col("value").cast(DataType.float64()))
    found = rows.groupby("person").agg(exact.sum().alias("value"), about.sum().alias("about")).collect()
    too_large = found.where(col("about") >= lit(ADDED_MAX / 10**places)).count_rows()
    if too_large:
        raise TableRefused(
            f"the sum for {quoted(name)} is larger than its kind of column holds, or nearly so: beyond 37 digits a sum "
            "of Daft's is wrong without a word, and sets: {engine: duckdb} tells which"
        )
    return found.select("person", "value")
