"""The models of policies: consent, frequency caps and quiet hours."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from parcours.expression.duration import DAYS, EndTime, PositiveDuration, TimeOfDay, Weekdays
from parcours.journey.model.forms import Document, Name

ConsentDefault: TypeAlias = Literal["opt_in", "opt_out"]
Channels: TypeAlias = Annotated[tuple[Name, ...], Field(min_length=1)]


class ConsentDocument(Document):
    """Whether marketing needs a grant (opt_in), or may go out until it is withdrawn (opt_out)."""

    default: ConsentDefault = "opt_in"
    channels: dict[Name, ConsentDefault] = Field(default_factory=dict)


class CapDocument(Document):
    """A frequency cap: at most `max` messages in any window of `per`, counted together over all that it names.

    What went out before the cap was published counts as well.
    """

    channels: Channels | None = None
    message_class: Literal["marketing", "transactional"] | None = Field(default=None, alias="class")
    purpose: Name | None = None
    max: int = Field(ge=0, le=1_000_000)
    per: PositiveDuration


class QuietHoursDocument(Document):
    """Quiet hours: a weekly window in the person's zone in which nothing goes out. A day names the window's start.

    A whole day lasts from 00:00 until 24:00, and joins the window of the day after it.
    """

    channels: Channels | None = None
    start: TimeOfDay = Field(alias="from")
    until: EndTime
    days: Weekdays = DAYS
    then: Literal["hold", "drop"] = "hold"

    @model_validator(mode="after")
    def _some_hours(self) -> Self:
        if self.start == self.until:
            raise ValueError("from and until are the same time; for a whole day write 00:00 and 24:00")
        return self


class PoliciesDocument(Document):
    """The policies of parcours.yaml. What is left out: marketing needs an opt-in, no caps, no quiet hours."""

    consent: ConsentDocument = Field(default_factory=ConsentDocument)
    caps: tuple[CapDocument, ...] = ()
    quiet_hours: tuple[QuietHoursDocument, ...] = ()
