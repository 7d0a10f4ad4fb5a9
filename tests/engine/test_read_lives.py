"""Does everybody enter by a read who was in its audience at the instant, whatever happens around it?"""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from tests.engine.read_lives import MINUTE_MS, READ_MS, Killer, World, life, project

LAST_MS = READ_MS + MINUTE_MS
UNTIL_MS = LAST_MS + MINUTE_MS - 1


def check(world: World) -> None:
    """What was made is as under virtual time, and every shard was told the same."""
    assert world.entries() == world.expected(UNTIL_MS)
    assert all(len(told) == 1 for told in world.let_in.values()), "all shards are told one time"
    assert {("letter", LAST_MS), ("offer", LAST_MS)} <= world.let_in.keys(), "the newest is made in any case"


@pytest.mark.parametrize("seed", range(60))
def test_a_killed_life_has_the_entries_of_its_virtual_twin(seed: int) -> None:
    chance = Random(seed)
    kills = chance.sample(range(3, 150), chance.randrange(5))
    world = World(project(), life(seed), Killer(kills), patience=chance, slice_people=chance.choice((1, 2, 100)))

    asyncio.run(world.play(UNTIL_MS))

    check(world)
