"""What keeps a shard going: whom does its host wake, and when does its alarm ring?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from parcours.channel import Accepted, Ambiguous
from parcours.clock import ManualClock, SystemClock
from parcours.config import Settings
from parcours.errors import StoreBroken
from parcours.shard.host import ShardHost
from parcours.shard.requests import ExchangeDeliveries
from parcours.store.memory import MemoryStore
from parcours.store.store import Record

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World


class StoppingStore(MemoryStore):
    """A disk that takes so many records and no more."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def append(self, record: Record) -> int:
        if record.sequence > self._room:
            raise StoreBroken("the disk is full")
        return super().append(record)


class AskedClock(ManualClock):
    """A clock that tells when it is asked for the time."""

    def __init__(self, now_ms: int) -> None:
        super().__init__(now_ms)
        self._asked = asyncio.Event()

    def now_ms(self) -> int:
        self._asked.set()
        return super().now_ms()

    async def asked_again(self) -> None:
        self._asked.clear()
        await self._asked.wait()


def test_a_channel_is_woken_once_until_its_dispatcher_has_come(world: World, lines: Lines) -> None:
    async def scenario() -> None:
        woken: list[str] = []
        host = ShardHost(world.shard, world.store, ManualClock(world.now_ms), woken.append)

        await host.take(world.batch(lines.identify("anna"), lines.track("anna", "Ordered")))
        await host.take(world.batch(lines.identify("bert"), lines.track("bert", "Ordered")))
        assert woken == ["email"]

        first = await host.exchange(ExchangeDeliveries([], "email", 1, "d", 1))
        assert first.more and woken == ["email"], "the dispatcher knows, and comes again"
        second = await host.exchange(ExchangeDeliveries([], "email", 1, "d", 2))
        receipts = [(1, Accepted(each.key)) for each in first.outgoing]
        receipts += [(2, Accepted(each.key)) for each in second.outgoing]
        await host.exchange(ExchangeDeliveries(receipts, "email", 0, "d", 3))
        await host.take(world.batch(lines.identify("carl"), lines.track("carl", "Ordered")))
        assert woken == ["email", "email"]
        await host.close()

    asyncio.run(scenario())


def test_timers_that_fire_before_a_claim_wake_the_other_channels(world: World, lines: Lines) -> None:
    async def scenario() -> None:
        woken: list[str] = []
        clock = ManualClock(world.now_ms)
        host = ShardHost(world.shard, world.store, clock, woken.append)
        await host.take(world.batch(lines.identify("anna"), lines.track("anna", "Ordered")))
        await host.take(world.batch(lines.track("anna", "Posted")))

        clock.move_to(world.now_ms + 20_001)
        await host.exchange(ExchangeDeliveries([], "email", 1, "d", 1))

        assert woken == ["email", "sms"]
        await host.close()

    asyncio.run(scenario())


def test_whoever_follows_a_lost_dispatcher_is_woken_anew(world: World, lines: Lines) -> None:
    async def scenario() -> None:
        woken: list[str] = []
        host = ShardHost(world.shard, world.store, ManualClock(world.now_ms), woken.append)
        for person in ("anna", "bert"):
            await host.take(world.batch(lines.identify(person), lines.track(person, "Ordered")))
        await host.exchange(ExchangeDeliveries([], "email", 1, "lost", 1))

        await host.give_up("lost")

        assert woken == ["email", "email"]
        assert world.states("anna") == ["unknown"]
        await host.exchange(ExchangeDeliveries([(1, Ambiguous("k", "too late"))], "email", 0, "lost", 2))
        await host.close()

    asyncio.run(scenario())


def test_the_alarm_rings_when_the_next_timer_is_due(new_world: Callable[..., World], lines: Lines) -> None:
    async def scenario() -> None:
        clock = SystemClock(Settings().clock_jump_max_ms)
        world = new_world(now_ms=clock.now_ms() - 20_000)  # somebody whose time is up this very moment
        woken = asyncio.Event()
        world.take(lines.identify("anna"), lines.track("anna", "Started"))
        host = ShardHost(world.shard, world.store, clock, lambda _: woken.set())

        host.look()

        async with asyncio.timeout(30):
            await woken.wait()
        assert world.shard.ready() == {"email": 1}
        await host.close()

    asyncio.run(scenario())


def test_whoever_comes_while_timers_fire_has_a_turn_after_few_slices_however_many_rounds_it_takes_to_ask(
    new_world: Callable[..., World], lines: Lines
) -> None:
    async def scenario() -> None:
        clock = SystemClock(Settings().clock_jump_max_ms)
        world = new_world(now_ms=clock.now_ms() - 60_000, settings=Settings(due_people_max=1))
        people = [f"shopper-{number}" for number in range(60)]
        world.take(*(line for person in people for line in (lines.identify(person), lines.track(person, "Started"))))
        firing = asyncio.Event()
        host = ShardHost(world.shard, world.store, clock, lambda _: firing.set())
        host.look()

        async with asyncio.timeout(30):
            await firing.wait()
            fired = world.shard.ready()["email"]
            for _ in range(6):
                await asyncio.sleep(0)
            await host.take(world.batch(lines.identify("anna")))
            assert world.shard.ready()["email"] - fired <= 2
        await host.close()

    asyncio.run(scenario())


def test_a_clock_that_jumps_ahead_is_noticed_and_until_then_nothing_is_written(
    new_world: Callable[..., World], lines: Lines
) -> None:
    async def scenario() -> None:
        world = new_world()
        clock, woken = AskedClock(world.now_ms), asyncio.Event()
        world.take(lines.identify("anna"), lines.track("anna", "Started"))
        host = ShardHost(world.shard, world.store, clock, lambda _: woken.set())
        host.look()
        written = world.shard.commits.sequence

        async with asyncio.timeout(30):
            await clock.asked_again()
            assert (world.shard.commits.sequence, woken.is_set()) == (written, False)
            clock.move_to(world.now_ms + 1_000_000)
            await woken.wait()
        assert world.shard.ready() == {"email": 1}
        await host.close()

    asyncio.run(scenario())


def test_an_alarm_that_finds_the_store_broken_leaves_word_for_whoever_asks(
    new_world: Callable[..., World], lines: Lines
) -> None:
    async def scenario() -> None:
        clock = SystemClock(Settings().clock_jump_max_ms)
        world = new_world(now_ms=clock.now_ms() - 40_000, store=StoppingStore(1))
        world.take(lines.identify("anna"), lines.track("anna", "Started"))
        host = ShardHost(world.shard, world.store, clock, lambda _: None)
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

        host.look()
        with pytest.raises(StoreBroken, match="open it again"):
            await ask_until_it_fails(host)

        assert not complaints
        await host.close()

    asyncio.run(scenario())


async def ask_until_it_fails(host: ShardHost) -> None:
    async with asyncio.timeout(30):
        while True:
            await host.status()
            await asyncio.sleep(0)
