"""A shard on PostgreSQL whose connection ends at any of its commits goes on as if nothing had happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from tests.postgres import drop, new_address
from tests.shard.conftest import Lines, World

from parcours.config import MINUTE_MS, Settings
from parcours.errors import StoreBroken
from parcours.journey.program import Program
from parcours.shard.shard import Shard
from parcours.store.address import prepare
from parcours.store.postgres.store import PostgresStore
from parcours.store.postgres.url import postgres_address as parts_of
from parcours.store.store import Record

IMAGING = Settings(journal_bytes_max=1)
"""With each commit an image is renewed, too."""

PEOPLE = ("anna", "bert", "carl")

Step = Callable[[World, Lines], object]

LIFE: tuple[Step, ...] = (
    lambda world, lines: world.take(*[lines.identify(person) for person in PEOPLE]),
    lambda world, lines: world.take(lines.track("anna", "Started", "c1", "m1"), lines.track("bert", "Started")),
    lambda world, lines: world.take(
        lines.track("anna", "Bought", "c1", "m2"), lines.track("anna", "Started", "c1", "m1")
    ),
    lambda world, lines: world.pass_ms(20_001),
    lambda world, lines: world.take(lines.track("carl", "Ordered"), lines.track("anna", "Started", "c2", "m3")),
    lambda world, lines: world.pass_ms(5 * MINUTE_MS),
)


COMMITS = 6
"""Of that life: one for each step."""


class CutStore(PostgresStore):
    """Its connection ends at one of its appends: before it, or when the server has answered and nobody has heard it."""

    appends = 0
    cut_at = 0
    is_kept = False

    def append(self, record: Record) -> int:
        self.appends += 1
        if self.appends != self.cut_at:
            return super().append(record)
        if self.is_kept:
            super().append(record)
        self._session.close()
        self._broken = "the line has been cut"
        raise StoreBroken(self._broken)


@dataclass
class PostgresWorld(World):
    """A world whose store is in PostgreSQL."""

    address: str = ""
    cut_at: int = 0
    is_kept: bool = False
    opened: list[CutStore] = field(default_factory=list)

    def reopen(self) -> Shard:
        while self.opened:
            self.opened.pop().close()
        store = CutStore(parts_of(self.address), 0)
        store.cut_at, store.is_kept, self.cut_at = self.cut_at, self.is_kept, 0
        self.opened.append(store)
        self.store = store  # type: ignore[assignment]  # what is asked of it, every store has
        return super().reopen()


def told(world: World) -> list[object]:
    """What became of everybody, what the journal tells, and what is about to leave."""
    profiles = [world.shard.profile(person) for person in PEOPLE]
    return [profiles, world.facts(), [outgoing.key for outgoing in world.claim()]]


def lead(world: World, lines: Lines) -> None:
    """Lead the life to its end: what fails is asked for again once the shard has come back, as routers do."""
    for step in LIFE:
        batches, now_ms = world.batches, world.now_ms
        try:
            step(world, lines)
        except StoreBroken:
            world.batches, world.now_ms = batches, now_ms
            world.reopen()
            step(world, lines)


@pytest.fixture(scope="module")
def twin(new_world: Callable[..., World]) -> list[object]:
    """What is told of a world in which nothing goes wrong."""
    world = new_world(settings=IMAGING)
    lead(world, Lines())
    assert [record.sequence for record in world.store.records()][-1] == COMMITS
    return told(world)


@pytest.mark.parametrize("is_kept", [False, True])
@pytest.mark.parametrize("cut_at", range(1, COMMITS + 1))
def test_a_connection_that_ends_at_any_commit_changes_nothing(
    twin: list[object], program: Program, lines: Lines, postgres_url: str, cut_at: int, is_kept: bool
) -> None:
    address = new_address(postgres_url)
    prepare(address, "shop", 1)
    world = PostgresWorld(program, settings=IMAGING, address=address, cut_at=cut_at, is_kept=is_kept)

    lead(world, lines)

    assert world.cut_at == 0 and told(world) == twin
    world.opened.pop().close()
    drop(postgres_url, address)
