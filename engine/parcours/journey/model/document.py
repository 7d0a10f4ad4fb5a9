"""The models of all documents but steps (steps.py): what an author may write in a project folder.

Models can be built in Python as well. Expressions and templates are only texts here: the compiler, which knows the
names, reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from parcours.expression.duration import Duration, PositiveDuration
from parcours.journey.identities import USER
from parcours.journey.model.actions import ActionDocument
from parcours.journey.model.channel_keys import ChannelSettings
from parcours.journey.model.forms import Document, ExpressionText, Name, Percent, chooser, is_name, keys_of
from parcours.journey.model.insight import InsightDocument
from parcours.journey.model.message_offers import MessageOffers
from parcours.journey.model.moments import in_our_time
from parcours.journey.model.people_rate import PeopleRate, people_per_second
from parcours.journey.model.places import CrossingDocument, LocationDocument, PlacesKeptDocument
from parcours.journey.model.policies import HoldoutDocument, PoliciesDocument
from parcours.journey.model.recurrence import check_rule
from parcours.journey.model.region import Region
from parcours.journey.model.steps import StepDocument
from parcours.journey.model.traits import (
    IDS,
    IdentityDocument,
    Kind,
    PropertyPath,
    TraitForm,
    kinds_of,
)
from parcours.journey.model.triggers import AudienceTriggerDocument, EventTriggerDocument
from parcours.journey.model.zones import ZONE_OF_PERSON, JourneyZone, ZoneName
from parcours.wording import nearest, quoted


class ProjectDocument(Document):
    """parcours.yaml: the project's name and its settings.

    region    the country by which phone numbers in national form are read
    channels  raw settings by channel; `env:NAME` and `file:PATH` stay references until a channel starts
    """

    project: Name = Field(description="The project's name; a store belongs to one project for ever.")
    description: str = Field(default="", description="What it is for, in words.")
    timezone: ZoneName = Field(
        default="UTC", description="The zone of dates in documents, and of people who have none that is known."
    )
    region: Region | None = Field(default=None, description="The country of phone numbers in national form.")
    anonymous_history: Literal["used", "unused"] = Field(
        default="unused", description="Whether what somebody did before the log-in counts once it is known who she is."
    )
    channels: dict[Name, ChannelSettings] = Field(
        default_factory=dict,
        description="The settings of each channel, and under `call` those of outbound calls; `env:NAME` and "
        "`file:PATH` stand for secrets. Each of them may have a `rate` besides, such as 10/s, 600/m or 5000/h: so many "
        "deliveries leave, spread evenly; and `dispatchers`, how many processes send on it where shards run on Ray.",
    )
    policies: PoliciesDocument = Field(
        default_factory=PoliciesDocument, description="Consent, frequency caps and quiet hours."
    )
    holdouts: dict[Name, HoldoutDocument] = Field(
        default_factory=dict, description="Groups of people who get no marketing, which shows what all of it does."
    )
    places: PlacesKeptDocument = Field(default_factory=PlacesKeptDocument, description="Whether positions are kept.")

    insight: InsightDocument = Field(
        default_factory=InsightDocument, description="What is kept of what happened, and for how long."
    )


class ProfileDocument(Document):
    """profile.yaml: the traits with their kinds, addresses, the person's zone and country, and namespaces of ids."""

    traits: dict[PropertyPath, TraitForm] = Field(
        default_factory=dict,
        description="What is known of a person: the kind of each trait, paths as in events.yaml. A date is local and "
        "has no time; a trait with a time is the date as written in it, in expressions and texts alike.",
    )
    addresses: dict[Name, ExpressionText] = Field(
        default_factory=dict,
        description="The address on each channel; profile.email, profile.phone and profile.push_token without it.",
    )
    timezone: ExpressionText = Field(default="profile.timezone", description="Where the person's own zone stands.")
    region: ExpressionText | None = Field(
        default=None, description="Where the person's own country stands, for phone numbers in national form."
    )
    identities: dict[Name, IdentityDocument] = Field(
        default_factory=dict,
        description="The namespaces of ids besides `user`, by their names: those of `context.externalIds`, and "
        "`anonymous`. One that the key of an event uses needs no entry.",
    )

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of each trait."""
        return kinds_of(self.traits)

    @field_validator("identities")
    @classmethod
    def _ids_as_given(cls, identities: dict[str, IdentityDocument]) -> dict[str, IdentityDocument]:
        for name in sorted(IDS & identities.keys()):
            if identities[name].caseless:
                raise ValueError(f"the ids of {name!r} are taken as they are given, so they cannot be caseless")
        if USER in identities and "link" in identities[USER].model_fields_set:
            raise ValueError("a user id says who somebody is, and is linked to nobody else: 'user' takes no link")
        return identities


class KeyDocument(Document):
    """The person of an event without ids: the one known as `value` in `namespace`."""

    namespace: Name = Field(description="What the value is an id of, such as `loyalty`; `user` for user ids.")
    value: ExpressionText = Field(description="The id, from the event.")


class EventDocument(Document):
    """One event type. With `of` and `rule`, each event named `of` that meets the rule is one of these too."""

    properties: dict[PropertyPath, TraitForm] = Field(
        default_factory=dict,
        description="The kind of each property that documents may name. A dot leads into an object; a key that has one "
        "in it stands in double quotes.",
    )
    description: str = Field(default="", description="When it happens, in words.")
    of: str | None = Field(default=None, description="The event that is one of these too where `rule` holds.")
    rule: ExpressionText | None = Field(
        default=None, description="What an event named by `of` has to meet to be one of these."
    )
    key: KeyDocument | None = Field(default=None, description="Whose event it is if it comes without ids.")
    location: LocationDocument | None = Field(default=None, description="Where it tells that its person is.")
    crossing: CrossingDocument | None = Field(
        default=None, description="Into or out of which place it tells that its person went."
    )
    cloud_type: str | None = Field(
        default=None, min_length=1, max_length=200, description="The `type` of CloudEvents that are this event."
    )

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of each property."""
        return kinds_of(self.properties)

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.of is None) != (self.rule is None):
            raise ValueError("a rule-based type has both 'of' and 'rule'")
        return self


class EventsDocument(Document):
    """events.yaml: the event types by name."""

    events: dict[Annotated[str, Field(min_length=1, max_length=200)], EventDocument] = Field(
        default_factory=dict, description="The event types by name."
    )


class SavedAudienceDocument(Document):
    """An audience that campaigns save, or a funnel of insight/ keeps: whom the newest save has, nobody until then."""

    saved: Literal[True] = Field(description="Always true.")
    label: str = Field(default="", description="What it is called where people look at it.")
    silent: bool = Field(
        default=False, description="Whether nobody is told of it when people come in or drop out by a save."
    )


def _audience_form(value: object) -> str:
    return "<saved>" if keys_of(value) else "<condition>"


AudienceForm: TypeAlias = Annotated[
    Annotated[ExpressionText, Tag("<condition>")] | Annotated[SavedAudienceDocument, Tag("<saved>")],
    Discriminator(_audience_form),
]


class AudiencesDocument(Document):
    """audiences.yaml: for each audience a condition on the profile and its history, or that campaigns save it."""

    audiences: dict[Name, AudienceForm] = Field(
        default_factory=dict,
        description="The condition of each audience, on the profile, its history, consent and `now`; or "
        "`{saved: true}` for one that campaigns save.",
    )

    @property
    def conditions(self) -> dict[str, str]:
        """The condition of each audience that has one."""
        return {name: form for name, form in self.audiences.items() if isinstance(form, str)}

    @property
    def saved(self) -> dict[str, SavedAudienceDocument]:
        """The audiences that campaigns save."""
        return {name: form for name, form in self.audiences.items() if isinstance(form, SavedAudienceDocument)}

    def saving_fault(self, name: str) -> str | None:
        """Why people cannot be saved as this audience; None where they can."""
        if name in self.conditions:
            return f"{name!r} is an audience by a condition: save to one of another name"
        if name in self.saved:
            return None
        near, line = nearest(name, self.saved), f"{name}: {{saved: true}}"
        unknown = f"no saved audience {quoted(name)} is declared{near}"
        return f"{unknown}: add {line!r} to audiences.yaml" if is_name(name) else unknown


class MessageDocument(Document, extra="allow"):
    """One message. Every key that is not listed here is a channel, with the content that it takes."""

    __pydantic_extra__: dict[str, dict[str, Any]]

    message: Name = Field(description="The message's name, by which steps send it.")
    message_class: Literal["marketing", "transactional"] = Field(
        default="marketing",
        alias="class",
        description="Marketing passes hold-outs, consent, caps and quiet hours; transactional messages skip them.",
    )
    purpose: Name | None = Field(
        default=None, description="What consent is given for; the name of its class without it."
    )
    description: str = Field(default="", description="What it is for, in words.")
    status: Literal["ready", "draft"] = Field(
        default="ready", description="A draft is not finished, and no journey that is published sends it."
    )
    expires: PositiveDuration | None = Field(
        default=None, description="How long after it was asked for it may still go out, and lie in an inbox."
    )
    withdraw: tuple[str, ...] = Field(default=(), description="The events that take it unseen out of an inbox.")
    offers: MessageOffers = Field(default_factory=dict, description="The offers that its texts show, by name.")
    track: bool | None = Field(
        default=None,
        description="Whether links in it tell of opens and clicks. Those of marketing do without it, and those of "
        "transactional messages do not.",
    )

    @property
    def contents(self) -> Mapping[str, dict[str, Any]]:
        """The content of each channel, in document order."""
        return self.__pydantic_extra__


class ActionsDocument(Document):
    """actions.yaml: the outbound calls by name."""

    actions: dict[Name, ActionDocument] = Field(default_factory=dict, description="The outbound calls by name.")


class EventEntryDocument(EventTriggerDocument):
    """Entry by an event, or by the first of a list of them that matches."""


class AudienceEntryDocument(AudienceTriggerDocument):
    """Entry by entering or leaving an audience."""


class ReadEntryDocument(Document):
    """Entry by reading an audience: everyone who is in it at an instant, `rate` people a second.

    rule  an RFC 5545 rule by which that recurs from `at` on, in the project's zone; where a simulation is given no end,
          a rule without one stops at the last event
    """

    read: Name = Field(description="The audience that is read.")
    at: Annotated[datetime, AfterValidator(in_our_time)] = Field(
        description="The instant of the read, or of the first one."
    )
    rule: Annotated[str, AfterValidator(check_rule), Field(max_length=500)] | None = Field(
        default=None,
        description="An RFC 5545 rule by which it recurs, in the project's zone. A simulation or test without `until` "
        "follows one with COUNT or UNTIL to its end, but for no more than 400 reads after the last event; without, it "
        "ends with that.",
    )
    rate: PeopleRate | None = Field(default=None, description="How many people enter a second; all at once without it.")

    @property
    def people_per_second(self) -> int | None:
        return people_per_second(self.rate)


def _entry_form(value: object) -> str | None:
    return "<events>" if isinstance(value, list | tuple) else chooser("event", "audience", "read")(value)


EntryDocument: TypeAlias = Annotated[
    Annotated[EventEntryDocument, Tag("<event>")]
    | Annotated[AudienceEntryDocument, Tag("<audience>")]
    | Annotated[ReadEntryDocument, Tag("<read>")]
    | Annotated[tuple[EventEntryDocument, ...], Field(min_length=1), Tag("<events>")],
    Discriminator(
        _entry_form,
        custom_error_type="entry",
        custom_error_message="an entry names an event, an audience, or an audience to read",
    ),
]


class ReentryAfterDocument(Document):
    """Re-entry, but not before this long after the last run ended."""

    after: Duration = Field(description="How long after the end of the last run nobody enters again.")


class GoalDocument(EventTriggerDocument):
    """The goal: its event, how long after the entry it counts, and the share aimed at."""

    within: Duration | None = Field(
        default=None,
        description="How long after the entry it counts, the end included; while the run is open without it.",
    )
    target: Percent | None = Field(default=None, description="The share of runs that should reach it.")


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

    journey: Name = Field(description="The journey's name.")
    description: str = Field(default="", description="What it is for, in words.")
    tags: tuple[str, ...] = Field(default=(), description="Words to find it by.")
    entry: EntryDocument = Field(description="Who enters: by one event or several, a change of audience, or a read.")
    correlation: ExpressionText | None = Field(
        default=None,
        description="What tells runs of one person apart, from the event of the entry: one open run for each value.",
    )
    reentry: Annotated[
        Annotated[Literal["never", "always"], Tag("<word>")] | Annotated[ReentryAfterDocument, Tag("<after>")],
        Discriminator(lambda value: "<word>" if isinstance(value, str) else "<after>"),
    ] = Field(
        default="always",
        description="Whether somebody may enter again once a run has ended: never, always, or after a pause.",
    )
    exit: tuple[ExitRuleDocument, ...] = Field(default=(), description="What ends a run wherever it is.")
    goal: GoalDocument | None = Field(default=None, description="What the journey is for, counted for each run.")
    timezone: JourneyZone = Field(
        default=ZONE_OF_PERSON, description="The zone of its local times: each person's own, or one for all."
    )
    starts: Annotated[date, AfterValidator(in_our_time)] | None = Field(
        default=None, description="The first day on which it can be entered, in the project's zone."
    )
    ends: Annotated[date, AfterValidator(in_our_time)] | None = Field(
        default=None, description="The last day on which it can be entered, in the project's zone."
    )
    priority: int = Field(
        default=50, ge=0, le=100, description="Where several journeys concern one event, the highest goes first."
    )
    steps: Annotated[tuple[StepDocument, ...], Field(min_length=1)] = Field(
        description="What happens to whoever is in it, in order; the first one is where runs begin."
    )

    @property
    def entry_events(self) -> tuple[EventEntryDocument, ...]:
        """The events by which the journey is entered, in the order in which they are looked at."""
        if isinstance(self.entry, EventEntryDocument):
            return (self.entry,)
        return self.entry if isinstance(self.entry, tuple) else ()

    @model_validator(mode="after")
    def _window(self) -> Self:
        if self.starts and self.ends and self.ends < self.starts:
            raise ValueError("ends comes before starts")
        return self
