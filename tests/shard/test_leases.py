"""For how long may routers answer by themselves, and who says so?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from parcours.clock import ManualClock
from parcours.journey.project import Project
from parcours.routing.leases import end_leases
from parcours.routing.patience import Patience
from parcours.shard.host import ShardHost
from parcours.shard.leases import LEASE_S, RUNS_S
from parcours.shard.messages import Answer, Batch, Lease
from parcours.shard.requests import EndLeases, TakeBatch
from parcours.shard.shard import Shard
from parcours.shard.timekeeping import VirtualTime
from parcours.testing.faults.loop import SimulatedLoop

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

    NewWorld = Callable[..., World]
    NewShop = Callable[..., Project]


def host_of(world: World) -> ShardHost:
    return ShardHost(world.shard, world.store, ManualClock(world.now_ms), lambda channel: None)


def asking(world: World, *lines: bytes) -> Batch:
    return replace(world.batch(*lines), alone=(0, 0))


def run_simulated(scenario: Callable[[], object]) -> None:
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(scenario())  # type: ignore[arg-type]  # each is a coroutine


def test_a_lease_is_of_the_ledger_by_which_the_batch_was_taken_and_given_to_who_asks(
    new_world: NewWorld, new_shop: NewShop, lines: Lines
) -> None:
    async def scenario() -> None:
        world = new_world(project=new_shop())
        host = host_of(world)
        ledger = world.shard.holding().publications.ledger.number
        batch = asking(world, lines.track("anna", "Looked"))

        asked = await host.ask(TakeBatch(batch))
        again = await host.ask(TakeBatch(batch))
        unasked = await host.ask(TakeBatch(world.batch(lines.track("anna", "Looked"))))

        assert asked.lease == Lease(ledger) and unasked.lease is None
        assert again.lease is None, "nothing was committed that says whose the shard is now"
        assert (asked.outcomes, again.outcomes) == (b"\0", b"\0")

    run_simulated(scenario)


def test_how_long_a_batch_has_waited_for_its_turn_is_told(new_world: NewWorld, new_shop: NewShop) -> None:
    async def scenario() -> None:
        host = host_of(world := new_world(project=new_shop()))
        async with host._turns:
            taking = asyncio.ensure_future(host.ask(TakeBatch(asking(world))))
            await asyncio.sleep(3)
        lease = (await taking).lease

        assert lease is not None and lease.waited_s == pytest.approx(3)

    run_simulated(scenario)


def test_all_leases_have_run_out_once_their_end_was_waited_for(new_world: NewWorld, new_shop: NewShop) -> None:
    async def scenario() -> None:
        world, loop = new_world(project=new_shop()), asyncio.get_running_loop()
        host = host_of(world)
        assert await end_leases([host], Patience()) == 0, "a new shard has granted none"
        await asyncio.sleep(10)
        sent_s = loop.time()
        await host.ask(TakeBatch(asking(world)))
        await asyncio.sleep(0.3)

        ending = asyncio.ensure_future(end_leases([host], Patience()))
        await asyncio.sleep(0.1)
        meanwhile = await host.ask(TakeBatch(asking(world)))
        waited_ms = await ending

        assert meanwhile.lease is None
        assert loop.time() >= sent_s + LEASE_S
        assert waited_ms >= (LEASE_S - 0.3) * 1_000

    run_simulated(scenario)


def test_leases_are_granted_again_after_a_while(new_world: NewWorld, new_shop: NewShop) -> None:
    async def scenario() -> None:
        world = new_world(project=new_shop())
        host = host_of(world)
        await host.ask(EndLeases(2_000))

        answers = []
        for _ in range(3):
            answers.append((await host.ask(TakeBatch(asking(world)))).lease is not None)
            await asyncio.sleep(1)

        assert answers == [False, False, True]

    run_simulated(scenario)


def test_a_shard_that_is_opened_again_reckons_with_a_lease_of_its_life_before(
    new_world: NewWorld, new_shop: NewShop
) -> None:
    async def scenario() -> None:
        world = new_world(project=new_shop())
        world.shard.publish(world.shard.holding().publications)
        world.reopen()

        assert await host_of(world).ask(EndLeases(1_000)) == RUNS_S * 1_000

    run_simulated(scenario)


def test_lines_that_routers_have_answered_count_with_the_batch_that_tells_of_them(world: World, lines: Lines) -> None:
    told = replace(world.batch(lines.track("anna", "Looked")), alone=(7, 3))

    world.shard.take(told, world.now_ms)
    world.shard.take(told, world.now_ms)  # it comes again

    assert world.shard.totals.totals().lines == (8, 3, 0, 0)
    world.reopen()
    assert world.shard.totals.totals().lines == (8, 3, 0, 0)


def test_under_virtual_time_there_are_no_leases(world: World) -> None:
    shard = Shard(0, world.shard._slots.slot_map, world.program, world.store, world.settings, time=VirtualTime())
    shard.open(0)

    assert shard.take(asking(world), 0) == Answer(1)
