"""What a project means once it is checked: the compiled form that the core runs.

Everything here is immutable and names are resolved: a step's `next` is a step id or None, which means
that the run ends after it. `compile_project` in compile.py is the only place that builds a Program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from parcours.journey.expression import Expression


@dataclass(frozen=True, slots=True)
class Trigger:
    """An event of this name, and the condition that it has to meet."""

    event: str
    when: Expression | None = None


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """Everyone who is in `audience` at `at_ms`; person n enters n / rate later (rate in people per ms)."""

    audience: str
    at_ms: int
    people_per_second: int | None = None


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
class ReactionListener:
    """Waits for `reaction` to a delivery of the step `of`, on `channel` if named."""

    reaction: str
    of: str
    channel: str | None
    link: str | None
    next: str | None


Listener: TypeAlias = EventListener | ReactionListener


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
class End:
    id: str


Step: TypeAlias = (
    Send | WaitFor | WaitDuration | WaitUntil | WaitLocalTime | Branch | Split | Update | End
)


@dataclass(frozen=True, slots=True)
class Journey:
    """One journey in one version.

    reentry_after_ms  None: never again; 0: always; else the pause since the last run ended
    timezone          "profile" or an IANA name
    starts_ms/ends_ms the entry window [starts, ends), None: unbounded
    entry_paths       the paths of `entry` that expressions and templates name, so a run keeps only those
    event_paths       the same of `event`
    """

    name: str
    version: int
    entry: Trigger | ReadEntry
    correlation: Expression | None
    reentry_after_ms: int | None
    exits: tuple[Trigger, ...]
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
class Program:
    """All that a project's journeys mean, in the order in which one person's journeys go."""

    project: str
    timezone: str
    profile_timezone: Expression
    trait_kinds: Mapping[str, str]
    events: Mapping[str, EventType]
    audiences: Mapping[str, Expression]
    messages: Mapping[str, Message]
    journeys: tuple[Journey, ...]
    """Highest priority first, then by name."""

    derived: Mapping[str, tuple[EventType, ...]] = field(default_factory=dict)
    """The rule-based types of each event name."""

    moving: frozenset[str] = frozenset()
    """Names of incoming events that some journey can enter, leave, credit or be moved by, directly or by a rule."""

    entering: frozenset[str] = frozenset()
    """Those of `moving` by which a person without any state can enter a journey."""

    def journey(self, name: str, version: int) -> Journey | None:
        """The journey in this version, None if it is not known any more."""
        for journey in self.journeys:
            if journey.name == name and journey.version == version:
                return journey
        return None
