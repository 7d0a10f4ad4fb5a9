"""The compiler of all analyses of a project, whose names are unique over all documents of insight/."""

from __future__ import annotations

from parcours.journey.analyses import Analyses, Funnel, Metric
from parcours.journey.compile.analyses.attributions import compiled_attribution
from parcours.journey.compile.analyses.funnels import (
    compiled_audience,
    compiled_cohort,
    compiled_flow,
    compiled_funnel,
)
from parcours.journey.compile.analyses.metrics import check_circles, compiled_metric, compiled_segment
from parcours.journey.compile.analyses.scope import ONE, AnalysisScope
from parcours.journey.read.finding import Margin


def compiled_analyses(scope: AnalysisScope) -> Analyses:
    """The analyses of all documents; faults go into their margins."""
    _check_unique(scope)
    _check_visits(scope)
    metrics, margins = dict[str, Metric](), dict[str, Margin]()
    segments, funnels, flows, attributions, cohorts, audiences = {}, dict[str, Funnel](), {}, {}, {}, {}
    together = list(zip(scope.documents.insight, scope.margins.insight, strict=True))
    for document, margin in together:
        for name, metric in document.metrics.items():
            margins[name] = margin.below("metrics", name)
            metrics[name] = compiled_metric(metric, scope, margins[name])
        for name, segment in document.segments.items():
            segments[name] = compiled_segment(name, segment, scope, margin.below("segments", name))
        for name, funnel in document.funnels.items():
            funnels[name] = compiled_funnel(name, funnel, scope, margin.below("funnels", name))
        for name, flow in document.flows.items():
            flows[name] = compiled_flow(name, flow, scope, margin.below("flows", name))
        for name, each in document.attributions.items():
            attributions[name] = compiled_attribution(name, each, scope, margin.below("attributions", name))
        for name, cohort in document.cohorts.items():
            cohorts[name] = compiled_cohort(name, cohort, scope, margin.below("cohorts", name))
    for document, margin in together:
        for name, audience in document.audiences.items():
            below = margin.below("audiences", name)
            audiences[name] = compiled_audience(name, audience, scope, below, funnels)
    check_circles(metrics, margins)
    return Analyses(
        metrics=metrics,
        segments=segments,
        funnels=funnels,
        flows=flows,
        attributions=attributions,
        cohorts=cohorts,
        audiences=audiences,
    )


def _check_visits(scope: AnalysisScope) -> None:
    """Note a property by which visits cannot be told apart."""
    if (visit_by := scope.documents.settings.insight.visit_by) is not None:
        margin = scope.margins.single["project"]
        scope.property(visit_by, sorted(scope.declared.events), margin, "insight", "visit_by")


def _check_unique(scope: AnalysisScope) -> None:
    """Note names that another document has given already."""
    first: dict[tuple[str, str], str] = {}
    for document, margin in zip(scope.documents.insight, scope.margins.insight, strict=True):
        for kind, one in ONE.items():
            for name in getattr(document, kind):
                line = margin.line((kind, name))
                place = f"{margin.file}:{line}" if line else margin.file
                if (other := first.setdefault((kind, name), place)) != place:
                    margin.error(f"the {one} {name!r} is already in {other}", kind, name)
