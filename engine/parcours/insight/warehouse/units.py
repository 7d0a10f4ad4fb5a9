"""How do rows become the events of units, each in the order of happening?

DuckDB hands rows over in columns, some thousands at once, and what can be asked of columns is asked of them. It sorts
by unit and time only, and by a hash rather than by names where any order of people will do: a key of more than 24 bytes
takes it twice as long. So rows that are equal in that are put in order here; in most facts they are few.

Happenings are made a unit at a time: Python's garbage collector looks again and again at objects that are kept, and for
a hundred thousand at once it takes three times as long as for making them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import partial, reduce
from itertools import islice
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from parcours.insight.analyses.happenings import Events, Happening

SORTED_BY: Final = ("key", "unit", "time")
"""The columns by which batches are sorted when they come: the key is the name of the person, or a hash of it."""

AT_ONE_INSTANT: Final = ("record", "shard", "n")
"""The columns that tell what of one instant happened first."""

_happening: Final = partial(tuple.__new__, Happening)
"""As `Happening._make`, without a function of Python's between."""


def units_of(batches: Iterable[pa.RecordBatch], following: Collection[str] | None = None) -> Iterator[Events]:
    """The events of each unit.

    batches    the columns of `SORTED_BY`, the time in ms, and of `AT_ONE_INSTANT`; person, event and properties
    following  leave out all events but those of these names, and the very next one behind each
    """
    for whole in _whole_units(batches):
        rows = _in_order(whole)
        if following is not None:
            rows = rows.filter(_near(rows, following))
        if rows.num_rows:
            yield from _cut(rows)


def _whole_units(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows, cut behind the last row of a key."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if waiting[0]["key"][0] == batch["key"][-1]:
            continue
        rows = pa.concat_batches(waiting)
        end = _starts(rows, "key")[-1]
        yield rows.slice(0, end)
        waiting = [rows.slice(end)]
    if waiting:
        yield pa.concat_batches(waiting)


def _in_order(rows: pa.RecordBatch) -> pa.RecordBatch:
    """All rows of some keys, in the order of happening."""
    if pc.any(pc.and_(_as_before(rows, "key"), pc.invert(_as_before(rows, "person")))).as_py():  # a hash of two names
        return rows.sort_by([(name, "ascending") for name in ("person", "unit", "time", *AT_ONE_INSTANT)])
    tied = _as_before(rows, *SORTED_BY)
    if not pc.any(tied).as_py():
        return rows
    no = pa.array([False])
    is_equal = pa.concat_arrays([no, tied])  # to the row before
    is_tied = pc.or_(is_equal, pa.concat_arrays([tied, no]))
    places = pc.indices_nonzero(is_tied)
    instants = pc.cumulative_sum(pc.invert(is_equal).cast(pa.int64()))
    among = pa.table([instants, *(rows[name] for name in AT_ONE_INSTANT)], names=["instant", *AT_ONE_INSTANT])
    by = [(name, "ascending") for name in among.column_names]
    sorted_ = pc.sort_indices(among.take(places), sort_keys=by)
    return rows.take(pc.replace_with_mask(pa.arange(0, rows.num_rows), is_tied, places.take(sorted_).cast(pa.int64())))


def _near(rows: pa.RecordBatch, names: Collection[str]) -> pa.Array:
    """Of each row whether its event has one of these names, or that of the row before in its unit has."""
    named = pc.is_in(rows["event"], value_set=pa.array(sorted(names), pa.string()))
    follows = pc.and_(_as_before(rows, "person", "unit"), named.slice(0, len(named) - 1))
    return pc.or_(named, pa.concat_arrays([pa.array([False]), follows]))


def _cut(rows: pa.RecordBatch) -> Iterator[Events]:
    """The units of these rows, of which there is one at least."""
    starts = _starts(rows, "person", "unit")
    persons, units = (rows[name].take(pa.array(starts)).to_pylist() for name in ("person", "unit"))
    times, events, properties = rows["time"].to_pylist(), _texts(rows["event"]), rows["properties"].to_pylist()
    happened = map(_happening, zip(times, events, properties, strict=True))
    for person, unit, start, end in zip(persons, units, starts, [*starts[1:], rows.num_rows], strict=True):
        yield Events(person, unit, [*islice(happened, end - start)])


def _starts(rows: pa.RecordBatch, *columns: str) -> list[int]:
    """The places at which these columns change, and 0."""
    return [0, *(place + 1 for place in pc.indices_nonzero(pc.invert(_as_before(rows, *columns))).to_pylist())]


def _as_before(rows: pa.RecordBatch, *columns: str) -> pa.Array:
    """Of each row but the first whether it has the same in these columns as the row before."""
    rest = rows.num_rows - 1
    return reduce(pc.and_, (pc.equal(rows[name].slice(1), rows[name].slice(0, rest)) for name in columns))


def _texts(column: pa.Array) -> list[str]:
    """Texts of which most are the same, each an object only once."""
    encoded = column.dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    return [texts[index] for index in encoded.indices.to_pylist()]
