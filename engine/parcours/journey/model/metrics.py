"""The models of metrics and segments in insight/*.yaml."""

from __future__ import annotations

from typing import Annotated, Final, Self, TypeAlias, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from parcours.journey.model.analysis_forms import DeliveryOutcome
from parcours.journey.model.forms import Document, ExpressionText, Name, chooser, keys_of
from parcours.wording import nearest, quoted

DELIVERIES: Final = "deliveries."
"""Before the outcome of deliveries that are counted, where else the name of an event stands."""


class EventMetric(Document):
    """What metrics have that are about events."""

    where: ExpressionText | None = Field(default=None, description="What the event has to meet; any without it.")
    segment: Name | None = Field(default=None, description="The segment whose people count; everybody without it.")


class SumMetric(EventMetric):
    """The sum of a number over events; events without it add nothing."""

    sum: ExpressionText = Field(description="The number, from the event.")
    of: str = Field(description="The name of the event.")


class PeopleMetric(EventMetric):
    """How many different people have such an event."""

    people: str = Field(description="The name of the event.")


class CountMetric(EventMetric):
    """How many such events there are, or deliveries of an outcome."""

    count: str = Field(description="The name of the event, or `deliveries.` and an outcome, as in deliveries.clicked.")

    @property
    def outcome(self) -> str | None:
        """The outcome of the deliveries that are counted; None where events are."""
        return self.count.removeprefix(DELIVERIES) if self.count.startswith(DELIVERIES) else None

    @model_validator(mode="after")
    def _of_deliveries(self) -> Self:
        known = get_args(DeliveryOutcome)
        if self.outcome is not None and self.outcome not in known:
            raise ValueError(f"unknown outcome {quoted(self.outcome)}{nearest(self.outcome, known)}")
        if self.outcome is not None and self.where is not None:
            raise ValueError("'where' is about the properties of events, and deliveries have none")
        return self


def _formula(value: object) -> object:
    """A formula from YAML, where 5 is not a text."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


class FormulaMetric(Document):
    """Arithmetic of other metrics; what is divided by nothing is missing, and so is what is made of it."""

    formula: Annotated[
        str, BeforeValidator(_formula, str), WithJsonSchema({"type": ["string", "number"]}), Field(min_length=1)
    ] = Field(
        description="Names of metrics and numbers with `+ - * /` and parentheses. A name may hold dashes, so a minus "
        "has a space before it, as in `revenue - cost`."
    )


MetricDocument: TypeAlias = Annotated[
    Annotated[SumMetric, Tag("<sum>")]
    | Annotated[PeopleMetric, Tag("<people>")]
    | Annotated[CountMetric, Tag("<count>")]
    | Annotated[FormulaMetric, Tag("<formula>")],
    Discriminator(
        chooser("sum", "people", "count", "formula"),
        custom_error_type="metric",
        custom_error_message="a metric has 'sum', 'people', 'count' or 'formula'",
    ),
]


class EventSegmentDocument(Document):
    """People with at least one such event in the window that is asked about."""

    event: str = Field(description="The name of the event.")
    where: ExpressionText | None = Field(default=None, description="What the event has to meet; any without it.")


SegmentDocument: TypeAlias = Annotated[
    Annotated[ExpressionText, Tag("<condition>")] | Annotated[EventSegmentDocument, Tag("<event>")],
    Discriminator(lambda value: "<event>" if keys_of(value) else "<condition>"),
]
