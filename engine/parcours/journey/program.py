"""What a project means once it is checked: the compiled form that the core runs.

Everything here is immutable and names are resolved: a step's `next` is a step id or None, which means
that the run ends after it. `compile_project` in compile.py is the only place that builds a Program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from parcours.expression.definition_keys import plain
from parcours.expression.expression import Expression
from parcours.expression.expression import Series as Series

AudienceChange: TypeAlias = Literal["entered", "left"]
"""What a person can do with an audience."""

ConsentDefault: TypeAlias = Literal["opt_in", "opt_out"]


@dataclass(frozen=True, slots=True)
class Trigger:
    """An event of this name, and the condition that it has to meet. `event` is the type's key (definition_keys.py)."""

    event: str
    when: Expression | None = None

    @property
    def name(self) -> str:
        """The event type as the author calls it."""
        return plain(self.event)


@dataclass(frozen=True, slots=True)
class AudienceTrigger:
    """The person entered or left an audience, which is named by its key (definition_keys.py)."""

    audience: str
    change: AudienceChange

    @property
    def name(self) -> str:
        """The audience as the author calls it."""
        return plain(self.audience)


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """Everyone who is in `audience` at `at_ms`; person number n enters n / people_per_second later.

    rule  an RFC 5545 rule by which the read recurs, from `at_ms` on and in the project's zone; recurrence.py
          says when. None: it happens once
    """

    audience: str
    at_ms: int
    people_per_second: int | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    """`within_ms` counts from the entry, its end inclusive; None: while the run is open."""

    trigger: Trigger
    within_ms: int | None
    target_percent: float | None


@dataclass(frozen=True, slots=True)
class EventListener:
    trigger: Trigger
    next: str | None


@dataclass(frozen=True, slots=True)
class AudienceListener:
    """Waits for the person to enter or leave an audience from now on."""

    audience: str
    change: AudienceChange
    next: str | None


@dataclass(frozen=True, slots=True)
class ReactionListener:
    """Waits for `reaction` to a delivery of the step `of`, on `channel` if named; of a call, for its outcome."""

    reaction: str
    of: str
    channel: str | None
    link: str | None
    next: str | None


Listener: TypeAlias = EventListener | ReactionListener | AudienceListener


@dataclass(frozen=True, slots=True)
class Send:
    """`to` maps each channel of the step to its address expression."""

    id: str
    message: str
    to: Mapping[str, Expression]
    on_refused: str | None
    has_on_refused: bool
    next: str | None


@dataclass(frozen=True, slots=True)
class WaitFor:
    """`on_timeout` counts only where `timeout_ms` is not None."""

    id: str
    listeners: tuple[Listener, ...]
    timeout_ms: int | None
    on_timeout: str | None


@dataclass(frozen=True, slots=True)
class WaitDuration:
    id: str
    duration_ms: int
    next: str | None


@dataclass(frozen=True, slots=True)
class WaitUntil:
    id: str
    until: Expression
    offset_ms: int
    next: str | None


@dataclass(frozen=True, slots=True)
class WaitLocalTime:
    """The next `minute` of the day (0-1439) in the run's zone, on `days` only (0 is Monday)."""

    id: str
    minute: int
    days: frozenset[int]
    next: str | None


@dataclass(frozen=True, slots=True)
class Branch:
    """`otherwise` is already the next step where the document has none; `has_otherwise` tells them apart."""

    id: str
    arms: tuple[tuple[Expression, str | None], ...]
    otherwise: str | None
    has_otherwise: bool


@dataclass(frozen=True, slots=True)
class Split:
    """Each arm's bound is cumulative, in hundredths of a percent: the last one is 10,000."""

    id: str
    arms: tuple[tuple[int, str | None], ...]


@dataclass(frozen=True, slots=True)
class Update:
    id: str
    values: Mapping[str, Expression]
    next: str | None


@dataclass(frozen=True, slots=True)
class CallAction:
    """An outbound call of the action named. The run goes on at once."""

    id: str
    action: str
    next: str | None


@dataclass(frozen=True, slots=True)
class End:
    id: str


Step: TypeAlias = Send | WaitFor | WaitDuration | WaitUntil | WaitLocalTime | Branch | Split | Update | CallAction | End


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
    entry: Trigger | ReadEntry | AudienceTrigger
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
    messages: Mapping[str, Message] = field(default_factory=dict, repr=False)
    actions: Mapping[str, Action] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """`contents` maps a channel to what its `Content` model takes, templates unrendered.

    `paths` are the dotted names that its templates use, such as `profile.first_name`.
    """

    name: str
    message_class: Literal["marketing", "transactional"]
    purpose: str
    expires_ms: int | None
    contents: Mapping[str, Mapping[str, object]]
    paths: frozenset[str]


@dataclass(frozen=True, slots=True)
class EventType:
    """An event that the project declares.

    of, rule     a rule-based type: every event named `of` that meets `rule` is also one of these
    namespace, key  who it belongs to when it has neither userId nor anonymousId
    """

    name: str
    of: str | None = None
    rule: Expression | None = None
    namespace: str | None = None
    key: Expression | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """Who meets the condition; it sees the profile, its history, consent and now."""

    name: str
    condition: Expression


@dataclass(frozen=True, slots=True)
class Action:
    """An outbound call. `answer` gives the kind of each path that the answer may have."""

    name: str
    url: str
    body: Mapping[str, Expression]
    timeout_ms: int
    answer: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ConsentPolicy:
    """Whether marketing needs a grant (opt_in) or lasts until it is withdrawn (opt_out), by channel if named."""

    default: ConsentDefault = "opt_in"
    channels: Mapping[str, ConsentDefault] = field(default_factory=dict)

    def assumes(self, channel: str) -> bool:
        """Whether somebody who has said nothing may be written to on this channel."""
        return self.channels.get(channel, self.default) == "opt_out"


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `max` deliveries within `per_ms`, counted together over all that it concerns; None: any."""

    channels: frozenset[str] | None
    message_class: str | None
    purpose: str | None
    max: int
    per_ms: int


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A weekly window in the person's zone, from one minute of the day (0-1439) until, exclusively, another.

    days  those on which it starts (0 is Monday); `until_minute` up to `from_minute` is one of the day after
    """

    channels: frozenset[str] | None
    from_minute: int
    until_minute: int
    days: frozenset[int]
    then: Literal["hold", "drop"]


@dataclass(frozen=True, slots=True)
class Policies:
    """What has to be looked at before a message goes out. Without any, marketing needs an opt-in."""

    consent: ConsentPolicy = field(default_factory=ConsentPolicy)
    caps: tuple[Cap, ...] = ()
    quiet_hours: tuple[QuietHours, ...] = ()
    longest_cap_ms: int = field(init=False, repr=False, compare=False)
    """The longest window of a cap, 0 without any."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "longest_cap_ms", max((cap.per_ms for cap in self.caps), default=0))


@dataclass(frozen=True, slots=True)
class Program:
    """All that a project's journeys mean, in the order in which one person's journeys go."""

    project: str
    timezone: str
    profile_timezone: Expression
    trait_kinds: Mapping[str, str]
    events: Mapping[str, EventType]
    audiences: Mapping[str, Audience]
    messages: Mapping[str, Message]
    journeys: tuple[Journey, ...]
    """Those that may be entered, each in its newest version: highest priority first, then by name."""

    derived: Mapping[str, tuple[EventType, ...]] = field(default_factory=dict)
    """The rule-based types of each event name."""

    moving: frozenset[str] = frozenset()
    """Names of incoming events that a journey is entered, left, credited or moved by, or that a series keeps."""

    entering: frozenset[str] = frozenset()
    """Those that matter for a person without any state: by which it enters a journey, or by which its history begins.
    Where an audience holds for whoever is known at all, each event that is declared is one of them.
    """

    series: Mapping[str, tuple[Series, ...]] = field(default_factory=dict)
    """The histories that some expression asks for, by event type; a rule-based type has its own."""

    actions: Mapping[str, Action] = field(default_factory=dict)
    policies: Policies = field(default_factory=Policies)
    addresses: Mapping[str, Expression] = field(default_factory=dict)
    """Where a person is reached on each channel, unless a step says otherwise."""

    draining: tuple[Journey, ...] = ()
    """Versions that nobody enters any more; runs that are in them go on."""

    paused: Mapping[str, int] = field(default_factory=dict)
    """Journeys that are paused, and since when (ms)."""

    _versions: Mapping[tuple[str, int], Journey] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        versions = {(each.name, each.version): each for each in (*self.journeys, *self.draining)}
        object.__setattr__(self, "_versions", versions)

    def journey(self, name: str, version: int) -> Journey | None:
        """The journey in this version, None if it is not known any more."""
        return self._versions.get((name, version))

    def versions(self) -> tuple[Journey, ...]:
        """Every version in which a run may be."""
        return (*self.journeys, *self.draining)
