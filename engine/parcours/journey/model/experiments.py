"""The model of an experiment: what is counted for each variant of a split."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from parcours.expression.duration import Duration, PositiveDuration
from parcours.journey.model.forms import Document, ExpressionText, Name
from parcours.journey.model.triggers import EventTriggerDocument

ExperimentUnit: TypeAlias = Literal["person", "run"]
"""What is counted: a person by her first split, or every run."""


class ExperimentGoal(EventTriggerDocument):
    """What counts as success of a variant: an event, and its value if the sum is compared.

    Its expressions see `event` alone, as it is told in facts; `now` is the time of the event.
    """

    within: Duration = Field(description="How long after the split the event counts, the end included.")
    value: ExpressionText | None = Field(
        default=None, description="The number that is added up; whether the event came at all without it."
    )


class ExperimentDocument(Document):
    """Compares the parts of a split by a goal. It counts what is told anyway: nobody's way depends on it."""

    goal: ExperimentGoal = Field(description="What is counted for each part.")
    control: Name = Field(description="The part that the others are compared with.")
    planned: int | None = Field(default=None, ge=1, description="How many people the experiment is planned for.")
    cuped: PositiveDuration | None = Field(
        default=None, description="How long before the split the same is counted, so that less is left to chance."
    )
    by: ExperimentUnit = Field(
        default="person", description="What is counted: each person by her first split, or every run."
    )
    mature: bool = Field(default=True, description="Whether only those count whose time for the goal is over.")
