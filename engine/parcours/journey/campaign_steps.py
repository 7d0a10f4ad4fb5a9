"""The compiled steps of campaigns: a closed union, with every set, table and expression resolved.

A step takes sets of steps above it. `columns` are those that the rows of its outputs have, and `grain` says whether a
person has one row in them; both are the same for all outputs of a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias

from parcours.expression.expression import Expression
from parcours.journey.analyses import Funnel
from parcours.journey.experiments import Experiment
from parcours.journey.model.campaign_sets import MAIN
from parcours.journey.model.tables import TableFormat
from parcours.journey.parts import Wait
from parcours.journey.set_expressions import Criterion, SetExpression

Grain: TypeAlias = Literal["person", "row"]


@dataclass(frozen=True, slots=True)
class SetRef:
    """A set: one output of a step."""

    step: str
    output: str = MAIN

    def __str__(self) -> str:
        return self.step if self.output == MAIN else f"{self.step}.{self.output}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a set. `fields` are the kinds of what is in its object, or in each object of its list."""

    kind: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ByValue:
    value: SetExpression
    direction: Literal["highest", "lowest", "earliest", "latest"]


@dataclass(frozen=True, slots=True)
class Filled:
    value: SetExpression


@dataclass(frozen=True, slots=True)
class Preferred:
    values: tuple[str | int | float | bool, ...]
    value: SetExpression


@dataclass(frozen=True, slots=True)
class AtRandom:
    pass


OrderKey: TypeAlias = ByValue | Filled | Preferred | AtRandom
"""One key of an order; the last ones, which nobody writes, are the person and the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What every step has.

    sources  the sets that it takes, in the order in which they are named; none for a read
    after    the steps that it waits for besides
    outputs  by name: `main`, `rest`, `refused`, or those of a split or test
    columns  of its outputs, by name
    grain    of its outputs
    """

    id: str
    sources: tuple[SetRef, ...]
    after: tuple[str, ...]
    outputs: tuple[str, ...]
    columns: Mapping[str, Column]
    grain: Grain


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAudience(Step):
    """`audience` is the audience's key (definition_keys.py); `new`: only whom no earlier run took here."""

    audience: str
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPeople(Step):
    where: SetExpression
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTable(Step):
    """`where` is asked of a row of the table and its person."""

    table: str
    where: SetExpression | None
    creates: bool
    new: bool


@dataclass(frozen=True, slots=True)
class FunnelAsked:
    """Which people of a funnel, in words such as `lost:2`."""

    funnel: Funnel
    who: str

    def __str__(self) -> str:
        return f"{self.who} of the funnel {self.funnel.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFound(Step):
    """Whom facts tell of, and no shard is asked for; no document has such a step (compile/campaigns/found.py).

    asked  None: they were named before the run began
    """

    asked: FunnelAsked | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter(Step):
    condition: SetExpression


@dataclass(frozen=True, slots=True, kw_only=True)
class Dedupe(Step):
    by: tuple[Criterion, ...]
    keep: int
    order: tuple[OrderKey, ...]


@dataclass(frozen=True, slots=True)
class Subset:
    """`limit` is a number of people, `share` a percentage of what the step took; None: no such bound."""

    name: str
    when: SetExpression | None
    order: tuple[OrderKey, ...]
    limit: int | None
    share: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Divide(Step):
    """Subsets from the top; with `overlap` each from the whole set, without it from what is left."""

    subsets: tuple[Subset, ...]
    overlap: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DivideAtRandom(Step):
    """Each part's percentage, as written; None: all parts are of the same size."""

    parts: tuple[tuple[str, Decimal | None], ...]
    experiment: Experiment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Union(Step):
    by: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intersect(Step):
    by: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclude(Step):
    """The first source without the others."""

    by: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class Enrichment:
    """One column. `take`: so many rows as a list, or one as an object if `single`; else `aggregate` of `value`.

    where, order, value  see the table's row, as `row`, and the profile
    columns              of the table, that each object has
    """

    name: str
    table: str
    where: SetExpression | None
    take: int | None
    single: bool
    aggregate: Literal["count", "sum", "avg", "min", "max"] | None
    value: SetExpression | None
    order: tuple[OrderKey, ...]
    columns: tuple[str, ...]
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrich(Step):
    enrichments: tuple[Enrichment, ...]


SavingMode: TypeAlias = Literal["replace", "append", "remove"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Save(Step):
    audience: str
    mode: SavingMode
    key: SetExpression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePeople(Step):
    values: Mapping[str, SetExpression]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export(Step):
    """`file` has `{run}` where the number of the run goes; `values` are in order, with the header of each."""

    file: str
    format: TableFormat
    values: tuple[tuple[str, Criterion], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitAll(Step):
    """Holds the whole set, in the campaign's zone. `wait` leads nowhere: its `next` is None."""

    wait: Wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Test(Step):
    """The whole set goes to the first output whose condition holds. Conditions see `now`, `run` and sizes of sets."""

    arms: tuple[tuple[str, Expression], ...]
    otherwise: str


@dataclass(frozen=True, slots=True)
class OwnSend:
    """A send of this run, and how long after its end a reaction counts; 0: only what has come by then."""

    step: str
    within_ms: int


@dataclass(frozen=True, slots=True)
class OtherSend:
    """A send elsewhere, since when a reaction counts (None: ever), and whether its newest run alone does."""

    kind: Literal["campaign", "journey"]
    name: str
    step: str
    since_ms: int | None
    last_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reacted(Step):
    of: OwnSend | OtherSend
    reaction: str
    channel: str | None
    link: str | None


@dataclass(frozen=True, slots=True)
class Waves:
    parts: int
    every_ms: int


@dataclass(frozen=True, slots=True)
class Opening:
    """Minutes of the day (0-1439) between which people are sent to, the end exclusive; days: 0 is Monday."""

    from_minute: int
    to_minute: int
    days: frozenset[int]
    zone: str


@dataclass(frozen=True, slots=True)
class LocalTime:
    """The minute of the day at which each person is sent to; `zone` is "profile" or an IANA name."""

    minute: int
    days: frozenset[int]
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendToSet(Step):
    """A send. `to`, `only_first` and `prefer` are as in a journey's send.

    row_paths  the paths below `row` that the message, the addresses and `prefer` name: a run keeps nothing else of it
    """

    message: str
    to: Mapping[str, SetExpression]
    only_first: bool
    prefer: SetExpression | None
    people_per_second: int | None
    waves: Waves | None
    window: Opening | LocalTime | None
    row_paths: tuple[str, ...]


CampaignStep: TypeAlias = (
    ReadAudience
    | ReadPeople
    | ReadTable
    | ReadFound
    | Filter
    | Dedupe
    | Divide
    | DivideAtRandom
    | Union
    | Intersect
    | Exclude
    | Enrich
    | Save
    | UpdatePeople
    | Export
    | WaitAll
    | Test
    | Reacted
    | SendToSet
)
