"""What scores say of one person, and why: what has moved each most, or what it is missing for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from parcours.config import Settings
from parcours.core.columns import PersonColumns
from parcours.core.consent import may_personalise
from parcours.core.history import scope_at
from parcours.core.profile import Profile
from parcours.expression.values import Band
from parcours.journey.program import Program
from parcours.scoring.features import numbers_of
from parcours.scoring.score import Score

Missing: TypeAlias = Literal["no_personalisation", "not_among", "no_model", "no_value", "no_number", "not_asked"]
"""Why a score is missing; `not_asked` where it is not known which of the first two it is."""


class FeatureMoved(msgspec.Struct, frozen=True, kw_only=True):
    """A feature, and by how much it has moved the margin from the mean one."""

    feature: str
    by: float


class ScoreStory(msgspec.Struct, frozen=True, kw_only=True):
    """What a score says of the person as of an instant, in ms.

    score    the probability, None where it is missing: then `missing` and `lacks` say why
    mean     the margin of the mean person; with what `moved` and all `others` have added it is hers
    lacks    the features without a value
    """

    name: str
    at: int
    score: float | None = None
    margin: float | None = None
    band: Band | None = None
    mean: float | None = None
    moved: tuple[FeatureMoved, ...] = ()
    others: float = 0.0
    missing: Missing | None = None
    lacks: tuple[str, ...] = ()


def score_stories(profile: Profile, at: int, program: Program, settings: Settings) -> tuple[ScoreStory, ...]:
    """The stories of all scores of a person at an instant, at which the profile has to stand; by name."""
    scope, may = scope_at(profile, at, program, settings), may_personalise(profile, program.policies)
    stories = []
    for _, score in sorted(program.scores.items()):
        if not may:
            stories.append(_without(score, at, "no_personalisation"))
        elif score.among is not None and not score.among.holds(scope):
            stories.append(_without(score, at, "not_among"))
        else:
            stories.append(_story(score, at, [each.value.value(scope) for each in score.features]))
    return tuple(stories)


def story_by_columns(score: Score, at: int, columns: PersonColumns) -> ScoreStory:
    """The story by what a shard has told of the person for this score."""
    return _story(score, at, columns.values) if columns.values else _without(score, at, "not_asked")


def _story(score: Score, at: int, values: Sequence[object]) -> ScoreStory:
    if score.model is None:
        return _without(score, at, "no_model")
    known = [each for each in numbers_of(score.features, values) if each is not None]
    if len(known) < len(score.columns):
        return msgspec.structs.replace(_without(score, at, "no_value"), lacks=tuple(score.lacking(values)))
    numbers = score.in_order(known)
    said, by = score.told_by(numbers), score.moved_by(numbers)
    if said is None:
        return _without(score, at, "no_number")
    return ScoreStory(
        name=score.name,
        at=at,
        score=said.probability,
        margin=said.margin,
        band=said.band,
        mean=by.mean,
        moved=tuple(FeatureMoved(feature=name, by=amount) for name, amount in by.largest),
        others=by.others,
    )


def _without(score: Score, at: int, why: Missing) -> ScoreStory:
    return ScoreStory(name=score.name, at=at, missing=why)
