"""The models of policies: consent, frequency caps and quiet hours; and of hold-outs."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from parcours.expression.duration import DAYS, EndTime, PositiveDuration, TimeOfDay, Weekdays
from parcours.journey.model.forms import Document, Name, Percent

ConsentDefault: TypeAlias = Literal["opt_in", "opt_out"]
Channels: TypeAlias = Annotated[tuple[Name, ...], Field(min_length=1)]


class ConsentDocument(Document):
    """Whether marketing needs a grant (opt_in), or may go out until it is withdrawn (opt_out)."""

    default: ConsentDefault = Field(default="opt_in", description="What holds of somebody who has said nothing.")
    channels: dict[Name, ConsentDefault] = Field(default_factory=dict, description="The same for single channels.")


class CapDocument(Document):
    """A frequency cap: at most `max` messages in any window of `per`, counted together over all that it names.

    What went out before the cap was published counts as well.
    """

    channels: Channels | None = Field(
        default=None, description="The channels that count together; all of them without it."
    )
    message_class: Literal["marketing", "transactional"] | None = Field(
        default=None, alias="class", description="The class of messages that counts; both without it."
    )
    purpose: Name | None = Field(default=None, description="The purpose that counts; any without it.")
    max: int = Field(ge=0, le=1_000_000, description="How many deliveries there may be.")
    per: PositiveDuration = Field(description="The length of the window in which they are counted.")


class QuietHoursDocument(Document):
    """Quiet hours: a weekly window in the person's zone in which nothing goes out. A day names the window's start.

    A whole day lasts from 00:00 until 24:00, and joins the window of the day after it.
    """

    channels: Channels | None = Field(default=None, description="The channels that are quiet; all of them without it.")
    start: TimeOfDay = Field(alias="from", description="When it gets quiet, in the person's zone.")
    until: EndTime = Field(
        description="When it ends; up to `from` is the day after. A window ends once: where clocks go back over its "
        "end, it is over when they show that for the first time."
    )
    days: Weekdays = Field(default=DAYS, description="The days on which it gets quiet.")
    then: Literal["hold", "drop"] = Field(
        default="hold", description="Whether a delivery is held until the end, or dropped."
    )

    @model_validator(mode="after")
    def _some_hours(self) -> Self:
        if self.start == self.until:
            raise ValueError("from and until are the same time; for a whole day write 00:00 and 24:00")
        return self


class HoldoutDocument(Document):
    """A hold-out: some of all people get no marketing, on any channel, so that they can be compared with the others.

    Who is in it goes by her name alone, and so for ever, as long as percent and salt stay. A larger percent keeps
    whoever is in it. Transactional messages reach her as ever. The gate `holdout` is asked before all others.
    """

    percent: Annotated[Percent, Field(gt=0, lt=100)] = Field(
        description="The share of people who are held out, by their names; a larger one keeps whoever is in it."
    )
    salt: Annotated[str, Field(min_length=1)] = Field(
        description="Any text; another one draws other people. Hold-outs of the same salt have the same people."
    )


class PoliciesDocument(Document):
    """The policies of parcours.yaml. What is left out: marketing needs an opt-in, no caps, no quiet hours."""

    consent: ConsentDocument = Field(default_factory=ConsentDocument, description="Whether marketing needs a grant.")
    caps: tuple[CapDocument, ...] = Field(default=(), description="At most so many messages in any window of time.")
    quiet_hours: tuple[QuietHoursDocument, ...] = Field(default=(), description="When nothing goes out.")
    personalisation: ConsentDefault = Field(
        default="opt_out",
        description="Whether scores, chosen offers and places need a grant (opt_in), or are made of somebody until she "
        "withdraws it: by a consent call whose channel is `personalisation`.",
    )
