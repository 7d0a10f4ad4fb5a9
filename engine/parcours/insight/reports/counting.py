"""A report, counted and checked; and all equations over all facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, assert_never

from parcours.errors import CallerError
from parcours.insight.reports.asked import Asked, ReportKind
from parcours.insight.reports.deliveries import delivery_sections
from parcours.insight.reports.divided import divide
from parcours.insight.reports.equations import (
    FILES,
    SUMMARY,
    Difference,
    counts_that_differ,
    groups_that_differ,
    propositions_that_differ,
    require_none,
    rows_that_differ,
    states_that_differ,
)
from parcours.insight.reports.journeys import journey_sections
from parcours.insight.reports.offers import offer_sections
from parcours.insight.reports.others import campaign_sections, event_sections, place_sections
from parcours.insight.reports.outline import outline_of
from parcours.insight.reports.report import Report, Section
from parcours.insight.reports.summary_counts import counts_of_facts, counts_of_summary
from parcours.insight.summary import Summary
from parcours.insight.warehouse.warehouse import Warehouse
from parcours.journey.model.insight import KeptTable
from parcours.journey.program import Program
from parcours.wording import nearest, quoted

COUNTED: Final[dict[ReportKind, KeptTable]] = {
    "journey": "moves", "campaign": "campaign_steps", "channel": "deliveries", "message": "deliveries",
    "event": "events", "place": "changes", "offer": "changes",
}  # fmt: skip
"""Of which table each kind is a count."""


def report_of(warehouse: Warehouse, asked: Asked, program: Program | None = None) -> Report:
    """The report that is asked for.

    program  whose segments it may be divided by, None where it is not known
    Raises CallerError for a name or a segment that there is not, FiguresDiffer where facts do not add up, StoreBroken.
    """
    asked = asked.known_by(warehouse.as_of_ms)
    _check_name(warehouse, asked)
    tables: set[KeptTable] = {COUNTED[asked.kind], *divide(warehouse, asked, program)}
    sections = _sections(warehouse, asked)
    require_none(_differences(warehouse, asked, sections))
    cut = {name: at for name, at in warehouse.cut_before_ms.items() if name in tables}
    return Report(asked, sections, warehouse.as_of_ms, cut)


NAMES: Final[dict[ReportKind, str]] = {
    "journey": "select journey as name from main.moves where kind = 'journey'"
    " union select journey from main.publications",
    "campaign": "select campaign as name from main.campaign_steps",
    "channel": "select channel as name from main.deliveries",
    "message": "select message as name from main.deliveries",
    "event": "select event as name from main.events",
    "place": "select name from main.changes where what = 'place'",
    "offer": "select offer as name from main.proposition_states union select offer from main.looked_offers",
}
"""Queries: which ones of each kind facts tell of."""


def _check_name(warehouse: Warehouse, asked: Asked) -> None:
    """Raises CallerError where facts tell of nothing of this name."""
    if asked.name is None:
        return
    known = [name for (name,) in warehouse.rows(f"select distinct name from ({NAMES[asked.kind]}) order by name")]
    if asked.name not in known:
        hint = nearest(asked.name, known) or f". There are: {', '.join(known) or 'none'}."
        raise CallerError(f"Facts tell of no {asked.kind} {quoted(asked.name)}{hint}")


def all_differences(warehouse: Warehouse, summary: Summary | None) -> Iterator[Difference]:
    """Whatever does not add up in all facts. `summary`: of the same simulation."""
    yield from files_that_differ(warehouse)
    yield from rows_that_differ(_sections(warehouse, Asked("journey")))
    yield from states_that_differ(warehouse, Asked("channel"), cut=_is_cut(warehouse, "channel"))
    yield from propositions_that_differ(warehouse, Asked("offer"), cut=_is_cut(warehouse, "offer"))
    if summary is not None:
        yield from summary_differences(warehouse, summary)


def summary_differences(warehouse: Warehouse, summary: Summary) -> Iterator[Difference]:
    """Where facts come to other numbers than the summary."""
    return counts_that_differ(SUMMARY, counts_of_summary(summary), counts_of_facts(warehouse))


def files_that_differ(warehouse: Warehouse) -> Iterator[Difference]:
    """The tables whose files do not have as many rows as is said of them."""
    said, there = warehouse.rows_of_files()
    return counts_that_differ(
        FILES, {(table,): rows for table, rows in said.items()}, {(table,): rows for table, rows in there.items()}
    )


def _differences(warehouse: Warehouse, asked: Asked, sections: Sequence[Section]) -> Iterator[Difference]:
    """What does not add up in a report: its rows, those of what its window leaves out, and the sums of its groups."""
    everything = Asked(asked.kind, asked.name, hides=asked.hides)
    if asked.kind == "journey":
        yield from rows_that_differ(sections)
        if asked != everything:
            yield from rows_that_differ(_sections(warehouse, everything))
    elif asked.kind in ("channel", "message"):
        yield from states_that_differ(warehouse, everything, cut=_is_cut(warehouse, asked.kind))
    elif asked.kind == "offer":
        yield from propositions_that_differ(warehouse, everything, cut=_is_cut(warehouse, asked.kind))
    if asked.by is not None:
        yield from groups_that_differ(_totals(_sections(warehouse, asked.whole()), sections), sections)


def _is_cut(warehouse: Warehouse, kind: ReportKind) -> bool:
    """Whether rows are missing because they were kept for long enough."""
    return COUNTED[kind] in warehouse.cut_before_ms


def _totals(whole: Sequence[Section], divided: Sequence[Section]) -> list[Section]:
    """The tables of the total, with the figures that add up: a group of time has none of what waits."""
    return [replace(total, adds=groups.adds) for total, groups in zip(whole, divided, strict=True)]


def _sections(warehouse: Warehouse, asked: Asked) -> list[Section]:
    match asked.kind:
        case "journey":
            return journey_sections(warehouse, asked, outline_of(warehouse), cut=_is_cut(warehouse, asked.kind))
        case "channel" | "message":
            return delivery_sections(warehouse, asked)
        case "campaign":
            return campaign_sections(warehouse, asked)
        case "event":
            return event_sections(warehouse, asked)
        case "place":
            return place_sections(warehouse, asked)
        case "offer":
            return offer_sections(warehouse, asked)
        case _:
            assert_never(asked.kind)
