"""The compiled form of campaigns and of the tables that they read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from parcours.journey.campaign_steps import CampaignStep, Column, SetRef
from parcours.journey.parts import AudienceTrigger, Goal, Message, Schedule, Trigger
from parcours.journey.set_expressions import SetExpression


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps of one instant, in document order: the latest end of the steps that they wait for.

    Which of two ends is the later one shows only when they are reached, so two stages may be of one instant in the end.
    """

    ends: tuple[str, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seed:
    """Addresses by channel that get each send; `person` is whose data they have, None: the first one's of the set."""

    addresses: Mapping[str, str]
    person: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table of tables.yaml.

    columns  the kind of each, as it is declared
    person   whose row it is, and `match` in which namespace or trait; None where rows are not linked so
    join     a condition on a row and a profile
    many     whether a person may have several rows; `key` tells them apart, () by file and line
    uses     the tables that a query names
    caseless whether names in the namespace of `match` are in lower case, however ids are written
    """

    name: str
    file: str | None
    sql: str | None
    columns: Mapping[str, str]
    person: SetExpression | None
    match: str | None
    match_is_trait: bool
    fold: bool
    join: SetExpression | None
    many: bool
    key: tuple[SetExpression, ...]
    uses: tuple[str, ...] = ()
    caseless: bool = False

    @property
    def is_linked(self) -> bool:
        return self.person is not None or self.join is not None


@dataclass(frozen=True, slots=True)
class SavedAudience:
    name: str
    label: str
    silent: bool


@dataclass(frozen=True, slots=True)
class CampaignProgram:
    """One campaign in one version.

    starts_ms/ends_ms  the window [starts, ends) in which runs may begin, None: unbounded
    overlapping        whether a run begins while another one goes on
    steps              in document order
    stages             the steps by their instants; a stage comes after all those that it waits for
    messages, tables   by name, as they were published with this version
    """

    name: str
    version: int
    schedule: Schedule | None
    overlapping: bool
    timezone: str
    starts_ms: int | None
    ends_ms: int | None
    exits: tuple[Trigger | AudienceTrigger, ...]
    goal: Goal | None
    priority: int
    seeds: tuple[Seed, ...]
    steps: Mapping[str, CampaignStep]
    stages: tuple[Stage, ...]
    description: str = ""
    tags: tuple[str, ...] = ()
    messages: Mapping[str, Message] = field(default_factory=dict, repr=False)
    tables: Mapping[str, Table] = field(default_factory=dict, repr=False)

    def columns_of(self, source: SetRef) -> Mapping[str, Column]:
        """The columns of a set, which `row` has in a step that takes it."""
        return self.steps[source.step].columns
