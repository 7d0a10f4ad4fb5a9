"""The parts of a page of figures: figures, pictures and tables, and the same tables as CSV that can be opened."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Final

from parcours.insight.figures import counted_text
from parcours.insight.page.content import Block, Chapter, CsvTable, Figure, ShownTable
from parcours.insight.page.markup import Markup, drawn, element, together
from parcours.journey.picture.svg_text import cut

CELL_CHARACTERS_MAX: Final = 120
"""Of a text in a table, and of its title; CSV has the whole."""

SHORT_CHARACTERS_MAX: Final = 28
"""Of a text that stays on one line of its cell."""

TITLE_CHARACTERS_MAX: Final = 80

SENTENCE_CHARACTERS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of what grows is on a page.

    rows      of a table that is shown
    csv_rows  of one as CSV
    """

    rows: int
    csv_rows: int


def chapter(of: Chapter, number: int, bounds: Bounds) -> Markup:
    """A section with its heading."""
    heading = f"chapter-{number}"
    return element(
        "section",
        element("h2", of.title, id=heading),
        paragraphs(of.notes),
        [block(each, f"{heading}-{at}", bounds, of.title) for at, each in enumerate(of.blocks, start=1)],
        aria_labelledby=heading,
    )


def block(of: Block, heading: str, bounds: Bounds, within: str) -> Markup:
    """One thing that was counted, with all that is told of it; `within` is the title of the chapter."""
    where = (of.title, within) if of.title else (within,)
    return element(
        "article",
        element("h3", element("bdi", cut(of.title, TITLE_CHARACTERS_MAX)), id=heading) if of.title else None,
        [element("p", cut(each, SENTENCE_CHARACTERS_MAX), class_="warning", role="note") for each in of.warnings],
        figures(of.figures),
        paragraphs(of.notes),
        element(
            "div",
            picture(of.picture, (of.said or of.title, within)),
            element("div", [table(each, bounds, where) for each in of.tables]) if of.tables else None,
            class_="beside",
        ),
        [as_csv(each, bounds) for each in of.files],
        aria_labelledby=heading if of.title else None,
    )


def paragraphs(sentences: Sequence[str]) -> Markup:
    """A paragraph for each."""
    return together([element("p", cut(each, SENTENCE_CHARACTERS_MAX)) for each in sentences])


def figures(of: Sequence[Figure]) -> Markup | None:
    """Numbers side by side, each with its name."""
    if not of:
        return None
    return element(
        "dl",
        [
            element(
                "div",
                element("dt", cut(each.name, TITLE_CHARACTERS_MAX)),
                element("dd", cut(each.value, TITLE_CHARACTERS_MAX), _beside(each)),
            )
            for each in of
        ],
        class_="figures",
    )


def _beside(of: Figure) -> Markup | None:
    return element("small", cut(of.beside, TITLE_CHARACTERS_MAX)) if of.beside else None


def picture(svg: str | None, said: Sequence[str]) -> Markup | None:
    """A picture in a box that scrolls by itself, with the keyboard as well."""
    if svg is None:
        return None
    return element("figure", scrolling(drawn(svg), "Picture", said))


def scrolling(of: Markup, what: str, said: Sequence[str]) -> Markup:
    """A box that is as wide as the page, whatever is in it.

    said  what it has, and where that is: several chapters may have a table of the same title, and whoever goes from
          box to box hears nothing else
    """
    label = f"{what}: {', '.join(cut(each, TITLE_CHARACTERS_MAX) for each in said)}"
    return element("div", of, class_="scroll", role="region", tabindex=0, aria_label=label)


def table(of: ShownTable, bounds: Bounds, where: Sequence[str]) -> Markup:
    """A table, cut after the rows that are shown, which is said."""
    rows = of.rows[: bounds.rows]
    shown = element(
        "table",
        element("caption", cut(of.title, CELL_CHARACTERS_MAX)),
        element("thead", element("tr", [_head(name, at, of.names) for at, name in enumerate(of.columns)])),
        element("tbody", [element("tr", [_cell(text, at, of.names) for at, text in enumerate(row)]) for row in rows]),
    )
    more = len(of.rows) - len(rows)
    told = element("p", f"{counted_text(more, 'row', 'rows')} more: `parcours report` shows all.") if more else None
    return element("div", scrolling(shown, "Table", (of.title, *where)), told)


def _head(name: str, at: int, names: int) -> Markup:
    return element("th", cut(name, CELL_CHARACTERS_MAX), scope="col", class_=None if at < names else "number")


def _cell(text: str, at: int, names: int) -> Markup:
    shown = cut(text, CELL_CHARACTERS_MAX)
    wide = "long" if len(shown) > SHORT_CHARACTERS_MAX else None
    if at == 0:
        return element("th", shown, scope="row", class_=wide)
    return element("td", shown, class_=wide if at < names else "number")


def as_csv(of: CsvTable, bounds: Bounds) -> Markup | None:
    """A table as CSV to be copied; nothing where it has no rows, or there is no room for any."""
    head, *rows = of.rows
    if not rows or not bounds.csv_rows:
        return None
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows[: bounds.csv_rows]])
    more = len(rows) - bounds.csv_rows
    return element(
        "details",
        element("summary", f"{of.name} as CSV"),
        element("p", f"{counted_text(more, 'row', 'rows')} more: --format csv has all.") if more > 0 else None,
        element("pre", text.getvalue(), tabindex=0),
    )


def contents(chapters: Sequence[Chapter]) -> Markup:
    """Links to the chapters."""
    return element("nav", element("ul", [*_links(chapters)]), aria_label="Contents")


def _links(chapters: Sequence[Chapter]) -> Iterator[Markup]:
    for number, each in enumerate(chapters, start=1):
        yield element("li", element("a", each.title, href=f"#chapter-{number}"))
