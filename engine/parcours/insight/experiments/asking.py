"""An experiment or a hold-out by its name, asked of facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ruamel.yaml import YAML

from parcours.errors import CallerError
from parcours.insight.experiments.experiment import Design, evaluate, holdout_design
from parcours.insight.experiments.goal import Goal
from parcours.insight.experiments.holdout_units import holdout_units
from parcours.insight.experiments.result import ExperimentResult
from parcours.insight.experiments.split_units import Asked, Ways, split_units
from parcours.insight.warehouse.questions import Questions
from parcours.journey.analyses import Metric, People, Sum
from parcours.journey.campaign_steps import DivideAtRandom
from parcours.journey.model.steps import SplitArm
from parcours.journey.policies import Holdout
from parcours.journey.program import Journey, Program, Split
from parcours.wording import nearest, quoted

PERCENT = 100


@dataclass(frozen=True, slots=True)
class Answered:
    """`unnamed` is how many splits were taken by ways that the experiment does not compare."""

    design: Design
    result: ExperimentResult
    unnamed: int = 0


def holdout_called(name: str, program: Program) -> Holdout | None:
    """The hold-out of this name, None if there is none."""
    return next((each for each in program.policies.holdouts if each.name == name), None)


def ask_experiment(name: str, program: Program, questions: Questions, asked: Asked, *, so_far: bool) -> Answered:
    """The experiment at `JOURNEY.STEP`.

    so_far  those whose time is not over count as well, whatever the experiment says
    Raises CallerError where there is no such experiment, StoreBroken.
    """
    journey, split = _split_called(name, program)
    experiment = split.experiment
    if experiment is None:
        raise CallerError(f"{name} has no experiment: give the split one, with a goal and a control.")
    newest = Ways(split.names, split.percents)
    assigned = questions.assigned(journey.name, split.id, [experiment.trigger.name], before_ms=experiment.cuped_ms or 0)
    told = dict(_ways_told(questions.published(journey.name), split.id))
    versions = {**_ways_of(program, journey.name, split.id), **told}
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


def _split_called(name: str, program: Program) -> tuple[Journey, Split]:
    journeys = {each.name: each for each in program.journeys}
    of, _, id_ = name.partition(".")
    _refuse_campaign(of, id_, program)
    if of not in journeys:
        holdouts = [each.name for each in program.policies.holdouts]
        hint = nearest(of, [*journeys, *holdouts])
        raise CallerError(f"No journey or hold-out is called {quoted(of)}{hint}.")
    step = journeys[of].steps.get(id_)
    splits = {key: each for key, each in journeys[of].steps.items() if isinstance(each, Split)}
    if not isinstance(step, Split):
        there_are = f"its splits are {', '.join(splits)}" if splits else "it has none"
        raise CallerError(f"{of!r} has no split {quoted(id_)}{nearest(id_, splits)}: {there_are}.")
    return journeys[of], step


def _refuse_campaign(name: str, step: str, program: Program) -> None:
    for campaign in program.campaigns:
        if campaign.name == name:
            what = (
                "is no random split"
                if not isinstance(campaign.steps.get(step), DivideAtRandom)
                else ("is a split of a campaign, and facts do not tell which part of it somebody is in")
            )
            raise CallerError(f"{name}.{step} {what}: an experiment of a journey can be asked for.")


def _ways_of(program: Program, journey: str, step: str) -> Mapping[int, Ways]:
    """The ways of each version that the program knows."""
    splits = {each.version: each.steps.get(step) for each in program.versions() if each.name == journey}
    return {number: Ways(each.names, each.percents) for number, each in splits.items() if isinstance(each, Split)}


def _ways_told(published: Iterable[tuple[int, str]], step: str) -> Iterable[tuple[int, Ways]]:
    """The ways of each version whose document facts have: a project in a folder does not know its number."""
    yaml = YAML(typ="safe", pure=True)
    for version, text in published:
        document: Mapping[str, Any] = yaml.load(text)
        arms = [each["split"] for each in document["steps"] if each["id"] == step and "split" in each]
        for listed in arms:
            read = [SplitArm.model_validate(arm) for arm in listed]
            yield version, Ways([arm.name for arm in read], [arm.percent for arm in read])
