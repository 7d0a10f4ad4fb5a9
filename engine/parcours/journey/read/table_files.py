"""Are the files of tables there, with the columns that tables.yaml declares, and do queries name what there is?

Of each file only the beginning is read. Parquet, .zst and queries need libraries that only some installations have.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, Protocol, cast

from parcours.errors import ExtraMissing
from parcours.journey.model.tables import TableDocument, format_of
from parcours.journey.read.finding import Margin
from parcours.journey.read.source import OUTSIDE
from parcours.wording import bounded, nearest, quoted


class TableReader(Protocol):
    """What only libraries can tell of tables. Each method raises ExtraMissing where they are not installed."""

    def columns_of(self, path: Path) -> Mapping[str, str | None]:
        """The columns of a Parquet or .zst file, each with its type in the words of tables.yaml, None if it has none.

        Raises OSError or ValueError, with the reason, for a file that cannot be read.
        """
        ...

    def fault_of(self, sql: str, sources: Mapping[str, Mapping[str, str]], columns: Mapping[str, str]) -> str | None:
        """Why a query over tables with these columns would be refused, whatever their rows; None if it may run.

        columns  those of its result, with their declared types
        """
        ...


HEAD_CHARACTERS_MAX: Final = 1_000_000
"""Characters of a header, and of the lines by which the keys of NDJSON are known."""

LINES_MAX: Final = 100
"""Lines of NDJSON that are looked at: a key that none of them has is probably misspelt."""

FILES_MAX: Final = 1_000
"""Files of one table that are looked at."""

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
    for path in paths:
        shown = path.relative_to(folder).as_posix()
        if not path.resolve().is_relative_to(folder.resolve()):
            margin.error(OUTSIDE, "file")
            continue
        try:
            found = _columns(path, reader)
        except (OSError, EOFError, UnicodeError, ValueError, csv.Error) as error:
            margin.draft(f"{shown} cannot be read: {bounded(str(error))}", "file")
            continue
        if found is not None:
            _compare(shown, table.columns, found, margin)


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
    with _opened(path) as file:
        return names_in(file, path)


def names_in(file: IO[str], path: Path) -> dict[str, str | None]:
    """The columns of a CSV or NDJSON file, which is open: they have no types. Raises ValueError for what is neither."""
    return dict.fromkeys(_header(file) if format_of(path.name) == "csv" else _keys(file))


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return cast("IO[str]", gzip.open(path, "rt", encoding="utf-8-sig", newline=""))
    return path.open(encoding="utf-8-sig", newline="")


def _header(file: IO[str]) -> list[str]:
    header = next(csv.reader(iter([file.readline(HEAD_CHARACTERS_MAX)])), None)
    if not header:
        raise ValueError("it has no header")
    return header


def _keys(file: IO[str]) -> Iterator[str]:
    keys: dict[str, None] = {}
    for _ in range(LINES_MAX):
        line = file.readline(HEAD_CHARACTERS_MAX)
        if not line:
            break
        row = json.loads(line) if line.strip() else {}
        if not isinstance(row, dict):
            raise ValueError("a line is no object")
        keys |= dict.fromkeys(row)
    if not keys:
        raise ValueError("it has no rows, by which its columns would be known")
    return iter(keys)
