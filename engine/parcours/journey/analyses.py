"""The compiled analyses of insight/*.yaml: what to count, of whom, and within which bounds of time.

They are the same whether they were written in a document or on the command line. Every expression in them sees `event`,
the properties of the event at hand, and nothing else but its time; that of a segment of traits sees `profile` only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from parcours.expression.expression import Expression
from parcours.journey.model.analysis_forms import Anchors
from parcours.journey.model.analysis_forms import CalendarUnit as CalendarUnit
from parcours.journey.model.analysis_forms import FunnelOrder as FunnelOrder
from parcours.journey.model.analysis_forms import Unit as Unit
from parcours.journey.parts import Schedule, Trigger

DELIVERY_COLUMNS: Final = ("message", "channel", "journey", "step", "class", "purpose", "link")
PROPOSITION_COLUMNS: Final = ("offer", "decision", "placement")
EVENT_COLUMNS: Final = ("event",)
"""The columns by which touches may be told apart; the first one goes without saying."""

PROPERTY: Final = "event."
"""What stands before the path of a property by which events are told apart."""


@dataclass(frozen=True, slots=True)
class ByTrait:
    """Groups by a trait of the person, by its dotted path in the table of people."""

    path: str


@dataclass(frozen=True, slots=True)
class ByProperty:
    """Groups by a property of an event, by its dotted path: of a funnel the event of the first step."""

    path: str


@dataclass(frozen=True, slots=True)
class ByAudience:
    """Groups by whether the person was in an audience at the instant of the event."""

    name: str


@dataclass(frozen=True, slots=True)
class ByVariant:
    """Groups by the way that the person took at a random split."""

    journey: str
    step: str


@dataclass(frozen=True, slots=True)
class BySegments:
    """Two segments side by side."""

    first: str
    second: str


Grouping: TypeAlias = ByTrait | ByProperty | ByAudience | ByVariant | BySegments


@dataclass(frozen=True, slots=True)
class TraitSegment:
    """People of whom a condition holds; it sees `profile`."""

    name: str
    condition: Expression


@dataclass(frozen=True, slots=True)
class EventSegment:
    """People with at least one such event in the window that is asked about."""

    name: str
    match: Trigger


Segment: TypeAlias = TraitSegment | EventSegment


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """Steps that units go through in an order.

    within_ms       from the first event of a match to its last, the end included; None: without a bound
    exclude         events that break a match between its first step and the one looked at
    step_within_ms  by the number of a step, from 2 on: the bound from the event of the step before, the end included
    value           a number of the last event of a match
    """

    name: str
    steps: tuple[Trigger, ...]
    within_ms: int | None = None
    order: FunnelOrder = "strict"
    by: Unit = "person"
    exclude: tuple[Trigger, ...] = ()
    step_within_ms: Mapping[int, int] = field(default_factory=dict)
    value: Expression | None = None
    split: Grouping | None = None
    segment: str | None = None


def who_fault(who: str, funnel: Funnel) -> str | None:
    """Why `reached:2`, `lost:2` or `group:west` means nobody of a funnel, whatever happened; None where it does not."""
    kind, _, which = who.partition(":")
    if kind == "group":
        split = funnel.split
        if split is None:
            return "the funnel has no groups: give it a split"
        if isinstance(split, BySegments) and which not in (split.first, split.second):
            return f"the groups of the funnel are {split.first!r} and {split.second!r}"
        return None
    if kind not in ("reached", "lost") or not (which.isascii() and which.isdecimal()):
        return "reached:STEP, lost:STEP or group:NAME is expected, such as lost:2"
    most = len(funnel.steps) - (kind == "lost")
    if 1 <= int(which) <= most:
        return None
    behind = ": behind the last one nobody is lost" if kind == "lost" and int(which) == most + 1 else ""
    return f"a step from 1 to {most} is expected{behind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What comes before and after an event.

    before/after  how many columns on each side of the anchor
    which         which of a unit's anchors count
    key           the property of an event by which it is told in place of its name; None: by its name
    most          how many nodes of a column have their name; the others are together
    collapse      whether equal nodes in a row are one
    ignore        events that are passed over as if they had not happened
    """

    name: str
    anchor: Trigger
    before: int
    after: int
    by: Unit = "person"
    which: Anchors = "first"
    key: str | None = None
    most: int
    collapse: bool = False
    ignore: frozenset[str] = frozenset()
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryTouches:
    """Deliveries that came to an outcome or have a mark, such as `clicked`."""

    outcome: str


@dataclass(frozen=True, slots=True)
class EventTouches:
    """Events by their names."""

    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PropositionTouches:
    """Propositions with a mark."""

    mark: str


Touches: TypeAlias = DeliveryTouches | EventTouches | PropositionTouches

NamedModel: TypeAlias = Literal["first", "last", "same", "linear", "u", "j", "inverse-j", "participation", "shapley"]


@dataclass(frozen=True, slots=True)
class ByPosition:
    """Shares of the first, those between, and the last touch, which sum to 100."""

    first: float
    between: float
    last: float


@dataclass(frozen=True, slots=True)
class Decay:
    """Half as much for each half life of age."""

    half_life_ms: int


@dataclass(frozen=True, slots=True)
class Markov:
    """The removal effect in a chain whose states are so many keys in a row."""

    order: int = 1


Model: TypeAlias = NamedModel | ByPosition | Decay | Markov


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """To which touches conversions are credited.

    value        a number of the conversion's event; None: each counts 1
    key          the column of a touch, or its property below `event.`, by which touches are the same
    lookback_ms  how long before a conversion a touch counts, the end included
    since_last   whether only touches since the person's previous conversion count
    models       by the name under which each is shown
    """

    name: str
    conversion: Trigger
    value: Expression | None = None
    touches: Touches
    key: str
    lookback_ms: int
    since_last: bool = False
    models: Mapping[str, Model]
    segment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Who comes back, by when she came first."""

    name: str
    starts: Trigger
    returns: Trigger
    unit: CalendarUnit
    periods: int
    segment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """The sum of a number over events; events without it add nothing."""

    value: Expression
    of: Trigger
    segment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """How many different people have such an event."""

    of: Trigger
    segment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCount:
    """How many such events there are."""

    of: Trigger
    segment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCount:
    """How many deliveries came to an outcome or have a mark."""

    outcome: str
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class MetricOf:
    name: str


@dataclass(frozen=True, slots=True)
class Arithmetic:
    operator: Literal["+", "-", "*", "/"]
    left: FormulaNode
    right: FormulaNode


FormulaNode: TypeAlias = Number | MetricOf | Arithmetic


@dataclass(frozen=True, slots=True)
class Formula:
    """Arithmetic of other metrics; what is divided by nothing is missing, and so is what is made of it."""

    text: str
    root: FormulaNode


Metric: TypeAlias = Sum | People | EventCount | DeliveryCount | Formula


@dataclass(frozen=True, slots=True)
class SavedAudience:
    """An audience that is kept up to date from an analysis.

    who       which of its people: `reached` or `lost` with the number of a step, or a `group`
    schedule  the instants, as of campaigns
    """

    name: str
    funnel: str
    who: str
    replace: bool
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class Analyses:
    """All of a project, each by its name."""

    metrics: Mapping[str, Metric] = field(default_factory=dict)
    segments: Mapping[str, Segment] = field(default_factory=dict)
    funnels: Mapping[str, Funnel] = field(default_factory=dict)
    flows: Mapping[str, Flow] = field(default_factory=dict)
    attributions: Mapping[str, Attribution] = field(default_factory=dict)
    cohorts: Mapping[str, Cohort] = field(default_factory=dict)
    audiences: Mapping[str, SavedAudience] = field(default_factory=dict)
