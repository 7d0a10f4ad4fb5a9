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
from parcours.insight.asking.shape import Shape
from parcours.insight.experiments.result import ExperimentResult
from parcours.insight.pictures.charts import attribution_chart, cohort_chart, experiment_chart, metric_chart
from parcours.insight.pictures.flow import flow_picture
from parcours.insight.pictures.funnel import funnel_picture
from parcours.insight.pictures.rendering import png_of, svg_of

Drawable: TypeAlias = AnalysisResult | ExperimentResult


@dataclass(frozen=True, slots=True)
class Picture:
    """An answer that can be drawn, with its title.

    shape  how its figures are meant, of all but an experiment
    """

    title: str
    shape: Shape
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
                return attribution_chart(self.shape, self.result, title=title)
            case CohortResult():
                return cohort_chart(self.result, title=title, unit=self.shape.unit or "period")
            case MetricResult():
                return metric_chart(self.result, name=title)
            case ExperimentResult():
                return experiment_chart(self.result, title=title)
        assert_never(self.result)
