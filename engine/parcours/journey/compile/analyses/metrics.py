"""The compiler of metrics and segments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from parcours.journey.analyses import (
    DeliveryCount,
    EventCount,
    EventSegment,
    Formula,
    Metric,
    Number,
    People,
    Segment,
    Sum,
    TraitSegment,
)
from parcours.journey.compile.analyses.formula import FormulaError, metrics_in, parse_formula
from parcours.journey.compile.analyses.scope import AnalysisScope
from parcours.journey.compile.circles import circles
from parcours.journey.model.metrics import (
    CountMetric,
    FormulaMetric,
    MetricDocument,
    PeopleMetric,
    SegmentDocument,
    SumMetric,
)
from parcours.journey.read.finding import Margin
from parcours.wording import nearest, quoted


def compiled_metric(document: MetricDocument, scope: AnalysisScope, margin: Margin) -> Metric:
    """A metric; what a formula of it names may be any other one."""
    match document:
        case SumMetric():
            of = scope.event(document.of, document.where, margin, ("of",), ("where",))
            number = scope.number(document.sum, [document.of], margin, "sum")
            return Sum(value=number, of=of, segment=scope.segment(document.segment, margin))
        case PeopleMetric():
            of = scope.event(document.people, document.where, margin, ("people",), ("where",))
            return People(of=of, segment=scope.segment(document.segment, margin))
        case CountMetric():
            segment = scope.segment(document.segment, margin)
            if document.outcome is not None:
                return DeliveryCount(outcome=document.outcome, segment=segment)
            of = scope.event(document.count, document.where, margin, ("count",), ("where",))
            return EventCount(of=of, segment=segment)
        case FormulaMetric():
            return _formula(document.formula, scope, margin)
        case _:
            assert_never(document)


def _formula(text: str, scope: AnalysisScope, margin: Margin) -> Formula:
    try:
        root = parse_formula(text)
    except FormulaError as error:
        margin.error(str(error), "formula", value=text)
        return Formula(text, Number(0))
    known = scope.names["metrics"]
    for name in dict.fromkeys(metrics_in(root)):
        if name not in known and "*" not in known:
            apart = [each for each in name.split("-") if each]
            if len(apart) > 1 and known.issuperset(apart):
                said = f": a name may hold dashes, so a minus has blanks around it, as in {' - '.join(apart)}"
            else:
                said = nearest(name, known)
            margin.error(f"unknown metric {quoted(name)}{said}", "formula", value=text)
    return Formula(text, root)


def check_circles(metrics: Mapping[str, Metric], margins: Mapping[str, Margin]) -> None:
    """Note formulas that depend on themselves; `margins` has that of each metric."""
    uses = {name: tuple(metrics_in(each.root)) for name, each in metrics.items() if isinstance(each, Formula)}
    for circle in circles(uses):
        margins[circle[0]].error(f"the formula depends on itself, by way of {' → '.join(circle)}", "formula")


def compiled_segment(name: str, document: SegmentDocument, scope: AnalysisScope, margin: Margin) -> Segment:
    """A segment, by a condition on people or by what they did."""
    if isinstance(document, str):
        return TraitSegment(name, scope.of_person(document, margin))
    return EventSegment(name, scope.event(document.event, document.where, margin, ("event",), ("where",)))
