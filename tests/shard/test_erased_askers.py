"""Somebody who asks a total cap in another shard is erased once nothing of hers is under way, and then from both."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.projects import write_texts
from tests.shard.moving_world import MovingWorld, name_in
from tests.shard.test_total_caps import ASKS, COUNTS, SHARDS, SHOP, given_to

from parcours.config import DAY_MS
from parcours.core.offers.totals import TotalCount
from parcours.core.profile import Profile
from parcours.journey.project import Project
from parcours.shard.erasures import Erasure
from parcours.shard.turns import at_once

SALT = b"salt of the shard"

PERSON = name_in(ASKS, SHARDS, "anna-canary")


@pytest.fixture
def world(tmp_path: Path) -> MovingWorld:
    write_texts(tmp_path / "shop", SHOP)
    return MovingWorld(Project.load(tmp_path / "shop"))


def erase(world: MovingWorld) -> Erasure | None:
    """As the service does: in her shard, and if it has forgotten her, what messages have told the other one."""
    erasure = world.each[ASKS].erasing.erase(PERSON, "1-a", SALT, "ada", world.now_ms)
    if erasure is not None:
        slot = world.slot_map.owned_by(COUNTS)[0]
        assert world.each[COUNTS].erasing.erase_traces(slot, PERSON, (), "1-a.shard", SALT, "ada", world.now_ms)
    return erasure


def finish(world: MovingWorld) -> None:
    """Take all steps, when facts have lapsed."""
    world.pass_ms(91 * DAY_MS)
    for shard in world.each:
        while shard.erasing.step(world.now_ms):
            pass
        assert all(each.images and each.journal for each in shard.erasing.erasures.known.values())


def held(world: MovingWorld) -> list[str]:
    """Where the stores have her name."""
    found = []
    for number, store in enumerate(world.stores):
        parts = {f"record {each}": data for each, data in store._records.items()}
        parts |= {f"image {each}": data for each, data in store._images.items()}
        parts |= {f"file {each}": bytes(data) for each, data in store._files.items()}
        found += [f"shard {number}: {where}" for where, data in parts.items() if b"anna-canary" in data]
    return found


def counted(world: MovingWorld) -> int:
    return world.each[COUNTS].asking.totals.counts.get("few", TotalCount()).ever


def test_whoever_stands_still_is_erased_once_she_goes_on(world: MovingWorld) -> None:
    world.track(PERSON, "Asked")
    assert world.each[ASKS].asking.waits(PERSON)

    assert erase(world) is None, "an answer is about to come to her"
    world.settle()
    assert given_to(world) == {PERSON: ["few"]}

    assert erase(world) is not None and world.profile(PERSON) == Profile()
    finish(world)
    assert held(world) == []
    assert counted(world) == 1, "whoever got it is forgotten, and that somebody did is not"


def test_an_ask_that_comes_late_names_nobody_who_was_erased(world: MovingWorld) -> None:
    world.track(PERSON, "Asked")
    world.pass_ms(world.settings.decision_timeout_ms + 1)
    assert not world.each[ASKS].asking.waits(PERSON), "the counting shard was away"

    assert erase(world) is None, "it would hear of her after she was erased there"
    world.settle()

    assert erase(world) is not None and counted(world) == 0
    finish(world)
    assert held(world) == []


@pytest.mark.parametrize("is_known", [False, True], ids=["refused", "came"])
def test_an_answer_that_was_lost_keeps_her_name_in_no_other_shard(world: MovingWorld, is_known: bool) -> None:
    visitor, shard = name_in(COUNTS, SHARDS, "@anonymous/v"), world.each[COUNTS]
    if is_known:
        world.track(visitor, "Asked")
        world.settle()
    world.identify(PERSON, visitor)
    assert world.carry(ASKS, COUNTS), "it is asked whether the visitor comes"
    batch = shard.exchanging.batch(ASKS)
    assert batch is not None
    taken = at_once(world.each[ASKS].exchanging.taking(batch, world.now_ms))

    slot = world.slot_map.owned_by(COUNTS)[0]
    traces = (slot, PERSON, (), "1-a.shard", SALT, "ada")
    assert not shard.erasing.erase_traces(*traces, world.now_ms), "its message names her, for all that it knows"
    assert shard.erasing.erase(visitor, "1-b", SALT, "ada", world.now_ms) is None

    shard.exchanging.answered(ASKS, taken, world.now_ms)
    world.settle()
    assert shard.erasing.erase(visitor, "1-b", SALT, "ada", world.now_ms) is not None
    assert world.each[ASKS].erasing.erase(PERSON, "1-a", SALT, "ada", world.now_ms, [visitor]) is not None
    assert shard.erasing.erase_traces(*traces, world.now_ms)
    finish(world)
    assert held(world) == []
