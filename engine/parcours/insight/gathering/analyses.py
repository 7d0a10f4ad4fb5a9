"""Analyses as blocks of a page: the answer drawn, its tables, and its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET

from parcours.errors import AnalysisRefused, CallerError
from parcours.insight.analyses.flow import FlowResult
from parcours.insight.analyses.funnel import FunnelResult, FunnelStep
from parcours.insight.analyses.metric import MetricResult
from parcours.insight.asking.analysed import people_text
from parcours.insight.asking.asking import Answered, Asking
from parcours.insight.asking.rows import AnalysisResult, Row, rows_of
from parcours.insight.asking.shape import Analysis, Shape
from parcours.insight.asking.tables import analysis_parts
from parcours.insight.figures import amount_text
from parcours.insight.gathering.tables import sentences_of, shown_parts
from parcours.insight.page.content import Block, Chapter, CsvTable, Figure
from parcours.insight.pictures.picture import Picture
from parcours.journey.analyses import Analyses, Metric

TOO_LITTLE: Final = "This could not be answered: {why}"


def analysis_block(title: str, shape: Shape, result: AnalysisResult, notes: Sequence[str] = ()) -> Block:
    """One answer. Raises ExtraMissing where a chart cannot be drawn."""
    parts = analysis_parts(shape, result)
    return Block(
        title,
        notes=[*notes, *sentences_of(parts)],
        picture=Picture(title, shape, result).svg(embedded=True),
        said=title,
        tables=[*shown_parts(parts)],
        files=[*_files(result)],
    )


def analyses_chapters(asking: Asking, analyses: Analyses) -> Iterator[Chapter]:
    """A chapter for each kind of which the project has any. What facts lack for one is said in its place."""
    kinds: Sequence[tuple[str, Mapping[str, Any], Any]] = (
        ("Funnels", analyses.funnels, asking.funnel),
        ("Flows", analyses.flows, asking.flow),
        ("Attributions", analyses.attributions, asking.attribution),
        ("Cohorts", analyses.cohorts, asking.cohort),
    )
    for title, of_kind, ask in kinds:
        if of_kind:
            yield Chapter(title, [_asked(name, asked, ask) for name, asked in of_kind.items()])
    if analyses.metrics:
        yield Chapter("Metrics", [*_metrics(asking, analyses.metrics)])


def _asked(name: str, asked: Analysis, ask: Any) -> Block:
    try:
        return _answered(name, asked, ask(asked))
    except (AnalysisRefused, CallerError) as error:
        return Block(name, warnings=[TOO_LITTLE.format(why=error)])


def _answered(name: str, asked: Analysis, answered: Answered[Any]) -> Block:
    return analysis_block(name, Shape.of(asked), answered.result, [people_text(answered.people)])


def _metrics(asking: Asking, metrics: Mapping[str, Metric]) -> Iterator[Block]:
    """All metrics as figures; one with groups is drawn by itself."""
    figures, rows, warnings, grouped = list[Figure](), list[Row](), list[str](), list[Block]()
    for name, asked in metrics.items():
        try:
            answered = asking.metric(asked)
        except (AnalysisRefused, CallerError) as error:
            warnings.append(f"{name}: {TOO_LITTLE.format(why=error)}")
            continue
        result: MetricResult = answered.result
        figures.append(Figure(name, amount_text(result.value) or "–"))
        rows.append((name, result.value))
        if result.groups is not UNSET:
            grouped.append(_answered(name, asked, answered))
    files = [CsvTable("Metrics", [("metric", "value"), *rows])]
    yield Block("", warnings=warnings, figures=figures, files=files)
    yield from grouped


def _files(result: AnalysisResult) -> Iterator[CsvTable]:
    yield CsvTable("Rows", [*rows_of(result)])
    match result:
        case FunnelResult():
            groups = {} if result.groups is UNSET else result.groups
            every = [("", result.steps), *((name, each.steps) for name, each in groups.items())]
            rows = [row for group, steps in every for row in _lost(group, steps)]
            yield CsvTable("What came next", [("group", "number", "lost after", "did next", "count"), *rows])
        case FlowResult():
            nodes = [(column.offset, name, count) for column in result.columns for name, count in column.nodes.items()]
            yield CsvTable("Columns", [("offset", "what", "count"), *nodes])
        case _:
            return


def _lost(group: str, steps: Sequence[FunnelStep]) -> Iterator[Row]:
    for number, step in enumerate(steps, start=1):
        for name, count in step.lost_to.items():
            yield group, number, step.step, name, count
