"""An experiment or a hold-out by its name, asked of facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from parcours.errors import CallerError
from parcours.insight.experiments.experiment import Design, evaluate, holdout_design
from parcours.insight.experiments.goal import Goal
from parcours.insight.experiments.holdout_units import holdout_units
from parcours.insight.experiments.result import ExperimentResult
from parcours.insight.experiments.split_units import Asked, split_units
from parcours.insight.experiments.ways import Ways, check_told, parts_of, ways_by_version
from parcours.insight.figures import counted_text
from parcours.journey.analyses import Metric, People, Sum
from parcours.journey.campaign_steps import DivideAtRandom
from parcours.journey.experiments import Experiment
from parcours.journey.policies import Holdout
from parcours.journey.program import Program, Split
from parcours.wording import nearest, quoted

if TYPE_CHECKING:
    from parcours.insight.warehouse.questions import Questions

PERCENT = 100


@dataclass(frozen=True, slots=True)
class Answered:
    """`unnamed` is how many splits were taken by ways that the experiment does not compare."""

    design: Design
    result: ExperimentResult
    unnamed: int = 0

    @property
    def left_out(self) -> list[str]:
        """What is not among the figures, a sentence each."""
        splits = counted_text(self.unnamed, "split", "splits")
        return [f"{splits} by ways that it does not compare: left out."] if self.unnamed else []


def holdout_called(name: str, program: Program) -> Holdout | None:
    """The hold-out of this name, None if there is none."""
    return next((each for each in program.policies.holdouts if each.name == name), None)


def experiments_of(program: Program) -> list[str]:
    """What the experiments of journeys, and then those of campaigns, are asked for by: `OF.STEP` of each."""
    return [
        f"{of}.{id_}"
        for of, steps in _steps_of(program).items()
        for id_, step in steps.items()
        if isinstance(step, Split | DivideAtRandom) and step.experiment is not None
    ]


def ask_experiment(name: str, program: Program, questions: Questions, asked: Asked, *, so_far: bool) -> Answered:
    """The experiment at `JOURNEY.STEP` or `CAMPAIGN.STEP`.

    so_far  those whose time is not over count as well, whatever the experiment says
    Raises CallerError where there is no such experiment, StoreBroken.
    """
    of, id_, newest, experiment = _split_called(name, program)
    if experiment is None:
        raise CallerError(f"{name} has no experiment: give the split one, with a goal and a control.")
    assigned = questions.assigned(of, id_, [experiment.trigger.name], before_ms=experiment.cuped_ms or 0)
    versions = ways_by_version(program, questions.published(of), of, id_)
    units = split_units(replace(experiment, mature=experiment.mature and not so_far), newest, versions, assigned, asked)
    return Answered(units.design, evaluate(units.design, units.units), units.unnamed)


def ask_holdout(holdout: Holdout, metric: Metric, questions: Questions, asked: Asked) -> Answered:
    """A hold-out by a metric: how many people reach an event, or the mean of what is added up.

    Raises CallerError for another metric, StoreBroken.
    """
    match metric:
        case Sum(value=value, of=of, segment=None):
            goal, design = Goal(of, value), holdout_design(holdout.bound / PERCENT, "value")
        case People(of=of, segment=None):
            goal, design = Goal(of, None), holdout_design(holdout.bound / PERCENT, "rate")
        case _:
            raise CallerError(
                "A hold-out is compared by people or by a sum, of no segment: people Order Completed, "
                "or sum event.total of Order Completed."
            )
    events = questions.happenings([of.name], asked.from_ms, asked.to_ms)
    return Answered(design, evaluate(design, holdout_units(holdout, questions.everybody(), events, goal)))


def _split_called(name: str, program: Program) -> tuple[str, str, Ways, Experiment | None]:
    """Whose split it is, its step, and its ways in the newest version."""
    of, dot, id_ = name.partition(".")
    known = _steps_of(program)
    if of not in known:
        holdouts = [each.name for each in program.policies.holdouts]
        hint = nearest(of, [*known, *holdouts])
        raise CallerError(f"No journey, campaign or hold-out is called {quoted(of)}{hint}.")
    if not dot:
        raise CallerError(f"An experiment is named by its split as well: {of}.STEP.")
    splits = {key: each for key, each in known[of].items() if isinstance(each, Split | DivideAtRandom)}
    split = splits.get(id_)
    if split is None:
        there_are = f"its splits are {', '.join(splits)}" if splits else "it has none"
        raise CallerError(f"{of!r} has no random split {quoted(id_)}{nearest(id_, splits)}: {there_are}.")
    if isinstance(split, Split):
        return of, id_, Ways(split.names, split.percents), split.experiment
    check_told(of, id_, program)
    return of, id_, parts_of(split), split.experiment


def _steps_of(program: Program) -> Mapping[str, Mapping[str, object]]:
    """The steps of each journey and campaign; no two of these have one name."""
    journeys: dict[str, Mapping[str, object]] = {each.name: each.steps for each in program.journeys}
    return journeys | {each.name: each.steps for each in program.campaigns}
