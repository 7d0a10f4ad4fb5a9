"""A table whose rows are blocks of their own where the screen is too narrow for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from parcours.insight.page.markup import Child, Markup, element


@dataclass(frozen=True, slots=True)
class Column:
    """
    is_number  its cells stand to the right
    is_whole   of a block its cell has a line of its own
    """

    title: str
    is_number: bool = False
    is_whole: bool = False

    @property
    def look(self) -> str | None:
        return " ".join([*(["number"] if self.is_number else []), *(["whole"] if self.is_whole else [])]) or None


@dataclass(frozen=True, slots=True)
class Row:
    """
    head       the cell by which it is known
    is_chosen  it is the one that is looked at
    """

    head: Child
    cells: Sequence[Child]
    is_chosen: bool = False


def cards(caption: str, columns: Sequence[Column], rows: Sequence[Row]) -> Markup:
    """The table. The first column is that of the heads."""
    # The roles are those that the elements have anyway, until a narrow screen shows each row as a block of its own.
    heads = [element("th", each.title, role="columnheader", scope="col", class_=each.look) for each in columns]
    table = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", heads, role="row"), role="rowgroup"),
        element("tbody", [_row(each, columns) for each in rows], role="rowgroup"),
        role="table",
    )
    return element("div", table, class_="journeys")


def _row(of: Row, columns: Sequence[Column]) -> Markup:
    cells = [
        element("td", element("div", cell), role="cell", class_=column.look, data_label=column.title)
        for column, cell in zip(columns[1:], of.cells, strict=True)
    ]
    head = element("th", of.head, scope="row", role="rowheader")
    return element("tr", head, cells, role="row", class_="chosen" if of.is_chosen else None)
