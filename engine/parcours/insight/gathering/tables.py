"""Tables of reports and of analyses in the form of a page, beside their rows as CSV."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from parcours.insight.figures import about_text
from parcours.insight.fitting_table import FittingTable
from parcours.insight.page.content import CsvTable, ShownTable
from parcours.insight.reports.forms import shown_cells
from parcours.insight.reports.report import Cell, Section

_MS: Final = " ms"

_APART: Final = re.compile("  +")
"""What stands between two numbers and their rate in a column of a terminal."""


def shown_section(of: Section, title: str | None = None) -> ShownTable:
    """A table of a report; times in it have their units."""
    times = [at for at, name in enumerate(of.columns) if name.endswith(_MS)]
    rows = []
    for row in of.rows:
        cells = shown_cells(of, row)
        for at in times:
            cells[at] = _time(row[at])
        rows.append(cells)
    return ShownTable(title or of.title, [name.removesuffix(_MS) for name in of.columns], rows, of.keys)


def _time(cell: Cell) -> str:
    return about_text(cell) if isinstance(cell, int) else ""


def csv_section(of: Section, title: str | None = None) -> CsvTable:
    """The same table unrounded."""
    return CsvTable(title or of.title, [list(of.columns), *of.rows])


def shown_parts(parts: Iterable[RenderableType]) -> Iterator[ShownTable]:
    """The tables among what is shown in a terminal, each with the title before it.

    A column without a name has bars of characters, which a page draws; and what stands once for several rows stands in
    each of them, so that a row can be read by itself.
    """
    for before, part in pairwise([None, *parts]):
        if isinstance(part, FittingTable) and part.rows:
            yield shown_table(part, before.plain if isinstance(before, Text) else "")


def sentences_of(parts: Sequence[RenderableType]) -> list[str]:
    """The texts among them that are no title of a table."""
    behind = [*parts[1:], None]
    return [
        part.plain.strip()
        for part, after in zip(parts, behind, strict=True)
        if isinstance(part, Text) and not isinstance(after, FittingTable)
    ]


def shown_table(of: FittingTable, title: str) -> ShownTable:
    """One of them."""
    kept = [at for at, name in enumerate(of.columns) if name]
    rows, first = [], ""
    for row in of.rows:
        first = row[0] or first
        rows.append([first, *(row[at] if at < of.names else _APART.sub(" · ", row[at]) for at in kept[1:])])
    names = sum(at < of.names for at in kept)
    return ShownTable(title, [of.columns[at] for at in kept], rows, names)
