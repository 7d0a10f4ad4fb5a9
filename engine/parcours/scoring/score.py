"""A score: what a model says of a person, from features that are asked of her as she stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from operator import itemgetter
from typing import TypeAlias

from parcours.expression.expression import Expression, Scope
from parcours.expression.values import Band, Scored
from parcours.scoring.contributions import MarginMoved, moved
from parcours.scoring.features import Feature, numbers_of, rounding
from parcours.scoring.margins import Margin, margin_of, probability_of
from parcours.scoring.model import ScoreModel


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a score predicts: that an event comes within a time, its end inclusive.

    event  under the key of its definition
    when   sees `event` and `profile`
    """

    event: str
    when: Expression | None
    within_ms: int


Predicting: TypeAlias = tuple[str, Expression | None]
"""The name of a score that predicts an event of some type, and the event's condition."""


@dataclass(frozen=True, slots=True)
class Keep:
    """A trait that follows a score: renewed with certain events, under the keys of their definitions, and by the clock.

    trait     its path
    every_ms  None where no time renews it
    """

    trait: str
    on: tuple[str, ...] = ()
    every_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """A score of the project. Where it has no model, as before it is trained, it is missing for everybody.

    among  whom it is about; None: everybody
    bands  the probabilities from which on it is medium, and high
    is_foreseen  whether the instants at which time changes its features are known beforehand
    """

    name: str
    predicts: Outcome
    among: Expression | None
    features: tuple[Feature, ...]
    bands: tuple[float, float]
    keep: Keep | None = None
    is_foreseen: bool = False
    model: ScoreModel | None = None
    _margin: Margin | None = field(init=False, repr=False, compare=False)
    _in_order: Callable[[Sequence[float]], tuple[float, ...]] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_margin", None if self.model is None else margin_of(self.model))
        object.__setattr__(self, "_in_order", None if self.model is None else self._order_of(self.model))

    def _order_of(self, model: ScoreModel) -> Callable[[Sequence[float]], tuple[float, ...]]:
        """Takes numbers from the order of the document to that of the file, and rounds them."""
        columns, rounded = self.columns, rounding(len(model.features))
        names = tuple(each.name for each in model.features)
        assert len(names) == len(columns), "a model of other features is none of this score"
        if names == columns:
            return rounded
        pick = itemgetter(*(columns.index(name) for name in names))
        return lambda numbers: rounded(pick(numbers))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all numbers, in the order of the document."""
        return tuple(column for feature in self.features for column in feature.columns)

    def expressions(self) -> Iterator[Expression]:
        """What is evaluated of a person: whether it is about her, if it is not about everybody, and each feature."""
        if self.among is not None:
            yield self.among
        for feature in self.features:
            yield feature.value

    def numbers(self, scope: Scope) -> tuple[float, ...] | None:
        """The person's numbers in the order of the file; None where one is missing, and where she is none of those whom
        the score is about.
        """
        if self.model is None or (self.among is not None and not self.among.holds(scope)):
            return None
        known: list[float] = []
        for each in numbers_of(self.features, [each.value.value(scope) for each in self.features]):
            if each is None:
                return None
            known.append(each)
        return self.in_order(known)

    def in_order(self, numbers: Sequence[float]) -> tuple[float, ...]:
        """Numbers in the order of the document, rounded and in that of the file of its model, which it has."""
        assert self._in_order is not None, "numbers are put into the order of a model"
        return self._in_order(numbers)

    def of(self, scope: Scope) -> Scored | None:
        """What it says of the person whom the scope is of; None where it is missing."""
        numbers = self.numbers(scope)
        return None if numbers is None else self.told_by(numbers)

    def told_by(self, numbers: Sequence[float]) -> Scored | None:
        """What its model, which it has, says of numbers in the order of the file; None where their sum fits into no
        float.
        """
        assert self._margin is not None, "a score without a model says nothing"
        margin = self._margin(numbers)
        if not isfinite(margin):
            return None
        probability = probability_of(margin)
        return Scored(probability, margin, self._band(probability))

    def moved_by(self, numbers: Sequence[float]) -> MarginMoved:
        """What has moved the margin of numbers in the order of the file of its model, which it has."""
        assert self.model is not None, "a score without a model says nothing"
        return moved(self.model, numbers)

    def lacking(self, values: Sequence[object]) -> list[str]:
        """The names of the numbers that are missing, of these values of its features."""
        numbers = numbers_of(self.features, values)
        return [column for column, number in zip(self.columns, numbers, strict=True) if number is None]

    def _band(self, probability: float) -> Band:
        medium, high = self.bands
        return "high" if probability >= high else "medium" if probability >= medium else "low"
