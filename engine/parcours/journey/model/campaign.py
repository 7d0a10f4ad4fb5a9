"""The model of campaigns/*.yaml: a batch over sets of people, with the head that says when it runs."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from parcours.journey.model.campaign_steps import CampaignStepDocument
from parcours.journey.model.document import ExitRuleDocument, GoalDocument
from parcours.journey.model.forms import Document, Name
from parcours.journey.model.moments import in_our_time
from parcours.journey.model.recurrence import check_rule
from parcours.journey.model.zones import ZoneName


class ScheduleDocument(Document):
    """When runs begin: once, or by a rule."""

    at: Annotated[datetime, AfterValidator(in_our_time)] = Field(description="The instant of the run, or of the first.")
    rule: Annotated[str, AfterValidator(check_rule), Field(max_length=500)] | None = Field(
        default=None, description="An RFC 5545 rule by which runs recur, in the project's zone; once without it."
    )


def _mail_address(text: str) -> str:
    if not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>.]+", text):
        raise ValueError("a mail goes to an address such as marion@example.com")
    return text


def _number(text: str) -> str:
    """In full, for a seed is in no country."""
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", text):
        raise ValueError("a text message goes to a number with its country, such as +33612345678")
    return text


def _token(text: str) -> str:
    if not re.fullmatch(r"\S+", text):
        raise ValueError("a push message goes to the token of a device, which has no spaces")
    return text


class SeedDocument(Document):
    """An address of one's own that gets each send, with the data of a person in the set."""

    email: Annotated[str, AfterValidator(_mail_address)] | None = Field(default=None, description="Where mails go.")
    sms: Annotated[str, AfterValidator(_number)] | None = Field(
        default=None, description="Where text messages go, as in +33612345678."
    )
    push: Annotated[str, AfterValidator(_token)] | None = Field(
        default=None, description="Where push messages go: the token of a device."
    )
    as_person: str | None = Field(
        default=None,
        alias="as",
        min_length=1,
        description="Whose data it has; without it the first person's.",
    )

    @property
    def addresses(self) -> dict[str, str]:
        """The address on each channel."""
        given = {"email": self.email, "sms": self.sms, "push": self.push}
        return {channel: address for channel, address in given.items() if address is not None}

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not self.addresses:
            raise ValueError("give an address, as in {email: marion@example.com}")
        return self


class CampaignDocument(Document):
    """One campaign: when it runs, and its steps, each of which takes a set of people from a step above.

    starts, ends  dates in the project's zone between which runs may begin, both inclusive
    """

    campaign: Name = Field(description="The campaign's name, which no journey has.")
    description: str = Field(default="", description="What it is for, in words.")
    tags: tuple[str, ...] = Field(default=(), description="Words to find it by.")
    schedule: ScheduleDocument | None = Field(
        default=None, description="When runs begin; they are started by hand without it."
    )
    overlap: Literal["skipped", "allowed"] = Field(
        default="skipped", description="Whether a run is skipped, or begins, while an earlier one goes on."
    )
    timezone: ZoneName | None = Field(
        default=None, description="The zone of the times of day that it waits for; the project's without it."
    )
    starts: Annotated[date, AfterValidator(in_our_time)] | None = Field(
        default=None, description="The first day on which a run may begin, in the project's zone."
    )
    ends: Annotated[date, AfterValidator(in_our_time)] | None = Field(
        default=None, description="The last day on which a run may begin, in the project's zone."
    )
    exit: tuple[ExitRuleDocument, ...] = Field(default=(), description="What takes a person out of a run.")
    goal: GoalDocument | None = Field(default=None, description="What the campaign is for, counted for each person.")
    priority: int = Field(
        default=50, ge=0, le=100, description="Where several concern one event of a person, the highest goes first."
    )
    seeds: tuple[SeedDocument, ...] = Field(
        default=(), description="Addresses of one's own that get each send once; they are in no count."
    )
    steps: Annotated[tuple[CampaignStepDocument, ...], Field(min_length=1)] = Field(
        description="What is done, in order; each step takes sets of the steps above."
    )

    @model_validator(mode="after")
    def _window(self) -> Self:
        if self.starts and self.ends and self.ends < self.starts:
            raise ValueError("ends comes before starts")
        return self
