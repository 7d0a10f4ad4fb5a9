"""Is a score still what it was when it was trained? Its features and what it says of everybody as of an instant."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from parcours.config import Settings
from parcours.errors import CallerError
from parcours.journey.project import Project
from parcours.simulation.score_cut import ScoreCut, score_of
from parcours.simulation.simulation import simulate
from parcours.training.cases import Gathering
from parcours.training.drift import Drift, bins_of, drift_of
from parcours.wording import quoted


class Checked(msgspec.Struct, frozen=True):
    """
    people   of whom the score says something
    missing  of whom it would if no feature lacked a value
    drifts   of the score, then of each feature
    """

    people: int
    missing: int
    drifts: tuple[Drift, ...]


def check(
    project: Project, score: str, lines: Iterable[bytes], at_ms: int, file: str, settings: Settings | None = None
) -> Checked:
    """Compare everybody as of an instant with the people whom the score was trained with.

    file  the text of the model's file
    Raises CallerError for an unknown score, one without a model or histograms, and where it says nothing of anybody;
    and as `simulate` does.
    """
    compiled, bins = score_of(project, score), bins_of(file)
    if compiled.model is None:
        raise CallerError(f"the score {quoted(score)} has no model of its own yet: train it")
    gathering = Gathering(compiled)
    cut = ScoreCut(score, at_ms, lambda told: gathering.cut(at_ms, told))
    simulate(project, lines, until_ms=at_ms, settings=settings, facts=lambda facts: None, cuts=[cut])
    ordered = [compiled.in_order(numbers) for numbers in gathering.waiting(at_ms)]
    said = [scored.probability for scored in map(compiled.told_by, ordered) if scored is not None]
    if not said:
        raise CallerError(f"as of this instant the score {quoted(score)} says nothing of anybody")
    drifts = [drift_of(None, bins.score, said)]
    for each, column in zip(compiled.model.features, zip(*ordered, strict=True), strict=True):
        if each.name in bins.features:
            drifts.append(drift_of(each.name, bins.features[each.name], column))
    return Checked(len(said), gathering.missing, tuple(drifts))
