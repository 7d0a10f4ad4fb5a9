"""A page of everything that facts tell, or of one kind of report.

Whatever is on it is counted and checked as by the commands that ask for it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from parcours.insight.asking.asking import Asking
from parcours.insight.experiments.split_units import Asked as Splits
from parcours.insight.figures import counted_text
from parcours.insight.gathering.analyses import analyses_chapters
from parcours.insight.gathering.experiments import experiments_chapter, holdouts_chapter
from parcours.insight.gathering.journeys import campaigns_chapter, journeys_chapter, report_chapter
from parcours.insight.gathering.tables import csv_section, shown_section
from parcours.insight.page.content import Block, Chapter, Figure, PageContent
from parcours.insight.page.document import page_of
from parcours.insight.reports import forms
from parcours.insight.reports.asked import Asked, Cohort, ReportKind
from parcours.insight.reports.counting import files_that_differ, report_of, summary_differences
from parcours.insight.reports.equations import require_none
from parcours.insight.reports.report import Report
from parcours.insight.summary import Summary
from parcours.insight.warehouse.answer_forms import as_of_text
from parcours.insight.warehouse.questions import Questions
from parcours.insight.warehouse.warehouse import Warehouse
from parcours.insight.window_text import cut_text, window_text
from parcours.journey.program import Program

OF_MESSAGES: Final = ("Deliveries", "Rates", "Links")
"""The tables of messages on a page of everything: the others say what those of channels do."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What a page is made of.

    title    what the facts are of, such as the project
    program  by which the facts are looked at; None: journeys are not drawn, and no analyses are asked for
    summary  of the same simulation, if they are of one: both have to say the same
    from_ms  is in the window, `to_ms` is not; None leaves it open
    hides    as of a report
    """

    title: str
    warehouse: Warehouse
    program: Program | None
    summary: Summary | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    cohort: Cohort = "entered"
    hides: bool = False


def told_page(
    warehouse: Warehouse, asked: Asked, program: Program | None, *, everything: bool, summary: Summary | None = None
) -> str:
    """The page of a report, named after the project where that is known. Raises as `whole_page`.

    asked       what the report is of; of `everything` its window alone
    everything  whether it is of all kinds, and of the project's analyses
    summary     of the same simulation, if the facts are of one
    """
    title = "Report" if program is None else f"Report of {program.project}"
    known = asked.known_by(warehouse.as_of_ms)
    telling = Telling(title, warehouse, program, summary, known.from_ms, known.to_ms, known.cohort, known.hides)
    return whole_page(telling) if everything else report_page(telling, asked)


def whole_page(telling: Telling) -> str:
    """Everything: journeys, campaigns, channels, events, places, offers, analyses, experiments and hold-outs.

    Raises FiguresDiffer where facts do not add up, ExtraMissing, StoreBroken, CallerError for a page that is too large.
    """
    warehouse = telling.warehouse
    _check(telling)
    journeys = report_of(warehouse, _asked(telling, "journey"))
    chapters = [journeys_chapter(journeys, journeys, telling.program)]
    campaigns = campaigns_chapter(report_of(warehouse, _asked(telling, "campaign")), telling.program)
    chapters += [campaigns] if campaigns.blocks else []
    channels = report_of(warehouse, _asked(telling, "channel"))
    chapters.append(report_chapter("Channels", channels))
    chapters.append(report_chapter("Messages", report_of(warehouse, _asked(telling, "message")), OF_MESSAGES))
    chapters.append(report_chapter("Events", report_of(warehouse, _asked(telling, "event"))))
    places = report_of(warehouse, _asked(telling, "place"))
    chapters += [report_chapter("Places", places)] if any(each.rows for each in places.sections) else []
    offers = report_of(warehouse, _asked(telling, "offer"))
    chapters += [report_chapter("Offers", offers)] if any(each.rows for each in offers.sections) else []
    if telling.program is not None:
        chapters += _analyses(telling, telling.program)
    sentences = [
        window_text(telling.from_ms, telling.to_ms),
        *([] if telling.cohort == "entered" else [f"{forms.COUNTED['journey']['moved']} are counted, not runs."]),
        as_of_text(warehouse.as_of_ms),
        *(cut_text(table, at) for table, at in sorted(warehouse.cut_before_ms.items())),
    ]
    return page_of(PageContent(telling.title, sentences, [_overview(journeys, channels), *chapters]))


def report_page(telling: Telling, asked: Asked) -> str:
    """One kind of report, which may be of one name and divided into groups. Raises as `whole_page`."""
    shown = report_of(telling.warehouse, asked, telling.program)
    match asked.kind:
        case "journey":
            total = shown if asked.by is None else report_of(telling.warehouse, asked.whole())
            chapter = journeys_chapter(total, shown, telling.program)
        case "campaign":
            chapter = campaigns_chapter(shown, telling.program)
        case _:
            chapter = report_chapter(f"{asked.kind.capitalize()}s", shown)
    what, *sentences = forms.heading(shown)
    return page_of(PageContent(f"{telling.title}: {what}", sentences, [chapter]))


def _check(telling: Telling) -> None:
    """Raises FiguresDiffer for what no report that follows checks by itself."""
    differences = [*files_that_differ(telling.warehouse)]
    if telling.summary is not None:
        differences += summary_differences(telling.warehouse, telling.summary)
    require_none(differences)


def _asked(telling: Telling, kind: ReportKind) -> Asked:
    return Asked(kind, None, telling.from_ms, telling.to_ms, telling.cohort, hides=telling.hides)


def _analyses(telling: Telling, program: Program) -> Iterator[Chapter]:
    warehouse, questions = telling.warehouse, Questions(telling.warehouse)
    asking = Asking(questions, program, telling.from_ms, telling.to_ms, known_until=warehouse.as_of_ms)
    yield from analyses_chapters(asking, program.analyses)
    splits = Splits(known_ms=warehouse.as_of_ms or 0, from_ms=telling.from_ms, to_ms=telling.to_ms)
    for chapter in (experiments_chapter(program, questions, splits), holdouts_chapter(program, questions, splits)):
        if chapter is not None:
            yield chapter


def _overview(journeys: Report, channels: Report) -> Chapter:
    """The most important numbers of all journeys and channels."""
    runs = next(each for each in journeys.sections if each.title == "Runs")
    outcomes = next(each for each in channels.sections if each.title == "Outcomes")
    entered, goal = (sum(_numbers(runs.columns, runs.rows, name)) for name in ("entered", "goal"))
    sent = [row for row in outcomes.rows if row[1] == "sent"]
    messages = sum(_numbers(outcomes.columns, sent, "times"))
    figures = [
        Figure("runs entered", f"{entered:,}", f"in {counted_text(len(runs.rows), 'journey', 'journeys')}"),
        Figure("goals reached", f"{goal:,}"),
        Figure("messages sent", f"{messages:,}", f"by {counted_text(len(sent), 'channel', 'channels')}"),
    ]
    return Chapter("Overview", [Block("", figures=figures, tables=[shown_section(runs)], files=[csv_section(runs)])])


def _numbers(columns: Sequence[str], rows: Sequence[Sequence[Any]], name: str) -> Iterator[int]:
    at = list(columns).index(name)
    return (row[at] for row in rows)
