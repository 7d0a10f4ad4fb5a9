"""Which picture does an answer have? A funnel and a flow our own, everything else a chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

from parcours.insight.analyses.attribution import Attributed
from parcours.insight.analyses.cohort import CohortResult
from parcours.insight.analyses.flow import FlowResult
from parcours.insight.analyses.funnel import FunnelResult
from parcours.insight.analyses.metric import MetricResult
from parcours.insight.asking.rows import AnalysisResult
from parcours.insight.experiments.result import ExperimentResult
from parcours.insight.pictures.charts import attribution_chart, cohort_chart, experiment_chart, metric_chart
from parcours.insight.pictures.flow import flow_picture
from parcours.insight.pictures.funnel import funnel_picture
from parcours.insight.pictures.rendering import png_of, svg_of
from parcours.journey.analyses import Attribution, Cohort, Flow, Funnel, Metric

Drawable: TypeAlias = AnalysisResult | ExperimentResult


@dataclass(frozen=True, slots=True)
class Picture:
    """An answer that can be drawn, with its title.

    asked  the analysis; None of an experiment, whose result says everything
    """

    title: str
    asked: Funnel | Flow | Attribution | Cohort | Metric | None
    result: Drawable

    def svg(self, *, embedded: bool = False) -> str:
        """As SVG for both themes, ending in a line break; the same answer gives the same text.

        embedded  for a page that has the style sheet (`theme.chart_sheet`) and a title of its own
        Raises ExtraMissing for a chart, if the library is not installed.
        """
        drawn = self._drawn(title="" if embedded else self.title, embedded=embedded)
        return drawn if isinstance(drawn, str) else svg_of(drawn, embedded=embedded, said=self.title)

    def png(self) -> bytes:
        """As PNG, light. Raises ExtraMissing."""
        return png_of(self._drawn(title=self.title))

    def _drawn(self, *, title: str, embedded: bool = False) -> str | Mapping[str, Any]:
        """SVG, or the specification of a chart."""
        match self.result:
            case FunnelResult():
                return funnel_picture(self.result, title=title, embedded=embedded)
            case FlowResult():
                return flow_picture(self.result, title=title, embedded=embedded)
            case Attributed():
                assert isinstance(self.asked, Attribution), "what was asked for fits the answer"
                return attribution_chart(self.asked, self.result, title=title)
            case CohortResult():
                assert isinstance(self.asked, Cohort), "what was asked for fits the answer"
                return cohort_chart(self.result, title=title, unit=self.asked.unit)
            case MetricResult():
                return metric_chart(self.result, name=title)
            case ExperimentResult():
                return experiment_chart(self.result, title=title)
        assert_never(self.result)
