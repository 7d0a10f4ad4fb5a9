"""What rows has a table whose files lie in a project's folder? They are copied once, and then asked of the copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from parcours.campaigns.sets.batches import Batch
from parcours.campaigns.sets.csv_rows import csv_batches
from parcours.campaigns.sets.ndjson_rows import ndjson_batches
from parcours.campaigns.sets.parquet_rows import parquet_batches
from parcours.campaigns.sets.snapshot import Snapshot, write_snapshot
from parcours.config import TABLE_BAD_CELLS_MAX
from parcours.errors import TableRefused
from parcours.journey.model.tables import format_of
from parcours.journey.read.table_rows import Unreadable, told
from parcours.wording import quoted


def copied_table(
    table: str,
    folder: Path,
    pattern: str,
    columns: Mapping[str, str],
    path: Path,
    bad_cells_max: float = TABLE_BAD_CELLS_MAX,
    *,
    durable: bool = True,
    lasting: bool = True,
) -> Snapshot:
    """Copy the rows of a table to the file `path`, whole or not at all.

    pattern        the files below the project's folder, as tables.yaml names them
    columns        the declared kinds, by name; at least one
    bad_cells_max  the share of a column's filled cells that may not fit; these become missing
    durable        whether the copy outlives a crash of the machine
    lasting        whether it is read again and again
    Raises TableRefused with the table and what is wrong, and OSError for what cannot be written.
    """
    files = _files(table, folder, pattern)
    batches = _batches(table, folder, files, columns, path.parent)
    return write_snapshot(table, columns, path, batches, bad_cells_max, durable=durable, lasting=lasting)


def _files(table: str, folder: Path, pattern: str) -> list[str]:
    """The files as paths below the folder, in the order of their names as bytes, which is that of their characters."""
    found = sorted(each.relative_to(folder).as_posix() for each in folder.glob(pattern) if each.is_file())
    if not found:
        raise TableRefused(f"table {quoted(table)}: there is no file {quoted(pattern)} in the project's folder")
    home = folder.resolve()
    for name in found:
        if not (folder / name).resolve().is_relative_to(home):
            raise TableRefused(f"table {quoted(table)}: {name} leads out of the project's folder")
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise TableRefused(f"table {quoted(table)}: the file name {name!r} is not UTF-8") from error
    return found


def _batches(
    table: str, folder: Path, files: list[str], columns: Mapping[str, str], scratch: Path
) -> Iterator[tuple[str, Batch]]:
    unseen = set(columns)  # by no row of NDJSON, where a column is known by nothing else
    rows = 0
    for name in files:
        try:
            for batch in _batches_of(folder / name, columns, unseen, scratch):
                rows += len(batch.lines)
                yield name, batch
        except (Unreadable, OSError, EOFError) as error:
            raise TableRefused(f"table {quoted(table)}: {told(name, error)}") from error
    if rows and unseen:
        column = next(each for each in columns if each in unseen)
        where = told(", ".join(files), Unreadable(f"no row has a column {quoted(column)}"))
        raise TableRefused(f"table {quoted(table)}: {where}")


def _batches_of(path: Path, columns: Mapping[str, str], unseen: set[str], scratch: Path) -> Iterator[Batch]:
    kind = format_of(path.name)
    if kind == "ndjson":
        return ndjson_batches(path, columns, unseen)
    unseen.clear()  # CSV and Parquet have refused a file without one
    return csv_batches(path, columns) if kind == "csv" else parquet_batches(path, columns, scratch)
