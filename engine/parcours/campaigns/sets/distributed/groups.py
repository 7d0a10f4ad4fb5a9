"""Rows within groups of equal ones, in an order: which comes first, and which place has each?

That is what window functions tell, and those of Daft take longer for each group than for all of its rows. Here a group
comes as a list, many groups at a time, and Arrow sorts them; people, row keys and values are in the order of DuckDB.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from daft import DataFrame, DataType, Expression, Series, col
from daft import func as daft_function
from daft import functions as of

from parcours.campaigns.sets.distributed.given import Order
from parcours.campaigns.sets.engine import OF_EVERY_SET


def placed(rows: DataFrame, alike: Sequence[Expression], order: Order, kept: Sequence[str]) -> DataFrame:
    """Columns of the rows, with the `place` of each (from 1) among those that are equal in `alike`, and the `winner`.

    order  leaves nothing open
    kept   the columns; the winner is what the first row of the group has in the first of them
    """
    names = [f"o{number}" for number in range(len(order.columns))]
    by = [*zip(names, order.is_descending, strict=True)]
    kinds = {name: rows.schema()[name].dtype for name in kept}
    made = {**kinds, "place": DataType.int64(), "winner": kinds[kept[0]]}

    @daft_function.batch(return_dtype=DataType.list(DataType.struct(made)))
    def of_groups(groups: Series) -> Any:
        return _placed(groups.to_arrow(), by, kept)

    keys = {f"a{number}": each for number, each in enumerate(alike)}
    ordered = dict(zip(names, order.columns, strict=True))
    asked = rows.select(*kept, *(each.alias(name) for name, each in (keys | ordered).items()))
    together = of.to_struct(**{name: col(name) for name in (*kept, *names)}).list_agg().alias("rows")
    found = asked.groupby(*keys).agg(together).select(of_groups(col("rows")).alias("row")).explode("row")
    return found.select(*(col("row")[name].alias(name) for name in made))


def _placed(groups: Any, by: Sequence[tuple[str, bool]], kept: Sequence[str]) -> Any:
    """Lists of structs, as Arrow has them: each sorted, with place and winner in place of what it was sorted by."""
    lengths, rows = in_order(groups, by)
    ends = pc.cumulative_sum(lengths)
    firsts = pc.take(pc.subtract(ends, lengths), whose(lengths))
    columns = [pc.struct_field(rows, name) for name in kept]
    place = pc.add(pc.subtract(pa.array(range(len(rows)), pa.int64()), firsts), 1)
    found = pa.StructArray.from_arrays([*columns, place, columns[0].take(firsts)], [*kept, "place", "winner"])
    return as_lists(lengths, found)


def firsts_of_sets(rows: DataFrame, alike: Sequence[str], places: Sequence[int]) -> DataFrame:
    """Of rows that are equal in some columns, which stay, the first of each set: its person{place} and row_key{place}.

    The `place` of a row's set is among its columns, with `person` and `row_key`.
    """
    names = [f"{name}{place}" for place in places for name in OF_EVERY_SET]

    @daft_function.batch(return_dtype=DataType.struct(dict.fromkeys(names, DataType.string())))
    def of_groups(groups: Series) -> Any:
        return _firsts(groups.to_arrow(), places)

    together = of.to_struct(**{name: col(name) for name in ("place", *OF_EVERY_SET)}).list_agg().alias("rows")
    found = rows.groupby(*alike).agg(together).with_column("firsts", of_groups(col("rows")))
    return found.select(*alike, *(col("firsts")[name].alias(name) for name in names))


def _firsts(groups: Any, places: Sequence[int]) -> Any:
    lengths, rows = in_order(groups, [(name, False) for name in ("place", *OF_EVERY_SET)])
    owners, all_groups = whose(lengths), pa.array(range(len(lengths)), pa.int64())
    columns = []
    for place in places:
        of_set = pc.equal(pc.struct_field(rows, "place"), place)
        rows_of_set = rows.filter(of_set)
        first = pc.index_in(all_groups, value_set=owners.filter(of_set))
        columns += [pc.struct_field(rows_of_set, name).take(first) for name in OF_EVERY_SET]
    return pa.StructArray.from_arrays(columns, [f"{name}{place}" for place in places for name in OF_EVERY_SET])


def in_order(groups: Any, by: Sequence[tuple[str, bool]]) -> tuple[Any, Any]:
    """How long each list is, and the structs of all lists one after the other, each list sorted by these fields.

    by  the fields, and whether the highest comes first; missing values are last in any case
    """
    rows = pc.list_flatten(groups)
    lengths = pc.fill_null(pc.list_value_length(groups), 0).cast(pa.int64())
    table = {"whose": whose(lengths), **{name: pc.struct_field(rows, name) for name, _ in by}}
    keys = [(name, "descending" if highest else "ascending", "at_end") for name, highest in by]
    return lengths, rows.take(pc.sort_indices(pa.table(table), sort_keys=[("whose", "ascending", "at_end"), *keys]))


def whose(lengths: Any) -> Any:
    """The number of its list for each element, of lists that are so long."""
    lists = pa.LargeListArray.from_arrays(_offsets(lengths), pa.nulls(pc.sum(lengths, min_count=0).as_py()))
    return pc.list_parent_indices(lists).cast(pa.int64())


def as_lists(lengths: Any, values: Any) -> Any:
    """Lists that are so long, of values one after the other."""
    return pa.LargeListArray.from_arrays(_offsets(lengths), values)


def _offsets(lengths: Any) -> Any:
    return pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths)])
