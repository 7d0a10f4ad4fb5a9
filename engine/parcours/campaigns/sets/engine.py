"""What can be done with sets of people on disk: the protocol, and the shapes that it is told and tells.

A set is a Parquet file with `person`, `row_key` (empty where a person has one row) and columns of its own, in the order
of person and row key as UTF-8 bytes. What an author's expressions gave lies beside it: none of them is known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias

REST = "rest"
GAVE_WAY = "gave_way"
MAIN = "main"

DOUBLE: Final = "double"
"""Why rows of a union are dropped."""

OF_EVERY_SET: Final = ("person", "row_key")
"""The columns by which rows are known and ordered."""


@dataclass(frozen=True, slots=True)
class Values:
    """What an expression gave: a column of a Parquet file that has `person`, and `row_key` where `by_row` is true.

    A condition is a column of booleans; anything else is one of `VALUE` (values.py). Who is not in the file has none.
    """

    file: Path
    column: str
    by_row: bool


@dataclass(frozen=True, slots=True)
class RowValues:
    """What an expression gave for the rows of a table: a column of a Parquet file that has `row_number`, and `person`
    where `by_person` is true, since the same row may give something else beside another profile.

    A condition is a column of booleans and what an order goes by one of `VALUE`, as in `Values`. What is aggregated is
    a column of its own Arrow type (int64, double, decimal128, string, bool, timestamp, date32), which the result has
    as well. A row that is not in the file has none.
    """

    file: Path
    column: str
    by_person: bool


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table, as its snapshot has it: for whatever is nothing but that, so that nobody evaluates it."""

    name: str


AskedOfRows: TypeAlias = RowValues | TableColumn


@dataclass(frozen=True, slots=True)
class ByValue:
    """The lowest first, or the highest; missing values last in any case."""

    values: Values | AskedOfRows
    highest: bool


@dataclass(frozen=True, slots=True)
class Filled:
    """Whoever has a value that is no empty text goes first."""

    values: Values | AskedOfRows


@dataclass(frozen=True, slots=True)
class Preferred:
    """Whoever has the first of `choices` goes first, then the others in their order, then all else."""

    values: Values | RowValues
    choices: tuple[str | int | float | bool, ...]


@dataclass(frozen=True, slots=True)
class AtRandom:
    """As lots are drawn: `seed` is what stands before the person in the hash (lots.py)."""

    seed: bytes


OrderKey: TypeAlias = ByValue | Filled | Preferred | AtRandom
"""One key of an order, of a set's rows by `Values`, of a table's by `RowValues` or `TableColumn` and never by lot."""

Asked: TypeAlias = Values | AskedOfRows | AtRandom
"""What an engine has to know of rows."""

Criterion: TypeAlias = Values | Literal["person"]


def asked_by(order: Iterable[OrderKey]) -> Iterator[Asked]:
    """What an order goes by."""
    for key in order:
        yield key if isinstance(key, AtRandom) else key.values


@dataclass(frozen=True, slots=True)
class Subset:
    """A part of a split. `limit` is a number of rows, `share` per cent of all; with nothing, it takes what is left."""

    name: str
    when: Values | None
    order: tuple[OrderKey, ...] = ()
    limit: int | None = None
    share: Decimal | None = None

    @property
    def takes_what_is_left(self) -> bool:
        return self.when is None and self.limit is None and self.share is None


@dataclass(frozen=True, slots=True)
class Taken:
    """The first `rows` of a person's rows in an order as a list of objects, or the first as an object if `single`.

    columns  of the table, that each object has; at least one
    """

    rows: int
    single: bool
    order: tuple[OrderKey, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Aggregated:
    """One value about all rows of a person that have a `value`; None, which only a count has: about all her rows."""

    function: Literal["count", "sum", "avg", "min", "max"]
    value: AskedOfRows | None


@dataclass(frozen=True, slots=True)
class Enrichment:
    """One column of a set from the rows of a table.

    table     the file of its snapshot (snapshot.py)
    links     the file of its links (links.py)
    where     which rows count; None: all of them
    required  whether whoever has no such row is dropped
    """

    name: str
    table: Path
    links: Path
    gives: Taken | Aggregated
    where: AskedOfRows | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """
    inflow   the rows that were taken
    outputs  rows by output; without overlaps their sum is the inflow less what was dropped
    dropped  rows by reason
    noted    values that counted as missing because most of their column are of another kind, by column
    """

    inflow: int
    outputs: dict[str, int]
    dropped: dict[str, int] = field(default_factory=dict)
    noted: dict[str, int] = field(default_factory=dict)


class SetEngine(Protocol):
    """Each method writes its outputs to `folder` as OUTPUT.parquet, every file whole or not at all.

    The same sets and values give the same bytes. Raises StoreBroken, OSError.
    """

    def filter(self, source: Path, condition: Values, folder: Path) -> Counts:
        """Outputs: `main`, for whom the condition holds, and `rest`."""
        ...

    def dedupe(
        self, source: Path, by: Sequence[Criterion], keep: int, order: Sequence[OrderKey], folder: Path
    ) -> Counts:
        """Outputs: `main`, of equal rows the first `keep` in an order, and `rest`. Whatever lacks a value, or has an
        empty text, is equal to nothing. Beside them `GAVE_WAY` has `person`, `row_key` and `winner` of the rest.
        """
        ...

    def split(self, source: Path, subsets: Sequence[Subset], folder: Path, *, overlap: bool) -> Counts:
        """Outputs: one for each subset, which takes from what those above it have left, or from everybody; `rest`."""
        ...

    def share(self, source: Path, parts: Sequence[tuple[str, Decimal | None]], seed: bytes, folder: Path) -> Counts:
        """Outputs: one for each part, of its exact size (per cent; None: all are of one size), filled by lot."""
        ...

    def union(self, sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path) -> Counts:
        """Output: `main`, each row of the sets once; of equal ones, the first, all others are dropped as `double`.

        by  for each set, as many as every other set has: ["person"], or what the same expressions gave for its rows
        The rules of what is equal, which row stays and which columns and row key it has are those in joins.py.
        Raises SetsRefused for a column that two sets have in kinds of which no column can hold both.
        """
        ...

    def intersect(self, sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path) -> Counts:
        """Outputs: `main`, the rows of the first set that equal one of every other set, and `rest`, its other rows as
        they are. Both have the columns of all sets.

        by and errors are as in `union`.
        """
        ...

    def exclude(self, sources: Sequence[Path], by: Sequence[Sequence[Criterion]], folder: Path) -> Counts:
        """Outputs: `main`, the rows of the first set that equal none of any other set, and `rest`, its other rows.

        `by` is as in `union`. Both have the columns of the first set and nothing of the others.
        """
        ...

    def enrich(self, source: Path, enrichments: Sequence[Enrichment], folder: Path) -> Counts:
        """Outputs: `main`, each row with the columns of its person, and `rest`, the same for whoever lacks a row that
        is required: that they are there says why, and they are not counted as dropped besides.

        Where a person has no row a list is empty, a count 0, and all else missing. Sums and means of int64 and decimals
        are exact, those of doubles are added up in the order of the table's rows.
        Raises TableRefused for a sum beyond what its kind of column holds.
        """
        ...
