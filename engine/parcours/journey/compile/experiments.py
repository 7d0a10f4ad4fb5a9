"""The compiler of experiments. They are asked of facts, so a goal sees an event as it is told there, and no history."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from parcours.journey.compile.analyses.scope import AnalysisScope
from parcours.journey.experiments import Experiment
from parcours.journey.model.experiments import ExperimentDocument
from parcours.journey.read.finding import Margin
from parcours.wording import nearest, quoted


def compiled_experiment(
    experiment: ExperimentDocument, parts: Collection[str], scope: AnalysisScope, margin: Margin, *, unsure: bool
) -> Experiment:
    """The experiment that is written at this margin; `unsure`: there may be other parts than are known."""
    if experiment.control not in parts and not unsure:
        hint = nearest(experiment.control, parts)
        margin.error(f"{quoted(experiment.control)} is no part of this split{hint}", "control")
    goal = experiment.goal
    return Experiment(
        trigger=scope.event(goal.event, goal.when, margin, ("goal", "event"), ("goal", "when")),
        within_ms=goal.within,
        value=None if goal.value is None else scope.number(goal.value, [goal.event], margin, "goal", "value"),
        control=experiment.control,
        planned=experiment.planned,
        cuped_ms=experiment.cuped,
        by=experiment.by,
        mature=experiment.mature,
    )


def check_arms(names: Sequence[str | None], margin: Margin) -> None:
    """Note arms of a split with an experiment that have no name of their own; the margin is the list's."""
    for number, name in enumerate(names):
        if name is None:
            margin.error("a way of a split with an experiment needs a name", number)
        elif name in names[:number]:
            margin.error(f"two ways of this split are called {name!r}", number, "name")
