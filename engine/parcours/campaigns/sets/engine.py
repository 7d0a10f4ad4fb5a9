"""What can be done with sets of people on disk: the protocol, and the shapes that it is told and tells.

A set is a Parquet file with `person`, `row_key` (empty where a person has one row) and columns of its own, in the order
of person and row key as UTF-8 bytes. What an author's expressions gave lies beside it: none of them is known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

REST = "rest"
MAIN = "main"


@dataclass(frozen=True, slots=True)
class Values:
    """What an expression gave: a column of a Parquet file that has `person`, and `row_key` where `by_row` is true.

    A condition is a column of booleans; anything else is one of `VALUE` (values.py). Who is not in the file has none.
    """

    file: Path
    column: str
    by_row: bool


@dataclass(frozen=True, slots=True)
class ByValue:
    """The lowest first, or the highest; missing values last in any case."""

    values: Values
    highest: bool


@dataclass(frozen=True, slots=True)
class Filled:
    """Whoever has a value that is no empty text goes first."""

    values: Values


@dataclass(frozen=True, slots=True)
class Preferred:
    """Whoever has the first of `choices` goes first, then the others in their order, then all else."""

    values: Values
    choices: tuple[str | int | float | bool, ...]


@dataclass(frozen=True, slots=True)
class AtRandom:
    """As lots are drawn: `seed` is what stands before the person in the hash (lots.py)."""

    seed: bytes


OrderKey: TypeAlias = ByValue | Filled | Preferred | AtRandom

Criterion: TypeAlias = Values | Literal["person"]


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

    def filter(self, source: Path, condition: Values, folder: Path) -> Counts: ...

    def dedupe(
        self, source: Path, by: Sequence[Criterion], keep: int, order: Sequence[OrderKey], folder: Path
    ) -> Counts: ...

    def split(self, source: Path, subsets: Sequence[Subset], folder: Path, *, overlap: bool) -> Counts: ...

    def share(self, source: Path, parts: Sequence[tuple[str, Decimal | None]], seed: bytes, folder: Path) -> Counts: ...
