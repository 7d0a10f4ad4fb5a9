"""What a run has left behind to be judged by: the client's ledger, the providers', and those of the shards' disks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from parcours.config import Settings
from parcours.core.fact import DeliveryReached, Fact
from parcours.core.profile import Profile
from parcours.core.totals import Totals
from parcours.journey.publish.ledger import Ledger
from parcours.shard.messages import ExportRecord
from parcours.testing.faults.changes import Changed
from parcours.testing.faults.client import Line
from parcours.testing.faults.disk import Commit
from parcours.testing.faults.inboxes import Look
from parcours.testing.faults.provider import Attempt
from parcours.testing.faults.twin import Twin


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


@dataclass(frozen=True)
class Ledgers:
    """All that there is to judge by.

    starts  how often the engine has been started
    found   what was seen while it happened
    changes  the client's ledger of changes
    looks   what people saw in their inboxes
    """

    lines: Sequence[Line]
    attempts: Sequence[Attempt]
    shards: Sequence[ShardEnd]
    settings: Settings
    starts: int = 1
    found: Sequence[str] = field(default=())
    changes: Sequence[Changed] = ()
    looks: Sequence[Look] = ()

    @cached_property
    def twins(self) -> list[Twin]:
        """The twin of each shard."""
        owners = {line.data: line.person for line in self.lines}
        twins = []
        for shard in self.shards:
            twin = Twin(self.settings, owners)
            twin.follow(shard.commits, shard.end_ms)
            twins.append(twin)
        return twins

    @cached_property
    def states(self) -> dict[str, Profile]:
        return {person: profile for shard in self.shards for person, profile in shard.states.items()}

    @cached_property
    def facts(self) -> list[Fact]:
        """Of all shards, in the order of their records."""
        return [fact for shard in self.shards for commit in shard.commits for fact in commit.facts]

    @cached_property
    def outcomes(self) -> dict[str, list[DeliveryReached]]:
        """By key, what became of each delivery."""
        outcomes = defaultdict(list)
        for fact in self.facts:
            if isinstance(fact, DeliveryReached):
                outcomes[fact.key].append(fact)
        return outcomes
