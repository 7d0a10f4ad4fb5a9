"""The compiled steps of a journey, and what a run that listens waits for.

A step's `next` is a step id or None, which means that the run ends after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from parcours.expression.expression import Expression
from parcours.journey.campaign_steps import LocalTime, Opening
from parcours.journey.experiments import Experiment
from parcours.journey.model.steps import PERCENT_TOTAL
from parcours.journey.parts import AudienceChange, Decide, Trigger, Update, Wait


@dataclass(frozen=True, slots=True)
class EventListener:
    trigger: Trigger
    next: str | None


@dataclass(frozen=True, slots=True)
class AudienceListener:
    """Waits for the person to enter or leave an audience. `at_once`: one who is inside, or outside, already matches."""

    audience: str
    change: AudienceChange
    next: str | None
    at_once: bool = False


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
    """A send step. `to` maps each of its channels to its address expression.

    only_first  one delivery, on the first of the channels that no gate refuses
    prefer      the name of the channel that then comes before the others, if it is one of them
    window      of a campaign's send: when it is open to people
    """

    id: str
    message: str
    to: Mapping[str, Expression]
    on_refused: str | None
    has_on_refused: bool
    next: str | None
    only_first: bool = False
    prefer: Expression | None = None
    window: Opening | LocalTime | None = None


@dataclass(frozen=True, slots=True)
class WaitFor:
    """A listening step. `on_timeout` counts only where `timeout_ms` is not None."""

    id: str
    listeners: tuple[Listener, ...]
    timeout_ms: int | None
    on_timeout: str | None


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch. `otherwise` is the next step where the document names none; `has_otherwise` tells them apart."""

    id: str
    arms: tuple[tuple[Expression, str | None], ...]
    otherwise: str | None
    has_otherwise: bool


@dataclass(frozen=True, slots=True)
class Split:
    """A random split. Each arm's bound is cumulative, in hundredths of a percent: the last one is 10,000.

    names       of the arms, None where one has none; with an experiment each has its own
    experiment  what is compared between the arms
    """

    id: str
    arms: tuple[tuple[int, str | None], ...]
    names: tuple[str | None, ...]
    experiment: Experiment | None = None

    @property
    def percents(self) -> tuple[float, ...]:
        """The share of each arm."""
        bounds = (0, *(bound for bound, _ in self.arms))
        return tuple((after - before) * 100 / PERCENT_TOTAL for before, after in pairwise(bounds))


@dataclass(frozen=True, slots=True)
class CallAction:
    """An outbound call of the action named. The run goes on at once."""

    id: str
    action: str
    next: str | None


@dataclass(frozen=True, slots=True)
class End:
    id: str


@dataclass(frozen=True, slots=True)
class Standby:
    """A step of a campaign at which people wait for what becomes of the set, or a split whose parts are compared."""

    id: str


Step: TypeAlias = Send | WaitFor | Wait | Branch | Split | Update | CallAction | Decide | End | Standby
