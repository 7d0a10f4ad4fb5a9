"""Whose rows are those of a table? A row has a value, people have values, and equal ones link them.

Values compare as they are; folded, they are the same but for upper and lower case, in the sense of Unicode and of no
language, and blanks around them. An empty value is none. A value that several people have links the row to each of
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from parcours.campaigns.sets.database import (
    COPY_OPTIONS,
    Database,
    Workspace,
    literal,
    one_row,
    opened_database,
    rows_in,
)
from parcours.campaigns.sets.snapshot import Snapshot
from parcours.campaigns.sets.whole_file import hash_of, whole_file
from parcours.errors import TableRefused
from parcours.wording import quoted

FOLDED_ROWS: Final = 50_000
"""Values that are looked at at once, and folded."""

_BLANKS: Final = "chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(28) || chr(29) || chr(30) || chr(31) || ' '"
"""What Python's `strip` takes away of an ASCII text, as SQL; what stands behind them in ASCII is no blank."""

_FOLDED: Final = (
    "CASE WHEN unicode(value) > 32 AND unicode(right(value, 1)) > 32 THEN lower(value)"
    f" ELSE lower(trim(value, {_BLANKS})) END"
)
"""An ASCII text, folded, as SQL. To look for blanks takes longer than all the rest, and few texts have any."""

_IS_ASCII: Final = "strlen(value) = length(value)"
"""As many bytes as characters."""


@dataclass(frozen=True, slots=True)
class Links:
    """Which rows are whose: `file` has `person` and `row_number`, in that order.

    hash      of the file, BLAKE2b in hexadecimal digits
    pairs     in the file
    unlinked  how many rows of the table are nobody's
    """

    file: Path
    hash: str
    pairs: int
    unlinked: int


def linked_rows(
    snapshot: Snapshot, values: Path, people: Path, path: Path, workspace: Workspace, *, fold: bool, many: bool
) -> Links:
    """Write the links of a table's rows to the file `path`, whole or not at all.

    values  Parquet: `row_number`, each once, and `value`, a text or null; a row that is not there has none
    people  Parquet: `person` and `value`, as often as a person has one
    many    whether a person may have several rows
    Raises TableRefused for a person's second row, or two with one key; StoreBroken, and OSError.
    """
    with opened_database(workspace) as database:
        _load(database, "wanted", "row_number", values, fold=fold, distinct=False)
        _load(database, "had", "person", people, fold=fold, distinct=True)
        database.execute("CREATE TABLE links AS SELECT person, row_number FROM wanted JOIN had USING (value)")
        return _written(database, snapshot, path, many=many)


def joined_rows(snapshot: Snapshot, pairs: Any, path: Path, workspace: Workspace, *, many: bool) -> Links:
    """Write links that somebody has found, each once, as Arrow batches of `person` and `row_number`.

    Raises as `linked_rows`.
    """
    with opened_database(workspace) as database:
        database.register("pairs", pairs)
        database.execute("CREATE TABLE links AS SELECT person, row_number FROM pairs")
        return _written(database, snapshot, path, many=many)


def _written(database: Database, snapshot: Snapshot, path: Path, *, many: bool) -> Links:
    """Check the pairs, and write them."""
    check_links(database, snapshot, many=many)
    pairs, linked = one_row(database, "SELECT count(*), count(DISTINCT row_number) FROM links")
    with whole_file(path, durable=database.durable) as unfinished:
        ordered = "SELECT person, row_number FROM links ORDER BY person, row_number"
        database.execute(f"COPY ({ordered}) TO {literal(str(unfinished))} ({COPY_OPTIONS})")
        hashed = hash_of(unfinished)
    return Links(path, hashed, pairs, snapshot.rows - linked)


def check_links(database: Database, snapshot: Snapshot, *, many: bool) -> None:
    """Raises TableRefused for a person's second row in the table `links`, or for two with one key."""
    if not many:
        _check_single(database, snapshot)
    elif snapshot.has_key:
        _check_keys(database, snapshot)


def _load(database: Database, table: str, whose: str, path: Path, *, fold: bool, distinct: bool) -> None:
    """Make a table of whatever has a value.

    distinct  whether somebody may have several, of which some may be equal when they are folded
    DuckDB folds what is ASCII, as Unicode does; its `lower` of other letters is not Unicode's folding.
    """
    source = rows_in(path)
    if fold:
        database.register("folded", _folded(path, whose))
        ascii_ones = f"SELECT {whose}, {_FOLDED} AS value FROM {source} WHERE {_IS_ASCII}"
        source = f"({ascii_ones} UNION ALL SELECT {whose}, value FROM folded)"
    selected = f"SELECT {'DISTINCT' if distinct else ''} {whose}, value FROM {source} WHERE value <> ''"
    database.execute(f"CREATE TABLE {table} AS {selected}")
    if fold:
        database.unregister("folded")


def _folded(path: Path, whose: str) -> Any:
    """The lines of a Parquet file whose values are not ASCII, with these folded."""
    parquet = pq.ParquetFile(path)
    schema = pa.schema([parquet.schema_arrow.field(whose), pa.field("value", pa.string())])

    def batches() -> Iterator[Any]:
        with parquet:
            for rows in parquet.iter_batches(batch_size=FOLDED_ROWS, columns=[whose, "value"]):
                batch = rows.filter(pc.invert(pc.string_is_ascii(rows.column("value"))))
                texts = [text.strip().casefold() for text in batch.column("value").to_pylist()]
                yield pa.record_batch([batch.column(whose), pa.array(texts, pa.string())], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _check_single(database: Database, snapshot: Snapshot) -> None:
    """Raises TableRefused for the first row whose person has another one."""
    doubled = database.execute(
        "SELECT min(row_number), min(row_number, 2)[2] FROM links"
        " GROUP BY person HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
    ).fetchall()
    if doubled:
        raise TableRefused(
            f"table {quoted(snapshot.table)}: {_places(database, snapshot, doubled[0])} are of one person, who may have"
            " several rows only where the table says many: true"
        )


def _check_keys(database: Database, snapshot: Snapshot) -> None:
    """Raises TableRefused for the first row of a person that has the same key as another one of hers.

    Numbers that are equal for equal keys of a person are compared first: they take a third of the time, and mostly
    none are equal.
    """
    (doubtful,) = one_row(
        database,
        "SELECT count(*) - count(DISTINCT hash(person, row_key)) FROM links"
        f" JOIN {rows_in(snapshot.file)} USING (row_number)",
    )
    if not doubtful:
        return
    doubled = database.execute(
        f"SELECT min(row_number), min(row_number, 2)[2] FROM links JOIN {rows_in(snapshot.file)} USING (row_number)"
        " GROUP BY person, row_key HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
    ).fetchall()
    if doubled:
        raise TableRefused(
            f"table {quoted(snapshot.table)}: {_places(database, snapshot, doubled[0])} are of one person and have the"
            " same key, which is to tell them apart"
        )


def _places(database: Database, snapshot: Snapshot, rows: tuple[int, int]) -> str:
    """Where two rows were written."""
    where = database.execute(
        f"SELECT file, line FROM {rows_in(snapshot.file)} WHERE row_number IN (?, ?) ORDER BY file, line", rows
    ).fetchall()
    first, second = (f"{file}, line {line}," if file else f"row {line}" for file, line in where)
    return f"{first} and {second}"
