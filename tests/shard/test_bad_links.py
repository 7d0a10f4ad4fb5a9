"""What clients send that would make people one who are not: no two known people share a name, and nobody is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.shard.moving_world import MovingWorld, name_in

from parcours.config import Settings
from parcours.core.fact import Merged, NotMerged
from parcours.journey.project import Project

NewShop = Callable[..., Project]


@pytest.fixture(params=[1, 2], ids=["one shard", "two shards"])
def world(request: pytest.FixtureRequest, new_shop: NewShop) -> MovingWorld:
    return MovingWorld(new_shop(history="used"), request.param, Settings(identities_max=100))


@pytest.fixture
def anna(world: MovingWorld) -> str:
    return name_in(0, world.shards, "anna")


@pytest.fixture
def bert(world: MovingWorld) -> str:
    return name_in(world.shards - 1, world.shards, "bert")


def alias(world: MovingWorld, previous: str, user: str) -> None:
    world.say(type="alias", previousId=previous, userId=user)
    world.settle()


def merged(world: MovingWorld) -> list[tuple[str, str]]:
    return [(fact.name, fact.person) for fact in world.facts() if isinstance(fact, Merged)]


def not_merged(world: MovingWorld) -> list[str]:
    return [fact.reason for fact in world.facts() if isinstance(fact, NotMerged)]


def test_a_circle_of_aliases_merges_once_and_the_way_back_finds_it_done(
    world: MovingWorld, anna: str, bert: str
) -> None:
    world.track(anna, "Started")
    world.track(bert, "Started")

    alias(world, anna, bert)
    alias(world, bert, anna)

    assert merged(world) == [(anna, bert)]
    assert world.identity(bert).moved_to is None
    assert len(world.profile(bert).runs) == 1  # of the same cart: hers survives
    assert world.standing_still() == 0


def test_there_are_no_chains(world: MovingWorld, anna: str, bert: str) -> None:
    visitor = name_in(0, world.shards, "@anonymous/v")
    world.track(visitor, "Started")
    world.identify(bert, visitor)
    world.settle()

    alias(world, bert, anna)

    assert merged(world) == [(visitor, bert)]
    assert not_merged(world) == ["two_known"]
    assert world.identity(visitor).moved_to == bert


def test_the_hundred_and_first_name_stays_somebody_else(world: MovingWorld, anna: str) -> None:
    for number in range(101):
        world.identify(anna, f"v{number}")
        world.settle()

    assert len(world.identity(anna).names) == 100
    assert not_merged(world) == ["identities_max"]
    world.track("@anonymous/v100", "Started")
    assert world.profile("@anonymous/v100").counts == {"remind": 1}


def test_an_alias_of_nobody_is_kept_for_whoever_comes(world: MovingWorld, anna: str) -> None:
    nobody = name_in(world.shards - 1, world.shards, "@anonymous/n")

    alias(world, nobody.removeprefix("@anonymous/"), anna)
    world.track(nobody, "Started")

    assert world.profile(anna).counts == {"remind": 1}
    assert not not_merged(world)


@pytest.mark.parametrize("nobody", ["undefined", "null", " NULL ", "0", "[object Object]", "anonymous"])
@pytest.mark.parametrize("call", ["identify", "alias"])
def test_a_placeholder_links_nobody(world: MovingWorld, anna: str, bert: str, nobody: str, call: str) -> None:
    world.track(f"@anonymous/{nobody}", "Started")

    for user in (anna, bert):
        if call == "alias":
            alias(world, nobody, user)
        else:
            world.identify(user, nobody)
            world.settle()

    assert (merged(world), not_merged(world)) == ([], ["no_id", "no_id"])
    assert not world.identity(anna).names and not world.identity(bert).names


def test_an_empty_previous_id_links_nobody(world: MovingWorld, anna: str) -> None:
    alias(world, "", anna)

    assert (merged(world), not_merged(world)) == ([], [])
