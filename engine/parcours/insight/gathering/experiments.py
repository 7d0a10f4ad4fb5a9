"""Experiments and hold-outs as blocks of a page, with what their two kinds of interval promise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from parcours.errors import AnalysisRefused, CallerError
from parcours.insight.asking.shape import Shape
from parcours.insight.experiments.asking import Answered, ask_experiment, ask_holdout, experiments_of
from parcours.insight.experiments.experiment import Design
from parcours.insight.experiments.forms import experiment_rows, experiment_sentences, experiment_tables
from parcours.insight.experiments.result import Estimate, ExperimentResult
from parcours.insight.experiments.sample_ratio import is_sound
from parcours.insight.experiments.split_units import Asked
from parcours.insight.gathering.analyses import TOO_LITTLE
from parcours.insight.gathering.tables import shown_table
from parcours.insight.page.content import Block, Chapter, CsvTable
from parcours.insight.pictures.picture import Picture
from parcours.journey.analyses import Metric, People, Sum
from parcours.journey.program import Program

if TYPE_CHECKING:
    from parcours.insight.warehouse.questions import Questions

LOOKED_AT_DAILY: Final = (
    "The always-valid interval may be looked at every day. The fixed one is right for one look only: of 2,000 "
    "simulated experiments without any effect, each looked at daily for 40 days, it left out 0 on some day in 28.8 %, "
    "and the always-valid one in 2.8 %."
)
"""As benchmarks/experiments.py has counted it."""

HOLDOUT_METRICS_MAX: Final = 4
"""Metrics by which each hold-out is compared on a page, the first ones of the project."""

TITLES: Final = ("Variants", "Compared")


def experiment_block(title: str, design: Design, result: ExperimentResult) -> Block:
    """One experiment. Raises ExtraMissing where it cannot be drawn."""
    sentences = [*experiment_sentences(design, result)]
    unsound = not is_sound(result.sample_ratio)
    tables = experiment_tables(design, result)
    return Block(
        title,
        warnings=[sentences.pop(1)] if unsound else [],
        notes=sentences,
        picture=Picture(title, Shape(), result).svg(embedded=True) if _compares(result) else None,
        said=title,
        tables=[shown_table(each, name) for each, name in zip(tables, TITLES, strict=True) if each.rows],
        files=[CsvTable("Variants", [*experiment_rows(result)])],
    )


def _answered(title: str, answered: Answered) -> Block:
    block = experiment_block(title, answered.design, answered.result)
    return replace(block, notes=[*block.notes, *answered.left_out])


def _compares(result: ExperimentResult) -> bool:
    """Whether there is any difference to be drawn."""
    estimates = [each for of in result.variants.values() for each in (of.rate, of.value)]
    return any(isinstance(each, Estimate) and each.difference is not None for each in estimates)


def experiments_chapter(program: Program, questions: Questions, asked: Asked) -> Chapter | None:
    """The experiments of all journeys and campaigns; None where there are none."""
    blocks = [_experiment(name, program, questions, asked) for name in experiments_of(program)]
    return Chapter("Experiments", blocks, [LOOKED_AT_DAILY]) if blocks else None


def holdouts_chapter(program: Program, questions: Questions, asked: Asked) -> Chapter | None:
    """Each hold-out by the metrics of the project that it can be compared by; None where there are no hold-outs."""
    if not program.policies.holdouts:
        return None
    metrics = holdout_metrics(program)
    if not metrics:
        told = "They are compared by metrics: insight/ of the project has none of people or of a sum."
        return Chapter("Hold-outs", [], [told])
    return Chapter("Hold-outs", [*_holdouts(program, questions, asked, metrics)], [LOOKED_AT_DAILY])


def holdout_metrics(program: Program) -> list[tuple[str, Metric]]:
    """The metrics of the project by which hold-outs are compared on a page, by name."""
    metrics = program.analyses.metrics.items()
    able: list[tuple[str, Metric]] = [
        (name, each) for name, each in metrics if isinstance(each, Sum | People) and each.segment is None
    ]
    return able[:HOLDOUT_METRICS_MAX]


def _experiment(name: str, program: Program, questions: Questions, asked: Asked) -> Block:
    try:
        return _answered(name, ask_experiment(name, program, questions, asked, so_far=False))
    except (AnalysisRefused, CallerError) as error:
        return Block(name, warnings=[TOO_LITTLE.format(why=error)])


def _holdouts(
    program: Program, questions: Questions, asked: Asked, metrics: Sequence[tuple[str, Metric]]
) -> Iterator[Block]:
    for holdout in program.policies.holdouts:
        for name, each in metrics:
            title = f"{holdout.name} by {name}"
            try:
                yield _answered(title, ask_holdout(holdout, each, questions, asked))
            except (AnalysisRefused, CallerError) as error:
                yield Block(title, warnings=[TOO_LITTLE.format(why=error)])
