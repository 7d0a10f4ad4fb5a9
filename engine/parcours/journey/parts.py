"""The compiled parts that journeys and campaigns share: triggers, goals, waits, messages, and schedules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from parcours.expression.definition_keys import plain
from parcours.expression.expression import Expression
from parcours.journey.model.recurrence import instants_from

AudienceChange: TypeAlias = Literal["entered", "left"]
"""The two changes of membership."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """An event type and the condition that the event has to meet. `event` is the type's key (definition_keys.py)."""

    event: str
    when: Expression | None = None

    @property
    def name(self) -> str:
        """The event type's name as the author wrote it."""
        return plain(self.event)


@dataclass(frozen=True, slots=True)
class AudienceTrigger:
    """A change of membership in an audience, which is named by its key (definition_keys.py)."""

    audience: str
    change: AudienceChange

    @property
    def name(self) -> str:
        """The audience's name as the author wrote it."""
        return plain(self.audience)


@dataclass(frozen=True, slots=True)
class Goal:
    """The goal of a journey. `within_ms` counts from the entry, its end inclusive; None: while the run is open."""

    trigger: Trigger
    within_ms: int | None
    target_percent: float | None


@dataclass(frozen=True, slots=True)
class WaitDuration:
    id: str
    duration_ms: int
    next: str | None


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Waits until an instant, or a local date at `minute` of the day in the run's zone, every year if `yearly`."""

    id: str
    until: Expression
    offset_ms: int
    next: str | None
    minute: int = 0
    yearly: bool = False
    is_date: bool = False


@dataclass(frozen=True, slots=True)
class WaitLocalTime:
    """Waits for the next `minute` of the day (0-1439) in the run's zone, on `days` only (0 is Monday)."""

    id: str
    minute: int
    days: frozenset[int]
    next: str | None


Wait: TypeAlias = WaitDuration | WaitUntil | WaitLocalTime
"""A step at which a run stays until a time that is known when it gets there."""


@dataclass(frozen=True, slots=True)
class MessageOffer:
    """An offer that a message shows under a name of its own.

    decision    what is decided for each delivery; None: what the run has chosen as `source` is shown
    placements  by channel
    """

    name: str
    decision: str | None
    source: str
    placements: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Message:
    """A message. `contents` maps a channel to the input of its `Content` model, with templates not rendered.

    `paths` are the dotted names in its templates, `dates` the declared local dates among and below them. `is_tracked`
    if links in it tell of opens and clicks. `withdraw` are the event types, by key, that take it out of an inbox.
    `offers` are those that its templates name below `offers`, in the order in which they are decided.
    """

    name: str
    message_class: Literal["marketing", "transactional"]
    purpose: str
    expires_ms: int | None
    contents: Mapping[str, Mapping[str, object]]
    paths: frozenset[str]
    dates: tuple[str, ...] = ()
    is_tracked: bool = False
    withdraw: tuple[str, ...] = ()
    offers: tuple[MessageOffer, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """The instants of a campaign or of a saved audience: `at_ms`, and from then on those of the rule (recurrence.py).

    rule  None where there is only the one instant
    """

    at_ms: int
    rule: str | None = None

    def instants(self, timezone: str, after_ms: int = -1) -> Iterator[int]:
        """The instants (ms) later than `after_ms`, in rising order."""
        return instants_from(self.at_ms, self.rule, timezone, after_ms)


@dataclass(frozen=True, slots=True)
class Update:
    """Sets traits to the values of expressions."""

    id: str
    values: Mapping[str, Expression]
    next: str | None


@dataclass(frozen=True, slots=True)
class Decide:
    """A decision at a placement, of which the run keeps under `name` what was chosen. It goes on at once."""

    id: str
    decision: str
    placement: str
    name: str
    next: str | None
