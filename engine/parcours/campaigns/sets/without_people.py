"""Files of sets, tables and exports without the rows of some people: each is written anew, whole or not at all.

Their other rows stay as they are, in their order.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from parcours.campaigns.sets.row_groups import opened_row_groups
from parcours.campaigns.sets.whole_file import whole_file
from parcours.journey.model.tables import format_of

NAMED: Final = ("person", "winner")
"""Columns of names: whose a row is, and who has been kept in place of her."""

BATCH_ROWS: Final = 20_000
"""Rows in memory at once."""


def names_that(hers: Callable[[str], bool], path: Path) -> set[str]:
    """Those names in a file's columns of names for which `hers` holds."""
    found: set[str] = set()
    with pq.ParquetFile(path) as parquet:
        columns = [name for name in NAMED if name in parquet.schema_arrow.names]
        for batch in parquet.iter_batches(batch_size=BATCH_ROWS, columns=columns) if columns else ():
            for column in batch.columns:
                found.update(name for name in column.to_pylist() if name is not None and hers(name))
    return found


def words_about(names: Collection[str], people: Path) -> set[str]:
    """What is told of people in a file of theirs (people_file.py) by which rows of tables may be theirs."""
    found: set[str] = set()
    with pq.ParquetFile(people) as parquet:
        given = parquet.schema_arrow.names
        columns = [name for name in given if name == "names" or (name[:1] == "m" and name[1:].isdigit())]
        if columns:
            rows = pq.read_table(people, columns=["person", *columns], filters=[("person", "in", [*names])])
            for column in columns:
                for value in rows.column(column).to_pylist():
                    found.update(value if isinstance(value, list) else [value] if value else [])
    return found


def without_people(path: Path, names: Collection[str]) -> int:
    """Take the rows of people out of a file of a set, of links, or of what shards told; returns how many there were."""
    wanted = pa.array(sorted(names), pa.string())

    def going(batch: Any, _: int) -> Any:
        columns = [batch.column(name) for name in NAMED if name in batch.schema.names]
        return _any_of(pc.is_in(column, value_set=wanted) for column in columns)

    return _without(path, going)


def rows_of_nobody_else(links: Iterable[Path], names: Collection[str]) -> set[int]:
    """The numbers of a table's rows that are linked to these people, and to nobody else."""
    theirs, others, wanted = set[int](), set[int](), pa.array(sorted(names), pa.string())
    for path in links:
        rows = pq.read_table(path, filters=[("person", "in", [*names])], columns=["row_number"])
        theirs.update(rows.column("row_number").to_pylist())
    for path in links if theirs else ():
        rows = pq.read_table(path, filters=[("row_number", "in", sorted(theirs))], columns=["person", "row_number"])
        rows = rows.filter(pc.invert(pc.is_in(rows.column("person"), value_set=wanted)))
        others.update(rows.column("row_number").to_pylist())
    return theirs - others


def without_rows(path: Path, numbers: Collection[int]) -> int:
    """Take rows out of a table's snapshot by their numbers; returns how many there were."""
    wanted = pa.array(sorted(numbers), pa.int64())
    return _without(path, lambda batch, _: pc.is_in(batch.column("row_number"), value_set=wanted))


def without_words(path: Path, words: Collection[str]) -> int:
    """Take out the rows of a table's snapshot in which a text is one of these words; returns how many there were."""
    wanted = pa.array(sorted(words), pa.string())

    def going(batch: Any, _: int) -> Any:
        texts = [each for each in batch.column("cells").flatten() if pa.types.is_string(each.type)]
        return _any_of((pc.is_in(each, value_set=wanted) for each in texts), rows=batch.num_rows)

    return _without(path, going)


def places_of(path: Path, names: Collection[str]) -> set[int]:
    """At which places, from 0, rows of people are in a set."""
    wanted, found, first = pa.array(sorted(names), pa.string()), set[int](), 0
    with pq.ParquetFile(path) as parquet:
        for batch in parquet.iter_batches(columns=["person"]):
            inside = pc.is_in(batch.column("person"), value_set=wanted)
            found.update(first + place for place in pc.indices_nonzero(inside).to_pylist())
            first += batch.num_rows
    return found


def without_exported(path: Path, going: Callable[[int, Iterable[object]], bool]) -> int:
    """Take rows out of an exported file, which is asked of the place, from 0, and the cells of each; how many went."""
    form = format_of(path.name)
    assert form is not None, "the model has looked at the file's name"
    match form:
        case "parquet":
            return _without_of_parquet(path, going)
        case "csv":
            return _without_lines(path, going, _csv_rows)
        case "ndjson":
            return _without_lines(path, going, _ndjson_rows)


def _without_of_parquet(path: Path, going: Callable[[int, Iterable[object]], bool]) -> int:
    def mask(batch: Any, first: int) -> Any:
        rows = enumerate(batch.to_pylist(), first)
        return pa.array([going(place, row.values()) for place, row in rows], pa.bool_())

    return _without(path, mask)


def _without_lines(
    path: Path,
    going: Callable[[int, Iterable[object]], bool],
    read: Callable[[Path], Iterator[tuple[str, Iterable[object] | None]]],
) -> int:
    rows = [going(place, cells) for place, cells in enumerate(each for _, each in read(path) if each is not None)]
    if not any(rows):
        return 0
    goes = iter(rows)
    with whole_file(path) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
        file.writelines(line for line, cells in read(path) if cells is None or not next(goes))
    return sum(rows)


def _csv_rows(path: Path) -> Iterator[tuple[str, Iterable[object] | None]]:
    """The lines of each row as they are, and its cells; of the header none."""
    with path.open(encoding="utf-8", newline="") as file:
        taken: list[str] = []

        def lines() -> Iterator[str]:
            for line in file:
                taken.append(line)
                yield line

        is_header = True
        for cells in csv.reader(lines()):
            yield "".join(taken), None if is_header else cells
            taken.clear()
            is_header = False


def _ndjson_rows(path: Path) -> Iterator[tuple[str, Iterable[object] | None]]:
    with path.open(encoding="utf-8", newline="") as file:
        for line in file:
            yield line, msgspec.json.decode(line, type=dict[str, object]).values()


def _without(path: Path, going: Callable[[Any, int], Any]) -> int:
    """Write a Parquet file without some of its rows, if there are such; `going` is asked with the place of the first.

    A mask is of the rows of its batch.
    """
    if not any(pc.any(mask).as_py() for _, mask in _masked(path, going)):
        return 0
    gone = 0
    with whole_file(path) as unfinished:
        with pq.ParquetFile(path) as parquet:
            schema = parquet.schema_arrow
        with opened_row_groups(unfinished, schema) as groups:
            for rows, mask in _masked(path, going):
                staying = rows.filter(pc.invert(mask))
                gone += rows.num_rows - staying.num_rows
                groups.add(staying)
    return gone


def _masked(path: Path, going: Callable[[Any, int], Any]) -> Iterator[tuple[Any, Any]]:
    first = 0
    with pq.ParquetFile(path) as parquet:
        for batch in parquet.iter_batches(batch_size=BATCH_ROWS):
            yield pa.Table.from_batches([batch]), going(batch, first)
            first += batch.num_rows


def _any_of(masks: Iterable[Any], rows: int = 0) -> Any:
    found = None
    for mask in masks:
        found = mask if found is None else pc.or_(found, mask)
    return pa.array([False] * rows, pa.bool_()) if found is None else found
