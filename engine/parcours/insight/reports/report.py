"""A report as tables of figures, and which of its columns add up over groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from parcours.insight.reports.asked import Asked
from parcours.journey.model.insight import KeptTable

Cell: TypeAlias = str | int | float | None


@dataclass(frozen=True, slots=True)
class Section:
    """One table.

    columns  their names; with groups the first one is what they are divided by
    rows     in the order in which they are shown
    keys     how many columns before the figures say what a row is about
    adds     the columns that add up over groups
    rated    whether the last column is a rate, the quotient of the two before it: None where nothing is divided by
             nothing
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[Cell, ...]]
    keys: int
    adds: Sequence[str] = ()
    rated: bool = False

    def only(self, column: str, name: Cell) -> Section:
        """The rows that have this in one of the columns of keys, without that column."""
        at = [*self.columns].index(column)
        columns = [*self.columns[:at], *self.columns[at + 1 :]]
        rows = [(*row[:at], *row[at + 1 :]) for row in self.rows if row[at] == name]
        return replace(self, columns=columns, rows=rows, keys=self.keys - 1)


@dataclass(frozen=True, slots=True)
class Report:
    """
    as_of_ms       the instant up to which everything is known, None where nothing is
    cut_before_ms  by table, before which instant rows are gone because they were kept for long enough
    """

    asked: Asked
    sections: Sequence[Section]
    as_of_ms: int | None = None
    cut_before_ms: Mapping[KeptTable, int] = field(default_factory=dict)


def section(
    asked: Asked,
    title: str,
    keys: Sequence[str],
    figures: Sequence[str],
    rows: Sequence[tuple[Cell, ...]],
    *,
    adds: Sequence[str] | None = None,
    rated: bool = False,
) -> Section:
    """A table whose rows begin with their group, which is left out where there are none.

    adds  the figures that add up over groups, all of them unless it is given
    """
    counted = figures[:-1] if rated else figures
    added = counted if adds is None else adds
    if asked.by is None:
        return Section(title, [*keys, *figures], [row[1:] for row in rows], len(keys), added, rated)
    return Section(title, [asked.by, *keys, *figures], rows, len(keys) + 1, added, rated)


def rate(number: int, of: int) -> float | None:
    """The quotient; None where nothing is divided by nothing."""
    return number / of if of else None
