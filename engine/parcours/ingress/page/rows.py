"""A table of which a narrow screen shows each row as a block of its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from parcours.insight.page.markup import Child, Markup, element


def stacking(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Child]],
    numbers: Collection[str] = (),
    journeys: Sequence[str] | None = None,
) -> Markup:
    """The table; the first cell of each row is its head, and the columns of `numbers` have numbers.

    journeys  of rows that are of a journey each, whose cells are brought up to date
    """
    of = [None] * len(rows) if journeys is None else journeys
    heads = [
        element("th", each, role="columnheader", scope="col", class_="number" if each in numbers else None)
        for each in columns
    ]
    # The roles are those that the elements have anyway, until a row is shown as a block.
    table = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", heads, role="row"), role="rowgroup"),
        element("tbody", [_row(columns, *each, numbers) for each in zip(rows, of, strict=True)], role="rowgroup"),
        role="table",
    )
    return element("div", table, class_="journeys")


def _row(columns: Sequence[str], cells: Sequence[Child], journey: str | None, numbers: Collection[str]) -> Markup:
    first, *others = cells
    shown = [
        element(
            "td",
            element("div", cell),
            role="cell",
            class_="number" if column in numbers else None,
            data_label=column,
        )
        for column, cell in zip(columns[1:], others, strict=True)
    ]
    head = element("th", first, scope="row", role="rowheader")
    return element("tr", head, shown, role="row", data_journey=journey)
