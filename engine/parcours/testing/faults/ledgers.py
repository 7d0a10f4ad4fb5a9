"""What a run has left behind to be judged by: the client's ledger, the providers', and those of the shards' disks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from parcours.config import Settings
from parcours.core.fact import DeliveryReached, Fact, Merged
from parcours.core.profile import Profile
from parcours.core.totals import Totals
from parcours.journey.publish.ledger import Ledger
from parcours.shard.messages import ExportRecord
from parcours.testing.faults.changes import Changed
from parcours.testing.faults.client import Line
from parcours.testing.faults.disk import Commit, SetAside
from parcours.testing.faults.inboxes import Look
from parcours.testing.faults.provider import Attempt
from parcours.testing.faults.twin import Twin

RunId: TypeAlias = tuple[str, str, int | None]
"""(person, journey, number)"""


@dataclass(frozen=True, slots=True)
class ShardEnd:
    """A shard at the end of a run.

    commits          its ledger of records
    states, totals   as the living shard has them
    restored_...     as they come back from the disk
    ledger           what is published; None if nobody has looked
    found            what was seen on the way that must not be
    exported         the records that the exporter has, in their order; None if there was none
    letters          how many dead letters are left
    standing_still   who waits for another shard's answer
    """

    commits: Sequence[Commit]
    states: Mapping[str, Profile]
    restored: Mapping[str, Profile]
    totals: Totals
    restored_totals: Totals
    end_ms: int
    found: Sequence[str] = ()
    ledger: Ledger | None = None
    restored_ledger: Ledger | None = None
    exported: Sequence[ExportRecord] | None = None
    letters: int = 0
    standing_still: Collection[str] = ()


@dataclass(frozen=True)
class Ledgers:
    """All that there is to judge by.

    starts  how often the engine has been started
    found   what was seen while it happened
    changes  the client's ledger of changes
    looks   what people saw in their inboxes
    merges  whether people may have been merged: then there is no twin, which knows of one shard only
    apart   those with whom nobody is merged even so: their twins are there
    """

    lines: Sequence[Line]
    attempts: Sequence[Attempt]
    shards: Sequence[ShardEnd]
    settings: Settings
    starts: int = 1
    found: Sequence[str] = field(default=())
    changes: Sequence[Changed] = ()
    looks: Sequence[Look] = ()
    merges: bool = False
    apart: Collection[str] = ()

    @cached_property
    def twins(self) -> list[Twin]:
        """The twin of each shard; none where people may have been merged."""
        if self.merges:
            return []
        owners = {line.data: line.person for line in self.lines}
        twins = []
        for shard in self.shards:
            twin = Twin(self.settings, owners)
            twin.follow(shard.commits, shard.end_ms)
            twins.append(twin)
        return twins

    def has_twin(self, person: str) -> bool:
        """Whether she is never merged with anybody."""
        return not self.merges or person in self.apart

    @cached_property
    def states(self) -> dict[str, Profile]:
        return {person: profile for shard in self.shards for person, profile in shard.states.items()}

    @cached_property
    def restored(self) -> dict[str, Profile]:
        return {person: profile for shard in self.shards for person, profile in shard.restored.items()}

    @cached_property
    def commits_in_order(self) -> list[Commit]:
        """Of all shards, as they became durable."""
        return sorted((commit for shard in self.shards for commit in shard.commits), key=lambda commit: commit.place)

    @cached_property
    def facts_in_order(self) -> list[Fact]:
        """Of all shards, as they became durable."""
        return [fact for commit in self.commits_in_order for fact in commit.facts]

    @cached_property
    def applied(self) -> list[bytes]:
        """Each line that counts, in the order of each person's: by the twins, or by what the shards have committed."""
        if self.merges:
            return [line for commit in self.commits_in_order for line in commit.applied or ()]
        return [line for twin in self.twins for line in twin.applied]

    @cached_property
    def set_aside(self) -> set[bytes]:
        """Each line that became a dead letter."""
        given = (each for shard in self.shards for commit in shard.commits for each in commit.given)
        return {each.line for each in given if isinstance(each, SetAside)}

    @cached_property
    def moved_to(self) -> dict[RunId, RunId]:
        """By (person, journey, number), what an open run was called once its person had been merged."""
        return {
            (fact.name, run.journey, run.number): (fact.person, run.journey, run.to)
            for fact in self.facts
            if isinstance(fact, Merged)
            for run in fact.runs
        }

    @cached_property
    def facts(self) -> list[Fact]:
        """Of all shards, in the order of their records."""
        return [fact for shard in self.shards for commit in shard.commits for fact in commit.facts]

    @cached_property
    def outcomes(self) -> dict[str, list[DeliveryReached]]:
        """By key, what became of each delivery."""
        outcomes = defaultdict(list)
        for fact in self.facts_in_order:
            if isinstance(fact, DeliveryReached):
                outcomes[fact.key].append(fact)
        return outcomes
