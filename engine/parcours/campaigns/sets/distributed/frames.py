"""Sets and other files as frames of Daft, and frames as files again.

A row of a set is known by `person` and `row_key`; its own columns are called `p0` and so on in a frame, since Daft
takes some names for patterns. Frames have no order of their own: it is made, and looked at again, as one is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from daft import DataFrame, Expression, col, read_parquet
from daft.functions import coalesce

from parcours.campaigns.sets.engine import OF_EVERY_SET
from parcours.campaigns.sets.row_groups import opened_row_groups
from parcours.campaigns.sets.whole_file import whole_file

PIECE_ROWS: Final = 5_000
"""Rows that are handed to the writer at once, so that a file's row groups depend on its rows alone."""


def first_of(values: Sequence[Expression]) -> Expression:
    """The first of these columns that has a value."""
    return values[0] if len(values) == 1 else coalesce(*values)


class SetFile:
    """The file of a set, of which no row is in memory.

    columns  the names of its own columns, in order
    types    of these, in Arrow
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        schema = pq.read_schema(path)
        self.rows: int = pq.read_metadata(path).num_rows
        self.columns = tuple(name for name in schema.names if name not in OF_EVERY_SET)
        self.types: dict[str, Any] = {name: schema.field(name).type for name in self.columns}

    def name_of(self, column: str) -> str:
        """What a column of its own is called in `frame`."""
        return f"p{self.columns.index(column)}"

    def keys(self) -> DataFrame:
        """`person` and `row_key` of its rows."""
        return read_parquet(str(self._path)).select(*OF_EVERY_SET)

    def frame(self) -> DataFrame:
        """Its rows, with all of their columns."""
        return read_parquet(str(self._path)).with_columns_renamed({name: self.name_of(name) for name in self.columns})

    def write(self, chosen: DataFrame, folder: Path, output: str, *, durable: bool) -> int:
        """Write those of its rows that `chosen` has, by `person` and `row_key`; returns how many they are."""
        rows = self.frame().join(chosen, on=[*OF_EVERY_SET], how="semi")
        named = {name: self.name_of(name) for name in self.columns}
        return write_set(rows, named, self.types, folder, output, durable=durable)


def write_set(
    rows: DataFrame, named: Mapping[str, str], types: Mapping[str, Any], folder: Path, output: str, *, durable: bool
) -> int:
    """Write the file of an output, whole or not at all, and return how many rows it has.

    rows   in any order, with `person` and `row_key`
    named  what each of the other columns of the file is called in the frame
    types  in which these are stored, in Arrow
    """
    schema = pa.schema([*((name, pa.string()) for name in OF_EVERY_SET), *((name, types[name]) for name in named)])
    ordered = rows.sort([*OF_EVERY_SET]).select(*(col(name) for name in (*OF_EVERY_SET, *named.values())))
    count = 0
    path = folder / f"{output}.parquet"
    with whole_file(path, durable=durable) as unfinished, opened_row_groups(unfinished, schema) as groups:
        for piece in _pieces(ordered.to_arrow_iter(), schema):
            groups.add(piece)
            count += piece.num_rows
    return count


def _pieces(batches: Iterable[Any], schema: Any) -> Iterator[Any]:
    """The rows in pieces of one size, each in the order of a set."""
    held, last = schema.empty_table(), schema.empty_table()
    for batch in batches:
        columns = [column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True)]
        held = pa.concat_tables([held, pa.Table.from_arrays(columns, schema=schema)])
        while held.num_rows >= PIECE_ROWS:
            piece, held = held.slice(0, PIECE_ROWS), held.slice(PIECE_ROWS)
            assert _is_ordered(last, piece), "a set is in the order of person and row key, and has each row once"
            last = piece.slice(PIECE_ROWS - 1)
            yield piece
    if held.num_rows:
        assert _is_ordered(last, held), "a set is in the order of person and row key, and has each row once"
        yield held


def _is_ordered(last: Any, piece: Any) -> bool:
    """Whether each row of a piece comes behind the one before it, the first behind the last one so far."""
    person, key = (pa.concat_tables([last, piece]).column(name).combine_chunks() for name in OF_EVERY_SET)
    same = pc.and_(pc.equal(person[1:], person[:-1]), pc.greater(key[1:], key[:-1]))
    found = pc.all(pc.or_(pc.greater(person[1:], person[:-1]), same), min_count=0).as_py()
    return bool(found)
