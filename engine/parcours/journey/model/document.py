"""The models of all documents but steps (steps.py): what an author may write in a project folder.

Models can be built in Python as well. Expressions and templates are only texts here: the compiler, which knows the
names, reads them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Self, TypeAlias, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from parcours.expression.duration import Duration, PositiveDuration
from parcours.expression.names import nearest
from parcours.expression.zones import zone_names
from parcours.journey.model.forms import Document, ExpressionText, Name, Percent, chooser
from parcours.journey.model.policies import PoliciesDocument
from parcours.journey.model.recurrence import check_rule
from parcours.journey.model.steps import AudienceTriggerDocument, EventTriggerDocument, StepDocument

Kind: TypeAlias = Literal["string", "number", "integer", "boolean", "timestamp", "object", "list"]
PropertyPath: TypeAlias = Annotated[str, Field(pattern=r"^[^.\s][^.]*(\.[^.]+)*$")]


def _known_zone(name: str) -> str:
    if name not in zone_names():
        hint = nearest(name, zone_names())
        raise ValueError(f"a time zone is an IANA name such as Europe/Paris{hint}")
    return name


ZoneName: TypeAlias = Annotated[str, AfterValidator(_known_zone)]

ZONE_OF_PERSON: Final = "profile"


def _zone_of_journey(name: str) -> str:
    if name == ZONE_OF_PERSON or name in zone_names():
        return name
    hint = nearest(name, [*zone_names(), ZONE_OF_PERSON])
    raise ValueError(f"a time zone is {ZONE_OF_PERSON!r}, for each person's own, or an IANA name{hint}")


JourneyZone: TypeAlias = Annotated[
    str,
    AfterValidator(_zone_of_journey),
    WithJsonSchema({"type": "string", "description": "profile, for each person's own, or an IANA name"}),
]


ACTION_TIMEOUT_MAX_MS: Final = 60_000
"""A call that takes longer than a minute holds up the ones behind it."""


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a web address such as https://crm.example.com/notes is expected")
    return url


Region: TypeAlias = Annotated[
    str,
    Field(pattern=r"^[A-Z]{2}$", description="The country (ISO 3166) by which numbers in national form are read"),
]


class ProjectDocument(Document):
    """parcours.yaml: the project's name and its settings.

    region    the country by which phone numbers in national form are read
    channels  raw settings by channel; `env:NAME` and `file:PATH` stay references until a channel starts
    """

    project: Name
    description: str = ""
    timezone: ZoneName = "UTC"
    region: Region | None = None
    anonymous_history: Literal["unused"] = "unused"
    channels: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    policies: PoliciesDocument = Field(default_factory=PoliciesDocument)

    @field_validator("anonymous_history", mode="before")
    @classmethod
    def _unused(cls, value: object) -> object:
        if value == "used":
            raise ValueError("the history of anonymous people is not available in this version, write 'unused'")
        return value


class ProfileDocument(Document):
    """profile.yaml: the traits with their kinds, the address on each channel, and the person's zone and country."""

    traits: dict[PropertyPath, Kind] = Field(default_factory=dict)
    addresses: dict[Name, ExpressionText] = Field(default_factory=dict)
    timezone: ExpressionText = "profile.timezone"
    region: ExpressionText | None = None


class KeyDocument(Document):
    """The person of an event without ids: the one known as `value` in `namespace`."""

    namespace: Name
    value: ExpressionText


class EventDocument(Document):
    """One event type. With `of` and `rule`, each event named `of` that meets the rule is one of these too."""

    properties: dict[PropertyPath, Kind] = Field(default_factory=dict)
    description: str = ""
    of: str | None = None
    rule: ExpressionText | None = None
    key: KeyDocument | None = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.of is None) != (self.rule is None):
            raise ValueError("a rule-based type has both 'of' and 'rule'")
        return self


class EventsDocument(Document):
    """events.yaml: the event types by name."""

    events: dict[Annotated[str, Field(min_length=1, max_length=200)], EventDocument] = Field(default_factory=dict)


class AudiencesDocument(Document):
    """audiences.yaml: a condition on the profile and its history for each audience."""

    audiences: dict[Name, ExpressionText] = Field(default_factory=dict)


class MessageDocument(Document, extra="allow"):
    """One message. Every key that is not listed here is a channel, with the content that it takes."""

    __pydantic_extra__: dict[str, dict[str, Any]]

    message: Name
    message_class: Literal["marketing", "transactional"] = Field(default="marketing", alias="class")
    purpose: Name | None = None
    description: str = ""
    status: Literal["ready", "draft"] = "ready"
    expires: PositiveDuration | None = None

    @property
    def contents(self) -> Mapping[str, dict[str, Any]]:
        """The content of each channel, in document order."""
        return self.__pydantic_extra__


class ActionDocument(Document):
    """One outbound call: its URL, the values of its body, and the paths that may be read in its answer."""

    url: Annotated[str, AfterValidator(_web_address), Field(max_length=2_000)]
    description: str = ""
    body: dict[Annotated[str, Field(min_length=1, max_length=200)], ExpressionText] = Field(default_factory=dict)
    timeout: Annotated[PositiveDuration, Field(le=ACTION_TIMEOUT_MAX_MS)] = 5_000
    answer: dict[PropertyPath, Kind] = Field(default_factory=dict)


class ActionsDocument(Document):
    """actions.yaml: the outbound calls by name."""

    actions: dict[Name, ActionDocument] = Field(default_factory=dict)


YEARS: Final = (1970, 9990)
"""Timestamps within these years can be counted in every zone, with years to spare for waits and rules."""

DateOrTime = TypeVar("DateOrTime", date, datetime)


def _in_our_time(moment: DateOrTime) -> DateOrTime:
    if not YEARS[0] <= moment.year < YEARS[1]:
        raise ValueError(f"a year from {YEARS[0]} to {YEARS[1] - 1} is expected")
    return moment


class EventEntryDocument(EventTriggerDocument):
    """Entry by an event."""


class AudienceEntryDocument(AudienceTriggerDocument):
    """Entry by entering or leaving an audience."""


_RATE: Final = re.compile(r"([1-9]\d{0,6})/s")


def _people_per_second(value: object) -> object:
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a rate is written like 500/s")
    return value


class ReadEntryDocument(Document):
    """Entry by reading an audience: everyone who is in it at an instant, `rate` people a second.

    rule  an RFC 5545 rule by which that recurs from `at` on, in the project's zone
    """

    read: Name
    at: Annotated[datetime, AfterValidator(_in_our_time)]
    rule: Annotated[str, AfterValidator(check_rule), Field(max_length=500)] | None = None
    rate: Annotated[str, BeforeValidator(_people_per_second), Field(pattern=_RATE.pattern)] | None = None

    @property
    def people_per_second(self) -> int | None:
        return int(self.rate.removesuffix("/s")) if self.rate else None


EntryDocument: TypeAlias = Annotated[
    Annotated[EventEntryDocument, Tag("<event>")]
    | Annotated[AudienceEntryDocument, Tag("<audience>")]
    | Annotated[ReadEntryDocument, Tag("<read>")],
    Discriminator(
        chooser("event", "audience", "read"),
        custom_error_type="entry",
        custom_error_message="an entry names an event, an audience, or an audience to read",
    ),
]


class ReentryAfterDocument(Document):
    """Re-entry, but not before this long after the last run ended."""

    after: Duration


class GoalDocument(EventTriggerDocument):
    """The goal: its event, how long after the entry it counts, and the share aimed at."""

    within: Duration | None = None
    target: Percent | None = None


ExitRuleDocument: TypeAlias = Annotated[
    Annotated[EventTriggerDocument, Tag("<event>")] | Annotated[AudienceTriggerDocument, Tag("<audience>")],
    Discriminator(
        chooser("event", "audience"),
        custom_error_type="exit",
        custom_error_message="an exit rule names an event or an audience",
    ),
]


class JourneyDocument(Document):
    """One journey: its entry, exits, goal, and steps in order.

    starts, ends  dates in the project's zone between which it can be entered, both inclusive
    priority      0-100; where several journeys concern one event, the highest goes first
    """

    journey: Name
    description: str = ""
    tags: tuple[str, ...] = ()
    entry: EntryDocument
    correlation: ExpressionText | None = None
    reentry: Annotated[
        Annotated[Literal["never", "always"], Tag("<word>")] | Annotated[ReentryAfterDocument, Tag("<after>")],
        Discriminator(lambda value: "<word>" if isinstance(value, str) else "<after>"),
    ] = "always"
    exit: tuple[ExitRuleDocument, ...] = ()
    goal: GoalDocument | None = None
    timezone: JourneyZone = ZONE_OF_PERSON
    starts: Annotated[date, AfterValidator(_in_our_time)] | None = None
    ends: Annotated[date, AfterValidator(_in_our_time)] | None = None
    priority: int = Field(default=50, ge=0, le=100)
    steps: Annotated[tuple[StepDocument, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _window(self) -> Self:
        if self.starts and self.ends and self.ends < self.starts:
            raise ValueError("ends comes before starts")
        return self


DOCUMENTS: Final[Mapping[str, type[Document]]] = {
    "project": ProjectDocument,
    "profile": ProfileDocument,
    "events": EventsDocument,
    "audiences": AudiencesDocument,
    "actions": ActionsDocument,
    "message": MessageDocument,
    "journey": JourneyDocument,
}
"""The model of each kind of document."""
