"""Which calls that make a shard stand still, or go on, come too late?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from parcours.clock import ManualClock
from parcours.shard.host import ShardHost
from parcours.shard.requests import GetHolding, Hold, LetIn, Publish, Release, Request

if TYPE_CHECKING:
    from tests.shard.conftest import World

ENDINGS: list[Callable[[int, World], Request[None]]] = [
    lambda attempt, world: Release(attempt),
    lambda attempt, world: Publish(attempt, world.shard.holding().publications),
    lambda attempt, world: LetIn(attempt, "a journey", 0, world.shard.holding().stamp_ms, 0),
]
"""What ends an attempt, of its number."""


def host_of(world: World) -> ShardHost:
    return ShardHost(world.shard, world.store, ManualClock(world.now_ms), lambda channel: None)


async def is_held(host: ShardHost) -> bool:
    return (await host.ask(GetHolding())).held


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_shard_does_not_stand_still_for_an_attempt_that_is_over(
    world: World, ending: Callable[[int, World], Request[None]]
) -> None:
    async def scenario() -> None:
        host = host_of(world)
        await host.ask(Hold(1))
        await host.ask(ending(1, world))

        await host.ask(Hold(1))

        assert not await is_held(host)
        await host.ask(Hold(2))
        assert await is_held(host)
        await host.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_shard_that_stands_still_does_not_go_on_because_an_older_attempt_is_over(
    world: World, ending: Callable[[int, World], Request[None]]
) -> None:
    async def scenario() -> None:
        host = host_of(world)
        await host.ask(Hold(1))
        await host.ask(ending(1, world))
        await host.ask(Hold(2))

        await host.ask(ending(1, world))

        assert await is_held(host)
        await host.ask(ending(2, world))
        assert not await is_held(host)
        await host.close()

    asyncio.run(scenario())


def test_an_attempt_may_be_over_for_a_shard_before_it_has_heard_that_it_began(world: World) -> None:
    async def scenario() -> None:
        host = host_of(world)
        await host.ask(Release(1))

        await host.ask(Hold(1))

        assert not await is_held(host)
        await host.close()

    asyncio.run(scenario())
