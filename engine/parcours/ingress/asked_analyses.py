"""What does the project ask of facts, and which of it is asked for? The same for its JSON and for its screens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from parcours.ingress.door import Door
from parcours.ingress.exchange import Problem, Request
from parcours.ingress.queries import queried
from parcours.insight.analysis_words import analysis_words
from parcours.insight.asking.analysed import AnalysisAsked, AnalysisKind
from parcours.insight.experiments.asking import experiments_of
from parcours.insight.gathering.experiments import holdout_metrics
from parcours.insight.windows import WindowAsked
from parcours.journey.program import Program
from parcours.wording import nearest

HOLDOUT: Final = "holdout"


class AnalysisListed(msgspec.Struct, frozen=True, kw_only=True):
    """What a project asks of facts.

    kind    funnel, flow, attribution, cohort, metric, experiment or holdout
    asks    what it asks, in a line
    metric  by what a hold-out is compared, None of all else
    """

    kind: str
    name: str
    asks: str
    metric: str | None = None


class AnalysesListed(msgspec.Struct, frozen=True):
    """All of it, kind by kind."""

    analyses: list[AnalysisListed]


class AnalysisQuery(WindowAsked, frozen=True, kw_only=True):
    """The window, and

    metric  by what a hold-out is compared
    so_far  of an experiment: those count as well whose time is not over
    """

    metric: str | None = None
    so_far: bool = False


def analyses_of(program: Program) -> list[AnalysisListed]:
    """What the project asks by name, its experiments, and its hold-outs by each metric that may compare them."""
    return [*_named(program), *_experiments(program)]


def _kinds(program: Program) -> Mapping[str, Mapping[str, Any]]:
    of = program.analyses
    return {
        "funnel": of.funnels, "flow": of.flows, "attribution": of.attributions, "cohort": of.cohorts,
        "metric": of.metrics,
    }  # fmt: skip


def _named(program: Program) -> Iterator[AnalysisListed]:
    for kind, of_kind in _kinds(program).items():
        for name, asked in of_kind.items():
            yield AnalysisListed(kind=kind, name=name, asks=analysis_words(asked))


def _experiments(program: Program) -> Iterator[AnalysisListed]:
    for name in experiments_of(program):
        yield AnalysisListed(kind="experiment", name=name, asks="which way of the split is better")
    for holdout in program.policies.holdouts:
        for metric, asked in holdout_metrics(program):
            asks = f"those held out and all others by {metric}: {analysis_words(asked)}"
            yield AnalysisListed(kind=HOLDOUT, name=holdout.name, asks=asks, metric=metric)


def analysis_asked(door: Door, request: Request) -> AnalysisAsked:
    """The question that the path and the query name. Raises Problem where there is none."""
    kind, name = request.params["kind"], request.params["name"]
    known = [each.name for each in analyses_of(door.service.program) if each.kind == kind]
    if name not in known:
        raise Problem(404, "unknown", f"the project asks no such {kind[:20]}{nearest(name, known)}")
    query = queried(replace(request, query=_without_empty_bounds(request.query)), AnalysisQuery)
    options: dict[str, Any] = {}
    if kind == HOLDOUT and query.metric is not None:
        options["metric"] = query.metric
    if kind == "experiment" and query.so_far:
        options["so_far"] = True
    asked: AnalysisKind = "experiment" if kind == HOLDOUT else kind  # type: ignore[assignment]  # one of those known
    return AnalysisAsked(
        kind=asked,
        words=name,
        options=options,
        since=query.since,
        until=query.until,
        live=query.live,
        stitch=query.stitch,
        exported=query.exported,
    )


def _without_empty_bounds(query: Mapping[str, str]) -> dict[str, str]:
    """What a form sends of a window: a field that is empty says nothing."""
    return {name: text for name, text in query.items() if text or name not in ("from", "to")}
