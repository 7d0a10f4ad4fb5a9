"""The forms that the analyses of insight/*.yaml share: events, what groups go by, touches, and models of credit."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator

from parcours.expression.duration import PositiveDuration
from parcours.journey.model.forms import EXPERIMENT_PATTERN, GROUP_PATTERN, Document, Name, chooser, keys_of
from parcours.journey.model.offers import Mark
from parcours.journey.model.triggers import EventTriggerDocument

Unit: TypeAlias = Literal["person", "visit", "run"]
"""Whose events are looked at together: all of a person, those of one visit, those while a run was open."""

FunnelOrder: TypeAlias = Literal["strict", "next", "any"]
CalendarUnit: TypeAlias = Literal["day", "week", "month"]

Anchors: TypeAlias = Literal["first", "last", "every"]
"""Which of the anchors of a unit count."""

DeliveryOutcome: TypeAlias = Literal[
    "queued", "claimed", "held", "refused", "cancelled", "failed", "unknown", "sent", "delivered",
    "bounced", "opened", "clicked", "dismissed", "withdrawn", "replied", "complained", "unsubscribed", "answered",
    "retried",
]  # fmt: skip
"""What deliveries come to, and the marks that they get."""

EventForm: TypeAlias = Annotated[
    Annotated[str, Tag("<name>")] | Annotated[EventTriggerDocument, Tag("<event>")],
    Discriminator(lambda value: "<event>" if keys_of(value) else "<name>"),
]
"""An event by its name, or `{event: NAME, when: CONDITION}`."""


def trigger_of(form: str | EventTriggerDocument) -> EventTriggerDocument:
    """The event and its condition, whichever way they are written."""
    return EventTriggerDocument(event=form) if isinstance(form, str) else form


class AudienceSplit(Document):
    """Groups by whether somebody was in an audience at the instant of the event."""

    audience: Name = Field(description="The name of an audience.")


class ExperimentSplit(Document):
    """Groups by the way that somebody took at a random split."""

    experiment: Annotated[str, Field(pattern=EXPERIMENT_PATTERN, max_length=201)] = Field(
        description="The journey or campaign and its split, as in `cart.test`; of a campaign one with an `experiment`."
    )


class SegmentsSplit(Document):
    """Two segments side by side; who is in both counts in both."""

    segments: tuple[Name, Name] = Field(description="The names of two segments.")

    @model_validator(mode="after")
    def _different(self) -> Self:
        if self.segments[0] == self.segments[1]:
            raise ValueError("two segments are expected that are not the same")
        return self


def _split_form(value: object) -> str | None:
    return chooser("audience", "experiment", "segments")(value) if keys_of(value) else "<path>"


SplitForm: TypeAlias = Annotated[
    Annotated[str, Field(pattern=GROUP_PATTERN), Tag("<path>")]
    | Annotated[AudienceSplit, Tag("<audience>")]
    | Annotated[ExperimentSplit, Tag("<experiment>")]
    | Annotated[SegmentsSplit, Tag("<segments>")],
    Discriminator(
        _split_form,
        custom_error_type="groups",
        custom_error_message="groups go by profile.TRAIT, event.PROPERTY, {audience: NAME}, "
        "{experiment: JOURNEY.STEP} or {segments: [NAME, NAME]}",
    ),
]


class DeliveriesTouched(Document):
    """Deliveries are the touches."""

    deliveries: DeliveryOutcome = Field(description="The outcome or mark of a delivery that counts, such as clicked.")


class EventsTouched(Document):
    """Events are the touches."""

    events: Annotated[tuple[str, ...], Field(min_length=1)] = Field(description="The names of events.")


class PropositionsTouched(Document):
    """Propositions are the touches."""

    propositions: Mark = Field(description="The mark of a proposition that counts, such as shown.")


TouchesForm: TypeAlias = Annotated[
    Annotated[DeliveriesTouched, Tag("<deliveries>")]
    | Annotated[EventsTouched, Tag("<events>")]
    | Annotated[PropositionsTouched, Tag("<propositions>")],
    Discriminator(
        chooser("deliveries", "events", "propositions"),
        custom_error_type="touches",
        custom_error_message="touches are {deliveries: OUTCOME}, {events: [NAMES]} or {propositions: MARK}",
    ),
]

ModelName: TypeAlias = Literal[
    "first", "last", "same", "linear", "u", "j", "inverse-j", "participation", "decay", "markov", "shapley"
]

MARKOV_ORDER_MAX: Final = 3
"""Keys in a row that make one state: with ten keys and four in a row there were more states than can be solved for."""

SHAPLEY_KEYS_MAX: Final = 12
"""More cannot be told apart by a reader, and are most often messages where channels were meant."""

SHARES_TOLERANCE: Final = 1e-9
"""What shares such as 33.3, 33.4 and 33.3 may miss 100 by, as they are added."""


class CustomModel(Document):
    """Shares of one's own."""

    custom: tuple[
        Annotated[float, Field(ge=0)],
        Annotated[float, Field(ge=0)],
        Annotated[float, Field(ge=0)],
    ] = Field(description="Percents for the first touch, for those between, and for the last.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        first, _, last = self.custom
        if abs(sum(self.custom) - 100) > SHARES_TOLERANCE:
            raise ValueError(f"the three sum to {sum(self.custom):g}, not to 100")
        if first + last == 0:
            raise ValueError("where there are two touches, nothing would be credited: give the first or last a share")
        return self


class DecayModel(Document):
    """The later a touch, the more it is credited with."""

    decay: PositiveDuration = Field(description="The age at which a touch counts half.")


class MarkovModel(Document):
    """What conversions there would be without a key, in a chain of keys."""

    markov: int = Field(
        ge=1,
        le=MARKOV_ORDER_MAX,
        description=f"How many keys in a row make one state, 1 to {MARKOV_ORDER_MAX}.",
    )


def _model_form(value: object) -> str | None:
    return chooser("custom", "decay", "markov")(value) if keys_of(value) else "<name>"


ModelForm: TypeAlias = Annotated[
    Annotated[ModelName, Tag("<name>")]
    | Annotated[CustomModel, Tag("<custom>")]
    | Annotated[DecayModel, Tag("<decay>")]
    | Annotated[MarkovModel, Tag("<markov>")],
    Discriminator(
        _model_form,
        custom_error_type="model",
        custom_error_message="a model is named, or is {custom: [FIRST, BETWEEN, LAST]}, {decay: 7d} or {markov: 2}",
    ),
]
