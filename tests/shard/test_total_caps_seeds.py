"""Total caps by chance: people ask, are told and gone, messages and answers come too late, and shards end anywhere."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random

import pytest
from tests.projects import write_texts
from tests.shard.crashing_world import CrashingWorld
from tests.shard.peer_world import CrashingStore
from tests.shard.test_total_caps import ASKS, COUNTS, FEW_MAX, SHOP, counted, held, people

from parcours.core.fact import Decided
from parcours.journey.project import Project

STEPS = 80
PEOPLE = [*people(ASKS, 4), *people(COUNTS, 2)]
LAST = [*people(ASKS, 8)[4:], *people(COUNTS, 4)[2:]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder: Path = tmp_path_factory.mktemp("shop")
    write_texts(folder, SHOP)
    return Project.load(folder)


def live(world: CrashingWorld, chance: Random) -> int:
    """How many lines were acknowledged by which a step decides."""
    deciding = 0
    for number in range(STEPS):
        match chance.randrange(8):
            case 0:
                duration_ms = chance.choice([1, 100, 150, 300, 1_001])
                world.now_ms += duration_ms
                world.insist(lambda: world.pass_ms(0))
            case 1:
                world.crash_at(
                    chance.choice([ASKS, COUNTS]), chance.randrange(1, 4), chance.choice(["before", "after"])
                )
            case 2 | 3:
                pair = chance.choice([(ASKS, COUNTS), (COUNTS, ASKS)])
                world.insist(lambda pair=pair: world.carry(*pair))  # type: ignore[misc]  # it is called at once
            case _:
                who, event = chance.choice(PEOPLE), chance.choice(["Asked", "Told", "Told", "Gone", "Later"])
                line = partial(world.say, f"m{number}", type="track", event=event, properties={}, userId=who)
                is_taken = world.insist(line) is not None
                deciding += is_taken and event == "Asked"
    return deciding


def come_to_rest(world: CrashingWorld) -> None:
    for store in world.stores:
        assert isinstance(store, CrashingStore)
        store.crash = None
    for _ in range(3):
        world.insist(world.settle)
        world.now_ms += 2_000
        world.insist(lambda: world.pass_ms(0))
    world.insist(world.settle)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_no_cap_is_exceeded_and_nothing_is_lost(shop: Project, seed: int) -> None:
    world = CrashingWorld(shop)
    for number, name in enumerate(PEOPLE):
        world.hand_in(f"i{number}", type="identify", userId=name, traits={"email": f"{name}@mail.example"})

    deciding = live(world, Random(seed))
    come_to_rest(world)

    decided = [each.origin for each in world.facts() if isinstance(each, Decided)]
    assert sum(origin.startswith("ask/") for origin in decided) == deciding
    assert held(world) == counted(world) <= FEW_MAX
    for number, name in enumerate(LAST):
        world.hand_in(f"l{number}", type="track", event="Asked", properties={}, userId=name)
    come_to_rest(world)
    assert held(world) == counted(world) == FEW_MAX, "nobody was refused one as long as there was one"
