"""The models of steps: one for each kind, chosen by the key that names the kind."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import (
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from parcours.channel import Reaction
from parcours.expression.duration import DAYS, Duration, Offset, TimeOfDay, Weekdays, minute_of
from parcours.journey.model.experiments import ExperimentDocument
from parcours.journey.model.forms import ColumnName, Document, ExpressionText, Name, Percent, chooser, keys_of, tagged
from parcours.journey.model.triggers import EventTriggerDocument

PERCENT_TOTAL: Final = 10_000
"""A whole split in hundredths of a percent, the finest share that a split can name."""


class EventListenerDocument(EventTriggerDocument):
    """Waits for an event that comes from now on."""

    next: Name | None = Field(default=None, description="The step to go on with; the following one without it.")


class ReactionListenerDocument(Document):
    """Waits for a reaction to the delivery of an earlier send step, or for the outcome of an earlier call.

    One that is there already counts.
    """

    reaction: Literal[Reaction, "answered"] = Field(
        description="What somebody, or the provider, did with the delivery; of a call, its outcome."
    )
    of: Name = Field(description="The earlier step that sent or called.")
    channel: Name | None = Field(default=None, description="The channel that counts; any of the step's without it.")
    link: str | None = Field(default=None, description="The link that has to be clicked; any without it.")
    next: Name | None = Field(default=None, description="The step to go on with; the following one without it.")

    @model_validator(mode="after")
    def _link(self) -> Self:
        if self.link is not None and self.reaction != "clicked":
            raise ValueError("only a click has a link")
        return self


class AudienceListenerDocument(Document):
    """Waits until the person enters or leaves an audience; `inside` and `outside` match at once if it is so already."""

    audience: Name = Field(description="The name of an audience.")
    change: Literal["entered", "left", "inside", "outside"] = Field(
        default="entered",
        description="Whether the person comes in or drops out from now on, or is inside or outside, now or later.",
    )
    next: Name | None = Field(default=None, description="The step to go on with; the following one without it.")


ListenerDocument: TypeAlias = Annotated[
    Annotated[EventListenerDocument, Tag("<event>")]
    | Annotated[ReactionListenerDocument, Tag("<reaction>")]
    | Annotated[AudienceListenerDocument, Tag("<audience>")],
    Discriminator(
        chooser("event", "reaction", "audience"),
        custom_error_type="listener",
        custom_error_message="a listener names an event, a reaction or an audience",
    ),
]


class UntilInstant(Document):
    """Waits until the instant that the expression gives, plus the offset.

    A date is its 00:00, or `time`, in the run's zone; `yearly`: the next such day at or after now, the offset applied
    first, with 28 February for the 29th in other years.
    """

    until: ExpressionText = Field(
        description="The instant or the date; one that is past goes on at once. Where it has no value, or one that is "
        "no instant, the run is parked: it stays at the step for good, and results tell why."
    )
    offset: Offset = Field(default=0, description="How long after it, or before it: `-3d`.")
    time: TimeOfDay | None = Field(
        default=None, description="The time of day on a date, in the run's zone; 00:00 without it."
    )
    yearly: bool = Field(
        default=False, description="Whether a date comes every year; 28 February stands for the 29th in other years."
    )


class UntilLocalTime(Document):
    """Waits for the next time of day in the run's zone, on the given days only."""

    time: TimeOfDay = Field(description="The time of day, in the run's zone.")
    days: Weekdays = Field(default=DAYS, description="The days of the week on which it counts.")

    @property
    def minute(self) -> int:
        """Minutes after midnight."""
        return minute_of(self.time)


ChannelNames: TypeAlias = Annotated[tuple[Name, ...], Field(min_length=1)]


class FirstChannel(Document):
    """One delivery, on the first of these channels that no gate refuses; the preferred one comes before the others."""

    first: ChannelNames = Field(description="The channels, in the order in which they are tried.")
    prefer: ExpressionText | None = Field(
        default=None, description="The name of the one that is tried before the others; the order holds without it."
    )


def _channels_form(value: object) -> str:
    return "<first>" if keys_of(value) else "<all>"


ChannelChoice: TypeAlias = Annotated[
    Annotated[ChannelNames, Tag("<all>")] | Annotated[FirstChannel, Tag("<first>")],
    Discriminator(_channels_form),
]


class SendStep(Document):
    """Asks for one delivery a channel; without `channels`, on all that the message has content for."""

    id: Name = Field(description="The step's name within its journey.")
    send: Name = Field(description="The message that is sent.")
    channels: ChannelChoice | None = Field(
        default=None,
        description="The channels on which it is sent, or `{first: ...}` for one of several; all that the message has "
        "content for without it.",
    )
    to: dict[Name, ExpressionText] = Field(
        default_factory=dict, description="Another address than the profile's, by channel."
    )
    on_refused: Name | None = Field(
        default=None,
        description="The step for whom a gate refused every delivery; they go on as all others without it.",
    )
    next: Name | None = Field(default=None, description="The step to go on with; the following one without it.")

    @property
    def named_channels(self) -> tuple[str, ...] | None:
        """The channels that the step names, None where it names none."""
        return self.channels.first if isinstance(self.channels, FirstChannel) else self.channels


def _wait_form(value: object) -> str | None:
    return chooser("until", "time")(value) if keys_of(value) else "<duration>"


WaitForm: TypeAlias = Annotated[
    Annotated[Duration, Tag("<duration>")]
    | Annotated[UntilInstant, Tag("<until>")]
    | Annotated[UntilLocalTime, Tag("<time>")],
    Discriminator(
        _wait_form,
        custom_error_type="wait",
        custom_error_message="a wait is a duration such as 3d, {until: ...} or {time: ...}",
    ),
]


class WaitStep(Document):
    """Waits for a duration, until an instant, or for a time of day."""

    id: Name = Field(description="The step's name within its journey.")
    wait: WaitForm = Field(
        description="A duration such as `3d`, `{until: ...}` for an instant, or `{time: ...}` for a time of day."
    )
    next: Name | None = Field(default=None, description="The step to go on with; the following one without it.")


class WaitForStep(Document):
    """Waits for the first of several things to happen, or for the timeout."""

    id: Name = Field(description="The step's name within its journey.")
    wait_for: Annotated[tuple[ListenerDocument, ...], Field(min_length=1)] = Field(
        description="What is waited for; the first that happens decides."
    )
    timeout: Duration | None = Field(default=None, description="How long; for ever without it.")
    on_timeout: Name | None = Field(
        default=None, description="The step to go on with when nothing has happened; the following one without it."
    )

    @model_validator(mode="after")
    def _timeout(self) -> Self:
        if self.on_timeout is not None and self.timeout is None:
            raise ValueError("on_timeout has no meaning without a timeout")
        return self


class WhenArm(Document):
    """One arm of a branch."""

    when: ExpressionText = Field(description="The condition under which this way is taken.")
    next: Name | None = Field(default=None, description="The step to go on with; the following one without it.")


class OtherwiseArm(Document):
    """The arm of a branch that is taken when no condition holds."""

    otherwise: Name = Field(description="The step to go on with when no condition holds.")


class BranchStep(Document):
    """Takes the first arm whose condition holds."""

    id: Name = Field(description="The step's name within its journey.")
    branch: Annotated[
        tuple[
            Annotated[
                Annotated[WhenArm, Tag("<when>")] | Annotated[OtherwiseArm, Tag("<otherwise>")],
                Discriminator(
                    chooser("when", "otherwise"),
                    custom_error_type="arm",
                    custom_error_message="a way of a branch has 'when', or is 'otherwise: STEP'",
                ),
            ],
            ...,
        ],
        Field(min_length=1),
    ] = Field(description="The ways; where none holds the following step goes on.")

    @field_validator("branch")
    @classmethod
    def _last(cls, arms: tuple[WhenArm | OtherwiseArm, ...]) -> tuple[WhenArm | OtherwiseArm, ...]:
        if any(isinstance(arm, OtherwiseArm) for arm in arms[:-1]):
            raise ValueError("'otherwise' comes last, and once")
        return arms


class SplitArm(Document):
    """One arm of a split, and its share."""

    name: Name | None = Field(default=None, description="What the way is called; an experiment needs it.")
    percent: Percent = Field(description="The share of people who go this way.")
    next: Name | None = Field(default=None, description="The step to go on with; the following one without it.")


class SplitStep(Document):
    """Divides people randomly by shares, the same person always the same way."""

    id: Name = Field(description="The step's name within its journey.")
    split: Annotated[tuple[SplitArm, ...], Field(min_length=1)] = Field(
        description="The ways; their percents sum to 100."
    )
    experiment: ExperimentDocument | None = Field(
        default=None, description="What is compared between the ways, each of which then has a name of its own."
    )

    @field_validator("split")
    @classmethod
    def _whole(cls, arms: tuple[SplitArm, ...]) -> tuple[SplitArm, ...]:
        total = sum(exact_hundredths(arm.percent) for arm in arms)
        if total != PERCENT_TOTAL and not any(is_too_fine(arm.percent) for arm in arms):
            raise ValueError(f"the percents sum to {float(total / 100):g}, not to 100")
        return arms


def is_too_fine(percent: float) -> bool:
    """Whether the share is finer than a split can give out; the sum of the shares is then not judged."""
    return exact_hundredths(percent) != hundredths(percent)


def hundredths(percent: float) -> int:
    """A share in whole hundredths of a percent."""
    return round(percent * 100)


def exact_hundredths(percent: float) -> Decimal:
    """A share as written, in hundredths of a percent."""
    return Decimal(str(percent)) * 100


class UpdateStep(Document):
    """Sets traits of the profile to the values of expressions; one whose value is missing stays as it is.

    A written `null` takes the trait away.
    """

    id: Name = Field(description="The step's name within its journey.")
    update: Annotated[dict[str, ExpressionText], Field(min_length=1)] = Field(
        description="The expression of each trait's new value; without one the trait stays, `null` takes it away."
    )
    next: Name | None = Field(default=None, description="The step to go on with; the following one without it.")


class CallStep(Document):
    """Asks for an outbound call of actions.yaml; a listener may wait for its answer."""

    id: Name = Field(description="The step's name within its journey.")
    call: Name = Field(description="The action that is called.")
    next: Name | None = Field(default=None, description="The step to go on with; the following one without it.")


class DecideStep(Document):
    """Decides which offers the person gets, and keeps the first of them for the conditions of later steps.

    These ask for `offers.NAME`, which is missing where there was nothing to choose. The run goes on at once.
    """

    id: Name = Field(description="The step's name within its journey.")
    decide: Name = Field(description="The decision of offers.yaml that is made.")
    placement: Name = Field(description="Where the offers will appear: only those with content for it are chosen.")
    as_: ColumnName = Field(
        alias="as", description="What the run calls it, as in `offers.best.name`, until it ends or decides again."
    )
    next: Name | None = Field(default=None, description="The step to go on with; the following one without it.")


class EndStep(Document):
    """Ends the run."""

    id: Name = Field(description="The step's name within its journey.")
    end: Literal[True] = Field(description="Always true.")


_AnyStep: TypeAlias = (
    Annotated[SendStep, Tag("<send>")]
    | Annotated[WaitStep, Tag("<wait>")]
    | Annotated[WaitForStep, Tag("<wait_for>")]
    | Annotated[BranchStep, Tag("<branch>")]
    | Annotated[SplitStep, Tag("<split>")]
    | Annotated[UpdateStep, Tag("<update>")]
    | Annotated[CallStep, Tag("<call>")]
    | Annotated[DecideStep, Tag("<decide>")]
    | Annotated[EndStep, Tag("<end>")]
)

STEP_KINDS: Final = tuple(tag.strip("<>") for tag in tagged(_AnyStep))
"""The key by which each kind of step is recognised."""

StepDocument: TypeAlias = Annotated[
    _AnyStep,
    Discriminator(
        chooser(*STEP_KINDS),
        custom_error_type="step",
        custom_error_message=f"a step is one of {', '.join(STEP_KINDS[:-1])} and {STEP_KINDS[-1]}",
    ),
]
