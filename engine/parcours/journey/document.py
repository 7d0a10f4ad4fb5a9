"""What may an author write? One closed, frozen model for each kind of document; steps.py has those of steps.

The models can be built in Python as well. A text that is an expression or a template is only read by
compile.py, which knows the names; here it is a text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from parcours.journey.duration import Duration
from parcours.journey.forms import Document, ExpressionText, Name, Percent, chooser, refusing
from parcours.journey.names import nearest
from parcours.journey.steps import EventTrigger, Step
from parcours.journey.zones import zone_names

Kind: TypeAlias = Literal["string", "number", "integer", "boolean", "timestamp", "object", "list"]
PropertyPath: TypeAlias = Annotated[str, Field(pattern=r"^[^.\s][^.]*(\.[^.]+)*$")]


def _known_zone(name: str) -> str:
    if name not in zone_names():
        hint = nearest(name, zone_names())
        raise ValueError(f"a time zone is an IANA name such as Europe/Paris{hint}")
    return name


ZoneName: TypeAlias = Annotated[str, AfterValidator(_known_zone)]


class ProjectDocument(Document):
    """parcours.yaml: the project's name and its settings.

    channels  raw settings by channel; `env:NAME` and `file:PATH` stay references until a channel starts
    """

    project: Name
    description: str = ""
    timezone: ZoneName = "UTC"
    anonymous_history: Literal["unused"] = "unused"
    channels: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    policies: SkipJsonSchema[None] = None

    @field_validator("policies", mode="before")
    @classmethod
    def _available(cls, value: object) -> object:
        """To pass over them in silence would send to people who did not consent."""
        return refusing({"policies": value}, {"policies": "policies for consent, caps and quiet hours"})

    @field_validator("anonymous_history", mode="before")
    @classmethod
    def _unused(cls, value: object) -> object:
        if value == "used":
            raise ValueError("the history of anonymous people is not available in this version, write 'unused'")
        return value


class ProfileDocument(Document):
    """profile.yaml: the traits with their kinds, where a channel finds its address, and the person's zone."""

    traits: dict[PropertyPath, Kind] = Field(default_factory=dict)
    addresses: dict[Name, ExpressionText] = Field(default_factory=dict)
    timezone: ExpressionText = "profile.timezone"


class KeyDocument(Document):
    """Whose an event is that names nobody: the person known as `value` in `namespace`."""

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
    """audiences.yaml: a condition on the profile for each audience."""

    audiences: dict[Name, ExpressionText] = Field(default_factory=dict)


class MessageDocument(Document, extra="allow"):
    """One message. Every key that is not listed here is a channel, with the content that it takes."""

    __pydantic_extra__: dict[str, dict[str, Any]]

    message: Name
    message_class: Literal["marketing", "transactional"] = Field(default="marketing", alias="class")
    purpose: Name | None = None
    description: str = ""
    status: Literal["ready", "draft"] = "ready"
    expires: Duration | None = None

    @property
    def contents(self) -> Mapping[str, dict[str, Any]]:
        """The content of each channel, in document order."""
        return self.__pydantic_extra__


class EventEntry(EventTrigger):
    """The journey is entered by an event."""


_RATE: Final = re.compile(r"([1-9]\d{0,6})/s")


def _people_per_second(value: object) -> object:
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a rate is written like 500/s")
    return value


class ReadEntry(Document):
    """The journey is entered by everyone who is in the audience at an instant, `rate` people a second."""

    read: Name
    at: datetime
    rate: Annotated[str, BeforeValidator(_people_per_second), Field(pattern=_RATE.pattern)] | None = None

    @property
    def people_per_second(self) -> int | None:
        return int(self.rate.removesuffix("/s")) if self.rate else None


Entry: TypeAlias = Annotated[
    Annotated[
        Annotated[EventEntry, Tag("<event>")] | Annotated[ReadEntry, Tag("<read>")],
        Discriminator(
            chooser("event", "read"),
            custom_error_type="entry",
            custom_error_message="an entry names an event, or an audience to read",
        ),
    ],
    BeforeValidator(
        lambda data: refusing(
            data, {"audience": "entry by a change of audience", "rule": "a read that recurs by a rule"}
        )
    ),
]


class ReentryAfter(Document):
    """Again, but not before this long after the last run ended."""

    after: Duration


class GoalDocument(EventTrigger):
    """What the journey is for: the event, how long after the entry it counts, and the share aimed at."""

    within: Duration | None = None
    target: Percent | None = None


ExitRule: TypeAlias = Annotated[
    EventTrigger,
    BeforeValidator(lambda data: refusing(data, {"audience": "exit by an audience"})),
]


class JourneyDocument(Document):
    """One journey: who enters, what ends it early, what it is for, and its steps in order.

    starts, ends  dates in the project's zone between which it can be entered, both inclusive
    priority      0-100; where several journeys concern one event, the highest goes first
    """

    journey: Name
    description: str = ""
    tags: tuple[str, ...] = ()
    entry: Entry
    correlation: ExpressionText | None = None
    reentry: Annotated[
        Annotated[Literal["never", "always"], Tag("<word>")] | Annotated[ReentryAfter, Tag("<after>")],
        Discriminator(lambda value: "<word>" if isinstance(value, str) else "<after>"),
    ] = "always"
    exit: tuple[ExitRule, ...] = ()
    goal: GoalDocument | None = None
    timezone: Literal["profile"] | ZoneName = "profile"
    starts: date | None = None
    ends: date | None = None
    priority: int = Field(default=50, ge=0, le=100)
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

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
    "message": MessageDocument,
    "journey": JourneyDocument,
}
"""The model of each kind of document."""
