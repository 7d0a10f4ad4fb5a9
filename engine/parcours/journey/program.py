"""The program: the compiled, immutable form of a project that the core runs.

Names are resolved. `compile_project` in compile/project.py is the only place that builds a Program from documents;
publish/linking.py joins several.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from parcours.expression.expression import Expression
from parcours.expression.expression import Series as Series
from parcours.journey.analyses import Analyses
from parcours.journey.campaign_program import CampaignProgram, SavedAudience, Table
from parcours.journey.destinations import Destination
from parcours.journey.disclosure import Disclosure
from parcours.journey.identities import IdentityRule as IdentityRule
from parcours.journey.model.insight import InsightDocument
from parcours.journey.model.recurrence import instants_from
from parcours.journey.offers import NO_OFFERS, Offers
from parcours.journey.parts import AudienceChange as AudienceChange
from parcours.journey.parts import AudienceTrigger as AudienceTrigger
from parcours.journey.parts import Decide as Decide
from parcours.journey.parts import Goal as Goal
from parcours.journey.parts import Message as Message
from parcours.journey.parts import Trigger as Trigger
from parcours.journey.parts import Update as Update
from parcours.journey.parts import Wait as Wait
from parcours.journey.parts import WaitDuration as WaitDuration
from parcours.journey.parts import WaitLocalTime as WaitLocalTime
from parcours.journey.parts import WaitUntil as WaitUntil
from parcours.journey.places import NO_PLACES, Crossing, Location, Places
from parcours.journey.policies import Cap as Cap
from parcours.journey.policies import ConsentDefault as ConsentDefault
from parcours.journey.policies import ConsentPolicy as ConsentPolicy
from parcours.journey.policies import Holdout as Holdout
from parcours.journey.policies import Policies as Policies
from parcours.journey.policies import QuietHours as QuietHours
from parcours.journey.steps import AudienceListener as AudienceListener
from parcours.journey.steps import Branch as Branch
from parcours.journey.steps import CallAction as CallAction
from parcours.journey.steps import End as End
from parcours.journey.steps import EventListener as EventListener
from parcours.journey.steps import Listener as Listener
from parcours.journey.steps import ReactionListener as ReactionListener
from parcours.journey.steps import Send as Send
from parcours.journey.steps import Split as Split
from parcours.journey.steps import Standby as Standby
from parcours.journey.steps import Step as Step
from parcours.journey.steps import WaitFor as WaitFor
from parcours.scoring.score import Predicting, Score

PAGE_EVENTS: Final[Mapping[str, str]] = {"page": "Page Viewed", "screen": "Screen Viewed"}
"""The event names under which page and screen calls are declared and listened for."""


@dataclass(frozen=True, slots=True)
class EventEntry:
    """Entry by events: the first trigger of the list that matches starts the run."""

    triggers: tuple[Trigger, ...]


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """Entry by reading an audience: everyone in it at `at_ms`, person number n entering n / people_per_second later.

    rule  an RFC 5545 rule by which the read recurs, from `at_ms` on and in the project's zone (recurrence.py).
          None: it happens once
    """

    audience: str
    at_ms: int
    people_per_second: int | None = None
    rule: str | None = None

    def instants(self, timezone: str, after_ms: int = -1) -> Iterator[int]:
        """The instants (ms) later than `after_ms` at which the audience is read, in rising order."""
        return instants_from(self.at_ms, self.rule, timezone, after_ms)


@dataclass(frozen=True, slots=True)
class CampaignEntry:
    """Entry by a campaign, which takes people from step to step: a run stays where it is until it is taken on."""


@dataclass(frozen=True, slots=True)
class Journey:
    """One journey in one version.

    reentry_after_ms  None: never again; 0: always; else the pause since the last run ended
    timezone          "profile" or an IANA name
    starts_ms/ends_ms the entry window [starts, ends), None: unbounded
    entry_paths       the paths of `entry` that expressions and templates name, so a run keeps only those
    event_paths       the same of `event`
    messages/actions  by name, as they were published with this version
    """

    name: str
    version: int
    entry: EventEntry | ReadEntry | AudienceTrigger | CampaignEntry
    correlation: Expression | None
    reentry_after_ms: int | None
    exits: tuple[Trigger | AudienceTrigger, ...]
    goal: Goal | None
    timezone: str
    starts_ms: int | None
    ends_ms: int | None
    priority: int
    first: str
    steps: Mapping[str, Step]
    entry_paths: frozenset[str]
    event_paths: frozenset[str]
    description: str = ""
    tags: tuple[str, ...] = ()
    messages: Mapping[str, Message] = field(default_factory=dict, repr=False)
    actions: Mapping[str, Action] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class EventType:
    """An event type that the project declares.

    of, rule        a rule-based type: each event named `of` that meets `rule` is also one of these
    namespace, key  the person of an event that has neither userId nor anonymousId
    caseless        whether names in that namespace are in lower case, however they are written
    location        where it tells that its person is
    crossing        into or out of which place it tells that she went
    """

    name: str
    of: str | None = None
    rule: Expression | None = None
    namespace: str | None = None
    key: Expression | None = None
    caseless: bool = False
    location: Location | None = None
    crossing: Crossing | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """An audience: the people who meet the condition, which sees the profile, its history, consent and now."""

    name: str
    condition: Expression


@dataclass(frozen=True, slots=True)
class Action:
    """An outbound call.

    headers  literal values, and references to secrets as they were written
    query    added to the URL
    answer   the kind of each path that the answer may have
    """

    name: str
    url: str
    method: str
    headers: Mapping[str, str]
    query: Mapping[str, Expression]
    body: Mapping[str, Expression]
    timeout_ms: int
    answer: Mapping[str, str]

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What is evaluated when the call is asked for."""
        return (*self.query.values(), *self.body.values())

    @property
    def has_body(self) -> bool:
        """Whether JSON goes along, be it an empty object."""
        return bool(self.body) or self.method not in ("GET", "DELETE")


@dataclass(frozen=True, slots=True)
class Program:
    """Everything that the core needs of what is published, its journeys in the order in which one person's react."""

    project: str
    timezone: str
    profile_timezone: Expression
    trait_kinds: Mapping[str, str]
    events: Mapping[str, EventType]
    audiences: Mapping[str, Audience]
    messages: Mapping[str, Message]
    journeys: tuple[Journey, ...]
    """The journeys that take entries, each in its newest version: highest priority first, then by name."""
    actions: Mapping[str, Action] = field(default_factory=dict)
    policies: Policies = field(default_factory=Policies)
    addresses: Mapping[str, Expression] = field(default_factory=dict)
    """The address of a person on each channel, unless a step names its own."""

    region: str | None = None
    """The country by which addresses in national form are read (ISO 3166, two capitals)."""
    profile_region: Expression | None = None  # the person's own, which goes before it
    insight: InsightDocument = field(default_factory=InsightDocument)
    identities: Mapping[str, IdentityRule] = field(default_factory=dict)
    """Every namespace in which people are named, but for `user`."""

    anonymous_history: Literal["used", "unused"] = "unused"  # what somebody did before she was merged
    cloud_types: Mapping[str, str] = field(default_factory=dict)  # type of CloudEvents -> name of the event
    disclosure: Disclosure = field(default_factory=Disclosure)
    draining: tuple[Journey, ...] = ()  # versions without entries that may have open runs; of campaigns as well
    paused: Mapping[str, int] = field(default_factory=dict)
    """The paused journeys, each with its time of pause (ms)."""

    # The index, which compile/index.py computes from all above, so that no event has to search.

    derived: Mapping[str, tuple[EventType, ...]] = field(default_factory=dict)
    """The rule-based types of each event name."""

    moving: frozenset[str] = frozenset()
    """Names of incoming events by which a run can be entered, left, credited or moved, or which a series keeps; and of
    those that tell where somebody is, or convert an offer."""

    entering: frozenset[str] = frozenset()
    """Names of incoming events that matter for an empty profile: it enters a journey by them, its history begins, or it
    is somewhere. Where an audience may hold for an empty profile, all declared events are among them."""

    entered_by: Mapping[str | AudienceTrigger, tuple[Journey, ...]] = field(default_factory=dict)
    """The journeys that an event type may start, and those that a change of audience starts, in their order."""

    series: Mapping[str, tuple[Series, ...]] = field(default_factory=dict)
    """The histories that some expression asks for, by event type; a rule-based type has its own."""

    counting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The audiences that ask for a history of an event type, if none of them compares `now`."""

    zone_traits: frozenset[str] = frozenset()  # the traits that decide a person's time zone
    campaigns: tuple[CampaignProgram, ...] = ()
    """The campaigns of the newest publication, by name."""

    draining_campaigns: tuple[CampaignProgram, ...] = ()
    """Older versions of campaigns, of which runs may go on."""

    taking: tuple[Journey, ...] = ()
    """What each campaign does with one person, as a journey by its name through which only that moves anybody."""

    tables: Mapping[str, Table] = field(default_factory=dict)
    saved_audiences: Mapping[str, SavedAudience] = field(default_factory=dict)  # by campaigns; without a condition

    analyses: Analyses = field(default_factory=Analyses)
    """What may be asked of facts by its name. No event that comes in depends on any of it."""

    keeping: tuple[CampaignProgram, ...] = ()
    """The campaigns that keep audiences up to date from funnels, by name. They have no versions, and nobody's runs."""

    places: Places = NO_PLACES
    scores: Mapping[str, Score] = field(default_factory=dict)
    """By name. Runs of older versions ask for the newest, too: a model that was trained again is for everybody."""
    predicting: Mapping[str, tuple[Predicting, ...]] = field(default_factory=dict)  # what scores predict (index)
    renewed_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # kept scores, by event type (index)
    timed_scores: Mapping[str, int] = field(default_factory=dict)  # those that the clock renews: how often, ms (index)

    offers: Offers = NO_OFFERS
    destinations: Mapping[str, Destination] = field(default_factory=dict)  # of the newest publication, by name

    _versions: Mapping[tuple[str, int], Journey] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        versions = {(each.name, each.version): each for each in self.versions()}
        object.__setattr__(self, "_versions", versions)

    def journey(self, name: str, version: int) -> Journey | None:
        """The journey in this version, None if there is none any more."""
        return self._versions.get((name, version))

    def campaign(self, name: str, version: int) -> CampaignProgram:
        """The campaign in this version. Raises KeyError where there is none any more."""
        for each in (*self.campaigns, *self.draining_campaigns):
            if (each.name, each.version) == (name, version):
                return each
        raise KeyError(f"the campaign {name!r} has no version {version} any more")

    def campaign_names(self) -> frozenset[str]:
        """The names of campaigns, also of those that are not offered any more: the newest version says what it is."""
        newest: dict[str, Journey] = {}
        for each in self.versions():
            newest[each.name] = max(newest.get(each.name, each), each, key=lambda version: version.version)
        return frozenset(name for name, each in newest.items() if isinstance(each.entry, CampaignEntry))

    def conducted_names(self) -> frozenset[str]:
        """Those, and the names of the campaigns by which audiences are kept up to date."""
        return self.campaign_names() | {each.name for each in self.keeping}

    def versions(self) -> tuple[Journey, ...]:
        """Every version that may have runs."""
        return (*self.journeys, *self.taking, *self.draining)
