"""Results of analyses as rows of numbers that are not rounded, for other programs to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, assert_never

from msgspec import UNSET

from parcours.insight.analyses.attribution import Attributed
from parcours.insight.analyses.cohort import CohortResult
from parcours.insight.analyses.flow import FlowResult
from parcours.insight.analyses.funnel import FunnelResult, FunnelStep
from parcours.insight.analyses.metric import MetricResult

AnalysisResult: TypeAlias = FunnelResult | FlowResult | Attributed | CohortResult | MetricResult

Row: TypeAlias = tuple[object, ...]
"""Texts, numbers, and None for what is missing."""


def rows_of(result: AnalysisResult) -> Iterator[Row]:
    """The names of the columns, and then the rows. The group of all, where there are groups, is empty."""
    match result:
        case FunnelResult():
            return _funnel(result)
        case FlowResult():
            return _flow(result)
        case Attributed():
            return _attribution(result)
        case CohortResult():
            return _cohort(result)
        case MetricResult():
            return _metric(result)
        case _:
            assert_never(result)


def _funnel(result: FunnelResult) -> Iterator[Row]:
    valued = any(each.worth is not UNSET for each in result.steps)
    yield "group", "number", "step", "reached", "median_ms", "lost", *(("worth", "lost_worth") if valued else ())
    groups = {} if result.groups is UNSET else result.groups
    for group, steps in [("", result.steps), *((name, each.steps) for name, each in groups.items())]:
        for number, step in enumerate(steps, start=1):
            yield group, number, step.step, step.reached, step.median_ms, step.lost, *_worths(step, valued=valued)


def _worths(step: FunnelStep, *, valued: bool) -> Row:
    return (step.worth, step.lost_worth) if valued else ()


def _flow(result: FlowResult) -> Iterator[Row]:
    yield "offset", "from", "to", "count"
    for link in result.links:
        yield link.offset, link.origin, link.target, link.count


def _attribution(result: Attributed) -> Iterator[Row]:
    yield "model", "key", "conversions", "value"
    for model, credits_ in result.models.items():
        for key, credit in credits_.items():
            yield model, key, credit.conversions, credit.value


def _cohort(result: CohortResult) -> Iterator[Row]:
    yield "start", "people", "period", "returned"
    for row in result.rows:
        for period, returned in enumerate(row.returned):
            yield row.start, row.people, period, returned


def _metric(result: MetricResult) -> Iterator[Row]:
    yield "group", "value"
    yield "", result.value
    yield from () if result.groups is UNSET else result.groups.items()
