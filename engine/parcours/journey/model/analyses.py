"""The model of insight/*.yaml: metrics, segments, funnels, flows, attributions, cohorts, and audiences made of them."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from parcours.expression.duration import UNITS_MS, PositiveDuration
from parcours.journey.model.analysis_forms import (
    Anchors,
    CalendarUnit,
    EventForm,
    FunnelOrder,
    ModelForm,
    SplitForm,
    TouchesForm,
    Unit,
)
from parcours.journey.model.campaign import ScheduleDocument
from parcours.journey.model.forms import PROPERTY_PATTERN, WHO_PATTERN, Document, ExpressionText, Name
from parcours.journey.model.metrics import MetricDocument, SegmentDocument

FUNNEL_STEPS_MAX: Final = 20
"""Steps of a funnel: each is a row of a table and a bar of a picture."""

FLOW_COLUMNS_MAX: Final = 20
FLOW_NODES_MAX: Final = 100
"""Columns on one side of the anchor, and named nodes of each: a picture has no room for more."""

COHORT_PERIODS_MAX: Final = 400
"""Columns of a cohort: a year of days and more."""


class Analysis(Document):
    """What every analysis of people has."""

    segment: Name | None = Field(default=None, description="The segment whose people count; everybody without it.")


class FunnelDocument(Analysis):
    """A funnel: how many of those who begin get to each step."""

    steps: Annotated[tuple[EventForm, ...], Field(min_length=2, max_length=FUNNEL_STEPS_MAX)] = Field(
        description="The events, each by its name or as `{event: NAME, when: CONDITION}`."
    )
    within: PositiveDuration | None = Field(
        default=None,
        description="How long after the first step the last one counts, the end included; ever without it.",
    )
    order: FunnelOrder = Field(
        default="strict",
        description="`strict`: in this order, anything between; `next`: with nothing between but the step before again;"
        " `any`: in any order.",
    )
    by: Unit = Field(
        default="person",
        description="Whose events are looked at together: those of a person, of a visit, or while a run was open.",
    )
    exclude: tuple[EventForm, ...] = Field(
        default=(), description="Events that break a match between its first step and the one looked at."
    )
    step_within: dict[int, PositiveDuration] = Field(
        default_factory=dict, description="By the number of a step, from 2 on: how long after the one before it counts."
    )
    value: ExpressionText | None = Field(
        default=None,
        description="A number of the last event of a match, added up for those who got there or were lost.",
    )
    split: SplitForm | None = Field(
        default=None,
        description="Groups by `profile.TRAIT`, by `event.PROPERTY` of the first step, by `{audience: NAME}`, by "
        "`{experiment: JOURNEY.STEP}`, or `{segments: [NAME, NAME]}`.",
    )


class FlowDocument(Analysis):
    """A flow: what comes before and after an event."""

    anchor: EventForm = Field(description="The event, by its name or as `{event: NAME, when: CONDITION}`.")
    before: int = Field(default=3, ge=0, le=FLOW_COLUMNS_MAX, description="How many columns before it.")
    after: int = Field(default=3, ge=0, le=FLOW_COLUMNS_MAX, description="How many columns after it.")
    by: Unit = Field(
        default="person",
        description="Whose events are looked at together: those of a person, of a visit, or while a run was open.",
    )
    which: Anchors = Field(default="first", description="Which of the anchors of one person, visit or run count.")
    key: Annotated[str, Field(pattern=PROPERTY_PATTERN)] | None = Field(
        default=None, description="The property, as in event.category, that tells an event; its name without it."
    )
    most: int = Field(
        default=8, ge=1, le=FLOW_NODES_MAX, description="How many of a column have their name; the rest are together."
    )
    collapse: bool = Field(default=False, description="Whether what comes again at once is one.")
    ignore: tuple[str, ...] = Field(default=(), description="Events that are passed over as if they were not there.")

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.before == 0 and self.after == 0:
            raise ValueError("without columns before and after there is nothing to see: give one of them")
        return self


class AttributionDocument(Analysis):
    """An attribution: to what conversions are credited."""

    conversion: EventForm = Field(description="The event, by its name or as `{event: NAME, when: CONDITION}`.")
    value: ExpressionText | None = Field(
        default=None, description="What a conversion is worth, from its event; 1 without it."
    )
    touches: TouchesForm = Field(
        description="What is credited: `{deliveries: OUTCOME}`, `{events: [NAMES]}` or `{propositions: MARK}`."
    )
    key: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description="By what touches are told apart: a column such as message, channel or journey, or of events "
        "`event.PROPERTY`; without it the message, the event or the offer.",
    )
    lookback: PositiveDuration = Field(
        default=30 * UNITS_MS["d"], description="How long before a conversion a touch counts, the end included."
    )
    since_last: bool = Field(
        default=False, description="Whether only touches since the person's conversion before count."
    )
    models: Annotated[tuple[ModelForm, ...], Field(min_length=1)] = Field(
        default=("first", "last", "linear"),
        description="The models: first, last, same, linear, u, j, inverse-j, participation, decay, markov, shapley, "
        "`{custom: [FIRST, BETWEEN, LAST]}`, `{decay: 3d}` or `{markov: 2}`.",
    )


class CohortDocument(Analysis):
    """Cohorts: who comes back, by when she came first."""

    starts: EventForm = Field(description="What a person comes by, by its name or as `{event: NAME, when: CONDITION}`.")
    returns: EventForm = Field(description="What she comes back by.")
    unit: CalendarUnit = Field(
        default="week", description="What rows and columns are, in the project's zone; weeks begin on Monday."
    )
    periods: int = Field(
        default=8, ge=1, le=COHORT_PERIODS_MAX, description="How many columns, that of the start among them."
    )


class FunnelAudienceDocument(Document):
    """A saved audience that is made anew of the people of a funnel, again and again."""

    funnel: Name = Field(description="The name of a funnel.")
    who: Annotated[str, Field(pattern=WHO_PATTERN)] = Field(
        description="`reached:2` for who got to step 2, `lost:2` for who got there and no further, or `group:west`."
    )
    mode: Literal["replace", "append"] = Field(
        default="replace", description="Whether the audience is exactly these people then, or they come in besides."
    )
    schedule: ScheduleDocument = Field(description="When it is made: of what has happened by then.")


class AnalysesDocument(Document):
    """insight/*.yaml: what is asked of what happened. Names of one kind are unique over all of these files."""

    metrics: dict[Name, MetricDocument] = Field(default_factory=dict, description="Single numbers, by name.")
    segments: dict[Name, SegmentDocument] = Field(
        default_factory=dict,
        description="People, by name: a condition on `profile`, or `{event: NAME, where: CONDITION}` for those with "
        "such an event in the window that is asked about.",
    )
    funnels: dict[Name, FunnelDocument] = Field(default_factory=dict, description="Funnels by name.")
    flows: dict[Name, FlowDocument] = Field(default_factory=dict, description="Flows by name.")
    attributions: dict[Name, AttributionDocument] = Field(default_factory=dict, description="Attributions by name.")
    cohorts: dict[Name, CohortDocument] = Field(default_factory=dict, description="Cohorts by name.")
    audiences: dict[Name, FunnelAudienceDocument] = Field(
        default_factory=dict,
        description="Saved audiences that are kept up to date from funnels, by name. Each is declared in "
        "audiences.yaml as `{saved: true}`.",
    )
