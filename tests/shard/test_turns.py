"""Who changes a shard now, and who may look in meanwhile?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from typing import TYPE_CHECKING

import pytest

from parcours.clock import ManualClock
from parcours.errors import ShardUnavailable
from parcours.shard.host import ShardHost
from parcours.shard.requests import ExchangeDeliveries
from parcours.shard.turns import SLICE_S

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

PEOPLE = 30


def in_a_slow_process(scenario: Coroutine[object, object, None]) -> None:
    """Run it where each look at the clock is a slice later, so that every step of a batch is one."""
    loop = asyncio.new_event_loop()
    try:
        seconds = count()
        loop.time = lambda: next(seconds) * 2 * SLICE_S  # type: ignore[method-assign]  # the seam of asyncio's clock
        loop.run_until_complete(scenario)
    finally:
        loop.close()


def host_of(world: World) -> ShardHost:
    return ShardHost(world.shard, world.store, ManualClock(world.now_ms), lambda channel: None)


def crowd(lines: Lines) -> list[bytes]:
    return [lines.identify(f"p{number}") for number in range(PEOPLE)]


def test_a_busy_shard_answers_in_the_middle_of_a_batch_from_what_is_committed(world: World, lines: Lines) -> None:
    async def scenario() -> None:
        host = host_of(world)
        batch = world.batch(*crowd(lines))
        taking = asyncio.ensure_future(host.take(batch))

        seen = []
        while not taking.done():
            seen.append((await host.status()).people)
            await asyncio.sleep(0)

        assert seen.count(0) > PEOPLE / 2, "it answers all the while"
        assert set(seen) <= {0, PEOPLE}, "a batch is seen as a whole or not at all"
        assert (await host.status()).people == PEOPLE
        await host.close()

    in_a_slow_process(scenario())


def test_changes_are_made_one_after_another_first_come_first_served(world: World, lines: Lines) -> None:
    async def scenario() -> None:
        host = host_of(world)
        batches = [world.batch(*crowd(lines)), world.batch(lines.track("p1", "Ordered"))]

        taking = [asyncio.ensure_future(host.take(batch)) for batch in batches]
        await asyncio.sleep(0)
        claims = await host.exchange(ExchangeDeliveries([], "email", 9, "d", 1))

        assert [(await answer).expected for answer in taking] == [None, None]
        assert [each.person for each in claims.outgoing] == ["p1"]
        await host.close()

    in_a_slow_process(scenario())


def test_a_batch_of_which_nobody_waits_for_the_answer_is_taken_whole(world: World, lines: Lines) -> None:
    async def scenario() -> None:
        host = host_of(world)
        taking = asyncio.ensure_future(host.take(world.batch(*crowd(lines))))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)

        assert taking.cancelled()
        assert (await host.status()).people == PEOPLE
        assert (await host.take(world.batch(lines.identify("p1")))).expected is None
        await host.close()

    in_a_slow_process(scenario())


def test_a_store_is_not_closed_in_the_middle_of_a_batch(new_world: Callable[..., World], lines: Lines) -> None:
    async def scenario() -> None:
        world = new_world()
        host = host_of(world)
        taking = asyncio.ensure_future(host.take(world.batch(*crowd(lines))))
        await asyncio.sleep(0)

        await host.close()

        assert taking.done() and taking.result().expected is None

    in_a_slow_process(scenario())


def test_a_shard_that_is_held_lets_nobody_change_it_but_whoever_ends_that(world: World, lines: Lines) -> None:
    async def scenario() -> None:
        host = host_of(world)
        await host.hold(1)
        taking = asyncio.ensure_future(host.take(world.batch(lines.identify("anna"))))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not taking.done()

        await host.release(1)

        assert (await taking).expected is None
        await host.close()

    in_a_slow_process(scenario())


def test_whoever_waits_for_a_shard_that_is_held_is_told_when_it_is_closed(world: World) -> None:
    async def scenario() -> None:
        host = host_of(world)
        await host.hold(1)
        waiting = asyncio.ensure_future(host.exchange(ExchangeDeliveries([], "email", 1, "d", 1)))
        await asyncio.sleep(0)

        await host.close()

        with pytest.raises(ShardUnavailable):
            await waiting

    asyncio.run(scenario())
