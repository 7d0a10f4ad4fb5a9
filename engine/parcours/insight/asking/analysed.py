"""What an analysis came to, with all that is needed to read it, and the JSON in which a door tells the same.

Whoever shows an answer shows that JSON, so it makes no difference whose facts were asked, and where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec

from parcours.errors import CallerError
from parcours.insight.analyses.attribution import Attributed
from parcours.insight.analyses.cohort import CohortResult
from parcours.insight.analyses.flow import FlowResult
from parcours.insight.analyses.funnel import FunnelResult
from parcours.insight.analyses.metric import MetricResult
from parcours.insight.asking.rows import AnalysisResult
from parcours.insight.asking.shape import Shape
from parcours.insight.experiments.experiment import Design
from parcours.insight.experiments.result import ExperimentResult
from parcours.insight.figures import counted_text
from parcours.insight.warehouse.answer_forms import as_of_text
from parcours.insight.window_text import cut_text, window_text
from parcours.insight.windows import Window, WindowAsked, read_time, read_times, told_time, told_times
from parcours.journey.model.insight import KeptTable

AnalysisKind: TypeAlias = Literal["funnel", "flow", "attribution", "cohort", "metric", "experiment"]

RESULTS: Final[Mapping[AnalysisKind, type[AnalysisResult | ExperimentResult]]] = {
    "funnel": FunnelResult, "flow": FlowResult, "attribution": Attributed, "cohort": CohortResult,
    "metric": MetricResult, "experiment": ExperimentResult,
}  # fmt: skip
"""What each kind comes to."""

T = TypeVar("T")
R = TypeVar("R", bound=AnalysisResult | ExperimentResult, covariant=True)


class AnalysisAsked(WindowAsked, frozen=True, kw_only=True):
    """
    words     the analysis in words, or its name in insight/ of the project; of an experiment JOURNEY.STEP, or the name
              of a hold-out
    options   by the keys of its document, in the forms of the command line; of an experiment `metric` and `so_far`
    since     the window: from this time on, and before `until`; null leaves it open
    live      the 24 hours up to what is known, in place of both
    stitch    whether what was before a merge is the person's, whatever the project says
    exported  whether what is not exported yet is left out
    """

    kind: AnalysisKind
    words: str
    options: dict[str, Any] = msgspec.field(default_factory=dict)

    def within(self, window: Window) -> AnalysisAsked:
        """The same of another window."""
        since, until = told_time(window.from_ms), told_time(window.to_ms)
        return msgspec.structs.replace(self, since=since, until=until, live=window.live)


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysed(Generic[R]):
    """
    words          as it was asked for
    result         its figures, in the form of docs/insight.md
    shape          how they are meant; of an experiment the design
    window         with its bounds; `live` is none any more
    people         how many have any of the events, deliveries or touches that were looked at; None of an experiment
    as_of_ms       the instant up to which everything is known, None where nothing is
    cut_before_ms  by table, before which instant rows that would count are gone: they were kept for long enough
    warnings       about what was asked for, a sentence each
    """

    kind: AnalysisKind
    words: str
    result: R
    shape: Shape | Design
    window: Window
    people: int | None = None
    as_of_ms: int | None = None
    cut_before_ms: Mapping[KeptTable, int] = field(default_factory=dict)
    warnings: Sequence[str] = ()


def people_text(people: int) -> str:
    """How many have part in an answer, as a sentence."""
    return f"{counted_text(people, 'person', 'people')} with any of what is asked for."


class AnalysisTold(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """
    since       the window: from this time on, and before `until`; null leaves it open
    as_of       the instant up to which everything is known, null where nothing is
    people      how many have any of what was looked at; null of an experiment
    cut_before  by table, before which instant rows that would count are gone
    shape       how the figures are meant, of all but experiments; of these `design`
    result      the figures, in the form of docs/insight.md
    """

    kind: AnalysisKind
    words: str
    since: str | None
    until: str | None
    as_of: str | None
    people: int | None
    cut_before: dict[KeptTable, str]
    warnings: list[str]
    shape: Shape | None = None
    design: Design | None = None
    result: msgspec.Raw

    @classmethod
    def of(cls, analysed: Analysed[AnalysisResult | ExperimentResult]) -> AnalysisTold:
        """The JSON of an answer."""
        shape = analysed.shape
        return cls(
            kind=analysed.kind,
            words=analysed.words,
            since=told_time(analysed.window.from_ms),
            until=told_time(analysed.window.to_ms),
            as_of=told_time(analysed.as_of_ms),
            people=analysed.people,
            cut_before=told_times(analysed.cut_before_ms),
            warnings=[*analysed.warnings],
            shape=shape if isinstance(shape, Shape) else None,
            design=shape if isinstance(shape, Design) else None,
            result=msgspec.Raw(msgspec.json.encode(analysed.result)),
        )

    def sentences(self) -> tuple[str, ...]:
        """The window, as of when the answer is, how many people have part in it, and what is missing."""
        return (
            window_text(read_time(self.since), read_time(self.until)),
            as_of_text(read_time(self.as_of)),
            *([] if self.people is None else [people_text(self.people)]),
            *(cut_text(table, at) for table, at in read_times(self.cut_before).items()),
        )

    def meant(self) -> Shape:
        """How the figures are meant, of what is no experiment."""
        return self.shape or Shape()

    def figures(self) -> AnalysisResult:
        """The result of what is no experiment. Raises CallerError for what is none."""
        result = self._decoded(RESULTS[self.kind])
        assert not isinstance(result, ExperimentResult), "an experiment has a design"
        return result

    def experiment(self) -> ExperimentResult:
        """The result of an experiment. Raises CallerError for what is none."""
        return self._decoded(ExperimentResult)

    def _decoded(self, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(self.result, type=kind)
        except msgspec.MsgspecError as error:
            raise CallerError(f"The answer cannot be read: {error}.") from None
