"""People and their inboxes: what is laid there, and what a person sees and does whose app looks at it now and then.

What is seen at a look is part of the ledgers, with how much of the journal the shard that answered can know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from parcours.channel import Feedback, Reaction
from parcours.core.effect import Outgoing
from parcours.core.input import Placed
from parcours.errors import ParcoursError
from parcours.journey.program import Program
from parcours.segment.reports import feedback_line
from parcours.testing.faults.chance import between, share
from parcours.testing.faults.layout import SHARDS, SLOT_MAP
from parcours.testing.faults.plan import WORK_S

if TYPE_CHECKING:
    from parcours.testing.faults.client import Client
    from parcours.testing.faults.cluster import Cluster
    from parcours.testing.faults.loop import SimulatedLoop

LOOK_EVERY_S: Final = 15_000.0
"""Pause between two looks at most: some dozens of them in a run."""

REACTIONS: Final[tuple[tuple[Reaction, ...], ...]] = (
    ("delivered",),
    ("opened",),
    ("opened", "clicked"),
    ("clicked",),
    ("dismissed",),
    (),
)
"""What a person does with an entry that she sees, one after the other; each is about as likely."""

REACTS_WITHIN_S: Final = 20_000.0


class Look(msgspec.Struct, frozen=True):
    """What a person saw.

    shard    the place of hers
    commits  how many records of its journal the copy can know of that answered
    keys     of the entries, in their order
    """

    person: str
    shard: int
    commits: int
    keys: tuple[str, ...]


def lay(outgoing: Outgoing, program: Program) -> Placed:
    """Renders nothing, and what is laid is never pinned: satisfies `Answering`."""
    del program
    return Placed(outgoing.key, outgoing.message.encode(), pinned=False)


class Apps:
    """The apps of all people: each looks at the inbox of its person, and tells what she does with what she sees."""

    def __init__(self, loop: SimulatedLoop, cluster: Cluster, client: Client) -> None:
        self.looks: list[Look] = []
        self._loop = loop
        self._cluster = cluster
        self._client = client
        self._seen: set[str] = set()
        self._look_again_later()

    def _look_again_later(self) -> None:
        after_s = between(1.0, LOOK_EVERY_S, self._cluster.seed, "look", len(self.looks), self._loop.time())
        if self._loop.time() + after_s < WORK_S:
            self._loop.outside(after_s, self._begin)

    def _begin(self) -> None:
        self._loop.spawn_outside(self._go_round())

    async def _go_round(self) -> None:
        for person in sorted({line.person for line in self._client.lines}):
            await self._look_at(person)
        self._look_again_later()

    async def _look_at(self, person: str) -> None:
        """Ask the copy that is taken for the current one: how much it knows of is then known for sure."""
        place = self._cluster.shards[SHARDS.index(SLOT_MAP.shard(person))]
        copy = place.current
        if copy is None or copy.host is None or copy.process.is_dead:
            return
        epoch = copy.host.epoch
        try:
            entries = (await copy.host.people.inbox(person)).entries
        except ParcoursError:
            return  # it has to be opened again
        known = sum(commit.epoch <= epoch for commit in place.disk.commits)
        self.looks.append(Look(person, place.number, known, tuple(entry.key for entry in entries)))
        for entry in entries:
            self._react(person, entry.key)

    def _react(self, person: str, key: str) -> None:
        if key in self._seen:
            return
        self._seen.add(key)
        after_s = 0.0
        for reaction in REACTIONS[int(share(self._cluster.seed, "reacts", key) * len(REACTIONS))]:
            after_s += between(1.0, REACTS_WITHIN_S, self._cluster.seed, reaction, key)
            self._client.report(after_s, person, feedback_line(Feedback(key=key, reaction=reaction)))
