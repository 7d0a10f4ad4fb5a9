"""Are the files of tables there, with the columns that tables.yaml declares, and do queries name what there is?

Of each file only the beginning is read. Parquet, .zst and queries need libraries that only some installations have.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import IO, Final, Protocol, cast

from parcours.errors import ExtraMissing
from parcours.journey.model.tables import TableDocument, format_of
from parcours.journey.read.finding import Margin
from parcours.journey.read.source import OUTSIDE
from parcours.journey.read.table_rows import NO_HEADER, NoRow, Unreadable, csv_rows, ndjson_rows, text_lines, told
from parcours.wording import nearest, quoted


class TableReader(Protocol):
    """What only libraries can tell of tables. Each method raises ExtraMissing where they are not installed."""

    def columns_of(self, path: Path) -> Mapping[str, str | None]:
        """The columns of a Parquet or .zst file, each with its type in the words of tables.yaml, None if it has none.

        Raises OSError or Unreadable for a file that cannot be read, NoRow for NDJSON that is empty.
        """
        ...

    def fault_of(self, sql: str, sources: Mapping[str, Mapping[str, str]], columns: Mapping[str, str]) -> str | None:
        """Why a query over tables with these columns would be refused, whatever their rows; None if it may run.

        columns  those of its result, with their declared types
        """
        ...


ROWS_MAX: Final = 100
"""Rows of NDJSON that are looked at: a key that none of them has is probably misspelt."""

FILES_MAX: Final = 1_000
"""Files of one table that are looked at."""

_NO_ROW: Final[Mapping[str, str | None]] = MappingProxyType({})
"""Stands for the columns of NDJSON without a row: any other file may have them."""

_FITTING: Final[Mapping[str, frozenset[str]]] = {
    "number": frozenset({"number", "integer", "decimal"}),
    "decimal": frozenset({"decimal", "integer"}),
}
"""The types of a file that a declared one takes, where it is not only the same."""


def check_tables(
    folder: Path,
    tables: Mapping[str, TableDocument],
    uses: Mapping[str, Sequence[str]],
    reader: TableReader | None,
    margin: Margin,
) -> None:
    """Note what is missing, which keeps a project from being published, and queries that would be refused.

    uses    the tables that each query names; a table that is not among them is left out
    reader  None: what it would read is not looked into
    margin  that of tables.yaml
    A library that is missing is a warning, once.
    """
    is_warned = False
    for name, table in tables.items():
        within = margin.below("tables", name)
        try:
            if table.file is not None:
                _check(folder, table, table.file, reader, within)
            elif table.sql is not None and reader is not None and name in uses:
                sources = {each: tables[each].columns for each in uses[name]}
                if fault := reader.fault_of(table.sql, sources, table.columns):
                    within.error(fault, "sql")
        except ExtraMissing as error:
            if not is_warned:
                within.warn(
                    f"neither this nor others like it are looked into: {error}", "file" if table.file else "sql"
                )
            is_warned = True


def _check(folder: Path, table: TableDocument, file: str, reader: TableReader | None, margin: Margin) -> None:
    if any("**" in part and part != "**" for part in file.split("/")):
        margin.error("'**' stands for folders, and is no part of a name", "file")
        return
    paths = sorted(path for path in folder.glob(file) if path.is_file())[:FILES_MAX]
    if not paths:
        margin.draft(f"there is no file {quoted(file)} in the project's folder", "file")
    named: dict[str, Mapping[str, str | None] | None] = {}  # the columns of NDJSON, which has no header
    for path in paths:
        shown = path.relative_to(folder).as_posix()
        if not path.resolve().is_relative_to(folder.resolve()):
            margin.error(OUTSIDE, "file")
            continue
        try:
            found = _columns(path, reader)
        except NoRow:
            found = _NO_ROW
        except (Unreadable, OSError, EOFError, zlib.error) as error:
            margin.draft(told(shown, error), "file")
            found = None
        if format_of(path.name) == "ndjson":
            named[shown] = found
        elif found is not None:
            _compare(shown, table.columns, found, margin)
    _compare_rows(file, named, table.columns, margin)


def _compare_rows(
    file: str, named: Mapping[str, Mapping[str, str | None] | None], declared: Mapping[str, str], margin: Margin
) -> None:
    """Note what no row of the NDJSON files of a table has: one file may lack what another has, or be empty.

    named  the columns of each file, None of one that nobody has looked into: it may have them all
    """
    known = [each for each in named.values() if each is not None]
    if not known or len(known) < len(named):
        return
    shown = next(iter(named)) if len(named) == 1 else file
    if all(each is _NO_ROW for each in known):
        margin.warn(f"{shown} has no row, and nothing else tells whether its columns are these", "file")
    else:
        _compare(shown, declared, dict.fromkeys(column for each in known for column in each), margin)


def _compare(shown: str, declared: Mapping[str, str], found: Mapping[str, str | None], margin: Margin) -> None:
    for column, kind in declared.items():
        if column not in found:
            margin.draft(f"{shown} has no column {quoted(column)}{nearest(column, found)}", "columns", column)
        elif (given := found[column]) is not None and not _fits(given, kind):
            margin.draft(f"in {shown} this is {given}, and not {kind}", "columns", column)


def _fits(given: str, declared: str) -> bool:
    plain, wanted = given.partition("(")[0], declared.partition("(")[0]
    return plain in _FITTING.get(wanted, frozenset({wanted}))


def _columns(path: Path, reader: TableReader | None) -> Mapping[str, str | None] | None:
    """The columns of a file, with types where it has any; None where nobody here can read it."""
    kind = format_of(path.name)
    if kind == "parquet" or path.suffix == ".zst":
        return None if reader is None else reader.columns_of(path)
    return names_in(partial(_opened, path), path)


def names_in(opened: Callable[[], IO[bytes]], path: Path) -> dict[str, str | None]:
    """The columns of a CSV or NDJSON file: they have no types.

    opened  opens it, unpacked
    Raises OSError, Unreadable and NoRow.
    """
    with text_lines(opened) as lines:
        if format_of(path.name) == "csv":
            header = next(csv_rows(lines), (1, []))[1]
            if not header:
                raise Unreadable(NO_HEADER)
            return dict.fromkeys(header)
        rows = [row for _, row in islice(ndjson_rows(lines), ROWS_MAX)]
        if not rows:
            raise NoRow
        return dict.fromkeys(key for row in rows for key in row)


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")
