"""The models of scores.yaml: what is predicted of whom, the features that it is told by, and what tells it."""

from __future__ import annotations

from typing import Annotated, Final, Self, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from parcours.expression.duration import PositiveDuration
from parcours.journey.model.forms import Document, ExpressionText, Name, check_within, keys_of
from parcours.journey.model.triggers import EventTriggerDocument
from parcours.scoring.features import FLOAT32_MAX
from parcours.scoring.model import Kind

SCORES_MAX: Final = 100
FEATURES_MAX: Final = 200
"""Features of one score: all of them are asked of a person whenever the score is."""

VALUES_MAX: Final = 100
"""Values that are told apart of one feature: each is a number of its own for the model."""


def _model_file(file: str) -> str:
    if check_within(file, "a model's file lies").suffix != ".json":
        raise ValueError("a model is a .json file")
    return file


class ModelDocument(Document):
    """The model that tells a score."""

    file: Annotated[str, AfterValidator(_model_file)] = Field(
        description="Its file in the project's folder, as `parcours score train` writes it; others may make it, too."
    )
    kind: Kind = Field(description="`logistic`: a weight for each feature; `trees`: many small decision trees.")


class PredictsDocument(EventTriggerDocument):
    """What a score predicts: that such an event comes."""

    within: PositiveDuration = Field(description="Within which time, its end inclusive.")


def _finite(number: float) -> float:
    if not -FLOAT32_MAX <= number <= FLOAT32_MAX:
        raise ValueError("models read numbers of 32 bits, and this is none")
    return number


class NumberFeature(Document):
    """A feature that is a number or a truth value, with a number for where there is none."""

    value: ExpressionText = Field(description="The number or truth value.")
    missing: Annotated[float, AfterValidator(_finite)] | None = Field(
        default=None, description="What stands for no value; without it the score is missing then."
    )


class ChoiceFeature(Document):
    """A feature that is one of several values: for each a number that is 1 or 0, and one for anything else."""

    value: ExpressionText = Field(description="The value.")
    one_of: Annotated[tuple[str | bool | int | float, ...], Field(min_length=1, max_length=VALUES_MAX)] = Field(
        description="The values that are told apart; no value counts as any other."
    )

    @model_validator(mode="after")
    def _different(self) -> Self:
        kinds = [(isinstance(each, bool), each) for each in self.one_of]
        if len(set(kinds)) < len(kinds):
            raise ValueError("a value of one_of is given twice")
        return self


def _form(value: object) -> str:
    keys = keys_of(value)
    return "<expression>" if not keys else "<choice>" if "one_of" in keys else "<number>"


FeatureForm: TypeAlias = Annotated[
    Annotated[ExpressionText, Tag("<expression>")]
    | Annotated[NumberFeature, Tag("<number>")]
    | Annotated[ChoiceFeature, Tag("<choice>")],
    Discriminator(_form),
]


class KeepDocument(Document):
    """A trait that follows a score, and that audiences may ask for."""

    trait: str = Field(
        description="The trait, which profile.yaml declares as a number. Where the score is missing, so is the trait."
    )
    on: tuple[str, ...] = Field(default=(), description="The events at whose instants it is renewed.")
    every: PositiveDuration | None = Field(
        default=None, description="How often it is renewed besides, of each person at times of her own."
    )

    @model_validator(mode="after")
    def _renewed(self) -> Self:
        if not self.on and self.every is None:
            raise ValueError("say when the trait is renewed: `on` events, `every` so often, or both")
        return self


def _rising(bands: tuple[float, float]) -> tuple[float, float]:
    if not 0 < bands[0] < bands[1] < 1:
        raise ValueError("two probabilities are expected, the second above the first, such as [0.3, 0.7]")
    return bands


class ScoreDocument(Document):
    """A score: how probable it is that somebody does something soon, from what is known of her."""

    predicts: PredictsDocument = Field(description="The event that is predicted.")
    among: ExpressionText | None = Field(
        default=None,
        description="Whom it is about: who it is trained with, and of whom it is not missing. Everybody without it.",
    )
    features: Annotated[dict[Name, FeatureForm], Field(min_length=1, max_length=FEATURES_MAX)] = Field(
        description="What it is told by: a number or a truth value of each person; `{value, missing}` says which "
        "number stands for none, and `{value, one_of: [VALUES]}` tells values apart."
    )
    model: ModelDocument = Field(description="What tells it.")
    bands: Annotated[tuple[float, float], AfterValidator(_rising)] = Field(
        default=(0.3, 0.7), description="The probabilities from which on `band()` is medium, and high."
    )
    keep: KeepDocument | None = Field(default=None, description="A trait that follows the score.")


class ScoresDocument(Document):
    """scores.yaml: what people will probably do, as numbers that conditions ask for."""

    scores: Annotated[dict[Name, ScoreDocument], Field(max_length=SCORES_MAX)] = Field(
        default_factory=dict, description="The scores by name."
    )
