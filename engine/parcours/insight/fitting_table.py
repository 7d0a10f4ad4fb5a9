"""A table for a terminal of any width: roomy, narrow, or as a list, but never without one of its columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from parcours.insight.sentences import one_line

FIRST_WIDTH = 20
"""Characters of the first column where there is room: a step's name fits."""

NUMBER_WIDTH = 8
"""Characters of a column of numbers where there is room: a number of seven digits fits with a comma or two."""

FOLDED_WIDTH_MIN = 8
"""Characters in which a column of names can still be read, folded; below that a list is easier."""

PADDING = 2
"""Characters beside each column."""


class FittingTable:
    """Texts in rows. A column that is too narrow for its words is worse than a list, and one that is gone a lie.

    widest  None: the first column is of names and the rest of numbers. Else the column that folds, in a table of
            words whose last column is of numbers
    names   how many columns are of names where no column is named that folds: the first of them does
    """

    def __init__(self, columns: Sequence[str], widest: int | None = None, names: int = 1) -> None:
        self._columns = columns
        self._names = names
        self._widest = widest
        self._rows: list[tuple[str, ...]] = []

    @property
    def columns(self) -> Sequence[str]:
        return self._columns

    @property
    def rows(self) -> Sequence[tuple[str, ...]]:
        return self._rows

    @property
    def names(self) -> int:
        """How many of the first columns are of words; the others are of numbers."""
        return self._names if self._widest is None else len(self._columns) - 1

    def add_row(self, *cells: str) -> None:
        """Add the texts of a row, which is a line: one that has line breaks or tabs has spaces in their place."""
        self._rows.append(tuple(each if each.isprintable() else one_line(each) for each in cells))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        roomy, narrow = self._widths(roomy=True), self._widths(roomy=False)
        room = options.max_width - (len(self._columns) - 1)  # a character stands between two columns
        if self._widest is None and sum(roomy) <= room:
            yield self._table(roomy=True)
        elif sum(narrow) <= room:
            yield self._table(roomy=False)
        else:
            yield from self._list()

    def _widths(self, *, roomy: bool) -> list[int]:
        """What each column needs, in characters."""
        widths = []
        for at, column in enumerate(self._columns):
            needed = max(len(column), *(len(row[at]) for row in self._rows)) if self._rows else len(column)
            if at == (self._widest or 0):
                needed = FIRST_WIDTH if roomy else min(needed, FOLDED_WIDTH_MIN)
            elif roomy:
                needed = max(needed, NUMBER_WIDTH)
            widths.append(needed + PADDING)
        return widths

    def _table(self, *, roomy: bool) -> Table:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), header_style="", show_edge=False)
        for at, column in enumerate(self._columns):
            folds = at == (self._widest or 0)
            table.add_column(
                Text(column),
                justify="left" if at < self.names else "right",
                overflow="fold",
                no_wrap=not folds,
                min_width=(FIRST_WIDTH if folds else NUMBER_WIDTH) if roomy else None,
            )
        for row in self._rows:
            table.add_row(*map(Text, row))
        return table

    def _list(self) -> RenderResult:
        for row in self._rows:
            yield Text(f" {row[0]}", overflow="fold")
            for column, cell in zip(self._columns[1:], row[1:], strict=True):
                yield Text(f"   {column}: {cell}", overflow="fold")
