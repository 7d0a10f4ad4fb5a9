"""An analysis or an experiment from its words to its answer, over one warehouse: the same for every source of facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from parcours.errors import CallerError
from parcours.insight.asking.analysed import Analysed, AnalysisAsked, AnalysisKind
from parcours.insight.asking.asking import Asking
from parcours.insight.asking.rows import AnalysisResult
from parcours.insight.asking.shape import Shape
from parcours.insight.experiments.asking import ask_experiment, ask_holdout, holdout_called
from parcours.insight.experiments.result import ExperimentResult
from parcours.insight.experiments.split_units import Asked
from parcours.insight.warehouse.questions import Questions
from parcours.insight.warehouse.warehouse import Warehouse
from parcours.insight.window_text import cut_that_matters
from parcours.insight.windows import Window
from parcours.insight.words import (
    attribution_in_words,
    cohort_in_words,
    flow_in_words,
    funnel_in_words,
    metric_in_words,
)
from parcours.journey.model.insight import FactTable
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.wording import nearest, quoted

Read: TypeAlias = Callable[[Project, str, Mapping[str, object]], tuple[Any, list[str]]]

WAYS: Final[Mapping[AnalysisKind, tuple[Read, Callable[[Asking, Any], Any]]]] = {
    "funnel": (funnel_in_words, Asking.funnel),
    "flow": (flow_in_words, Asking.flow),
    "attribution": (attribution_in_words, Asking.attribution),
    "cohort": (cohort_in_words, Asking.cohort),
    "metric": (metric_in_words, Asking.metric),
}
"""How the words of each kind are read, and how it is answered."""

EXPERIMENT_OPTIONS: Final = ("metric", "so_far")


@dataclass(frozen=True, slots=True)
class Known:
    """What facts are looked at by.

    project  whose words are understood; None: of no analysis
    program  what is published, or simulated; None where it is not known
    """

    project: Project | None
    program: Program | None

    def of_words(self) -> Project:
        """Raises CallerError where there is none."""
        if self.project is None:
            raise CallerError("The words are those of a project: name its folder with --project DIR.")
        return self.project


def answer(warehouse: Warehouse, asked: AnalysisAsked, known: Known) -> Analysed[AnalysisResult | ExperimentResult]:
    """What was asked for.

    Raises CallerError for what is wrong with the words, the options or the window, and for what facts do not have;
    AnalysisRefused, StoreBroken.
    """
    window = asked.window().by(warehouse.as_of_ms)
    if asked.kind == "experiment":
        return _experiment(warehouse, asked, window, known)
    project = known.of_words()
    read, answered = WAYS[asked.kind]
    analysis, warnings = read(project, asked.words, asked.options)
    asking = Asking(Questions(warehouse), project.program, window.from_ms, window.to_ms, known_until=warehouse.as_of_ms)
    found = answered(asking, analysis)
    return Analysed(
        kind=asked.kind,
        words=asked.words,
        result=found.result,
        shape=Shape.of(analysis),
        people=found.people,
        window=window,
        as_of_ms=warehouse.as_of_ms,
        cut_before_ms=cut_that_matters(warehouse.cut_before_ms, sorted(asking.tables), window.from_ms),
        warnings=warnings,
    )


def _experiment(warehouse: Warehouse, asked: AnalysisAsked, window: Window, known: Known) -> Analysed[ExperimentResult]:
    metric, so_far = _options(asked.options)
    if known.program is None:
        raise CallerError("It is not known what is published: name the project, --project DIR.")
    units = Asked(known_ms=warehouse.as_of_ms or 0, from_ms=window.from_ms, to_ms=window.to_ms)
    holdout, name = holdout_called(asked.words, known.program), asked.words
    warnings: list[str] = []
    tables: tuple[FactTable, ...] = ("events", "moves")
    if holdout is None:
        if metric is not None:
            raise CallerError(f"{name} is no hold-out: --metric goes with one, an experiment has its goal.")
        found = ask_experiment(name, known.program, Questions(warehouse), units, so_far=so_far)
    elif metric is None or known.project is None:
        raise CallerError(
            f"{name} is a hold-out: say by what it is compared, such as --metric 'people Order Completed', "
            "and name its project, --project DIR."
        )
    else:
        compiled, warnings = metric_in_words(known.project, metric)
        found, tables = ask_holdout(holdout, compiled, Questions(warehouse), units), ("events",)
    return Analysed(
        kind="experiment",
        words=name,
        result=found.result,
        shape=found.design,
        window=window,
        as_of_ms=warehouse.as_of_ms,
        cut_before_ms=cut_that_matters(warehouse.cut_before_ms, tables, window.from_ms),
        warnings=[*warnings, *found.left_out],
    )


def _options(options: Mapping[str, object]) -> tuple[str | None, bool]:
    """The metric, and whether those count as well whose time is not over. Raises CallerError for anything else."""
    for name in options:
        if name not in EXPERIMENT_OPTIONS:
            raise CallerError(f"an experiment has no option {quoted(name)}{nearest(name, EXPERIMENT_OPTIONS)}")
    metric, so_far = options.get("metric"), options.get("so_far", False)
    if not isinstance(metric, str | None):
        raise CallerError("metric: a text is expected, such as people Order Completed")
    if not isinstance(so_far, bool):
        raise CallerError("so_far: true or false is expected")
    return metric, so_far
