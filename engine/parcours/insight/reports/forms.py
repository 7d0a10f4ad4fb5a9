"""Reports as text: tables to look at, one object of JSON, or CSV. Percentages are for looking only."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, TextIO

import msgspec

from parcours.insight.figures import NOTHING, percent_text
from parcours.insight.fitting_table import FittingTable
from parcours.insight.reports.report import Cell, Report, Section
from parcours.insight.warehouse.answer_forms import TABLE_ROWS_MAX, as_of_text
from parcours.insight.window_text import cut_text, window_text
from parcours.insight.windows import told_time, told_times

if TYPE_CHECKING:
    from rich.console import Console

_encode = msgspec.json.Encoder().encode


def print_sections(console: Console, report: Report) -> None:
    """Show what the report counts and its tables, without those that are empty; if all of them are, that is said."""
    from rich.text import Text

    console.print(Text("\n".join(heading(report))))
    if not any(each.rows for each in report.sections):
        console.print(f"\n{NOTHING}")
    for each in report.sections:
        for title, shown in apart(each, report.asked.kind):
            console.print()
            console.print(Text(title, style="bold"))
            table = FittingTable(shown.columns, names=shown.keys)
            for row in shown.rows[:TABLE_ROWS_MAX]:
                table.add_row(*shown_cells(shown, row))
            console.print(table)
            if len(shown.rows) > TABLE_ROWS_MAX:
                console.print(f"There are {len(shown.rows):,} rows: --format json and csv have all.")


def apart(of: Section, kind: str) -> Iterator[tuple[str, Section]]:
    """A table for each journey, channel and so on, where its rows need more words than that to be told apart."""
    if of.keys < 2 or kind not in of.columns:
        if of.rows:
            yield of.title, of
        return
    at = of.columns.index(kind)
    for name in dict.fromkeys(row[at] for row in of.rows):
        yield f"{of.title} of {name}", of.only(kind, name)


def heading(report: Report) -> list[str]:
    """What the report is of, what its window counts, and up to when everything is known."""
    asked = report.asked
    lines = [f"{asked.kind} {asked.name}" if asked.name is not None else f"each {asked.kind}"]
    lines.append(window_text(asked.from_ms, asked.to_ms, COUNTED[asked.kind][asked.cohort]))
    lines += [cut_text(table, at) for table, at in report.cut_before_ms.items()]
    return [*lines, as_of_text(report.as_of_ms)]


_SETS: Final = {"entered": "Sets that became known", "moved": "Sets that became known"}
_EVENTS: Final = {"entered": "Events that happened", "moved": "Events that happened"}
_PLACES: Final = {"entered": "Entries and exits that happened", "moved": "Entries and exits that happened"}
_DELIVERIES: Final = {"entered": "Deliveries that began", "moved": "What happened to deliveries"}
COUNTED: Final = {
    "journey": {"entered": "Runs entered", "moved": "Moves that happened"},
    "campaign": _SETS,
    "channel": _DELIVERIES,
    "message": _DELIVERIES,
    "event": _EVENTS,
    "place": _PLACES,
    "offer": {"entered": "Offers that people got", "moved": "What happened to offers"},
}
"""What a window counts, in words."""


def write_json(file: TextIO, report: Report) -> None:
    """Write one object: what is asked, `as_of`, and by title of each table `columns` and `rows`. Not rounded."""
    asked = report.asked
    told = {
        "kind": asked.kind,
        "name": asked.name,
        "from": told_time(asked.from_ms),
        "to": told_time(asked.to_ms),
        "cohort": asked.cohort,
        "by": asked.by,
        "as_of": told_time(report.as_of_ms),
        "cut_before": told_times(report.cut_before_ms),
        "tables": {each.title: {"columns": each.columns, "rows": each.rows} for each in report.sections},
    }
    file.write(_encode(told).decode() + "\n")


def write_csv(file: TextIO, report: Report) -> None:
    """Write the tables one after the other, an empty line between them; the first column is the table's title."""
    lines = csv.writer(file, lineterminator="\n")
    for number, each in enumerate(report.sections):
        if number:
            file.write("\n")
        lines.writerow(["table", *each.columns])
        lines.writerows([each.title, *row] for row in each.rows)


def shown_cells(of: Section, row: Sequence[Cell]) -> list[str]:
    """The cells of one of its rows as texts; a rate in percent."""
    texts = [_text(cell, is_figure=at >= of.keys) for at, cell in enumerate(row)]
    if of.rated:
        number, whole = row[-3:-1]
        assert isinstance(number, int) and isinstance(whole, int), "what is divided is counted"
        texts[-1] = percent_text(number, whole)
    return texts


def _text(cell: Cell, *, is_figure: bool) -> str:
    match cell:
        case None:
            return ""
        case str():
            return cell
        case int() if is_figure:
            return f"{cell:,}"
        case _:
            return f"{cell:g}" if isinstance(cell, float) else str(cell)
