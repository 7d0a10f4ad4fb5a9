"""Deliveries of a journey that is about to be stopped: do they stay here, and go back once that has been decided?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import pytest

from parcours.channel import NotSent
from parcours.config import Settings
from parcours.dispatch.breaker import Breaker
from parcours.dispatch.dispatcher import KEPT_BACK, Dispatcher

if TYPE_CHECKING:
    from tests.dispatch.conftest import HandingShard, NoteChannel

    from parcours.core.effect import Outgoing
    from parcours.dispatch.render import Renderer


NewShard = Callable[..., "HandingShard"]
NewEntry = Callable[..., "Outgoing"]
NewDispatcher = Callable[..., Dispatcher]


@pytest.fixture
def channel(new_channel: Callable[[], NoteChannel]) -> NoteChannel:
    return new_channel()


@pytest.fixture
def new_dispatcher(channel: NoteChannel, new_renderer: Callable[..., Renderer]) -> NewDispatcher:
    return lambda **parts: Dispatcher("note-1", "note", channel, new_renderer(text="Hello"), Settings(), **parts)


def test_what_is_claimed_of_it_goes_back_untried_and_others_leave(
    channel: NoteChannel, new_shard: NewShard, new_entry: NewEntry, new_dispatcher: NewDispatcher
) -> None:
    async def scenario() -> None:
        stopped, other = new_entry(1), msgspec.structs.replace(new_entry(2), journey="other")
        shard = new_shard([stopped, other])
        dispatcher = new_dispatcher()
        await dispatcher.start([shard])
        dispatcher.keep_back("j")

        dispatcher.wake(0)
        await shard.until_settled(1)
        before = dict(shard.receipts)
        dispatcher.let_go("j")
        await shard.until_settled(2)
        shard.queued.append(new_entry(3))
        dispatcher.wake(0)
        await shard.until_settled(3)
        await dispatcher.stop()

        assert list(before) == ["k2"], "of another journey, which waits for nobody"
        assert shard.receipts["k1"] == NotSent("k1", KEPT_BACK, tried=False)
        assert [each.key for call in channel.calls for each in call] == ["k3"], "what comes later leaves"

    asyncio.run(scenario())


def test_a_dispatcher_that_stops_gives_back_what_it_keeps(
    new_shard: NewShard, new_entry: NewEntry, new_dispatcher: NewDispatcher
) -> None:
    async def scenario() -> None:
        shard = new_shard([msgspec.structs.replace(new_entry(1), journey="cart"), new_entry(2)])
        dispatcher = new_dispatcher()
        await dispatcher.start([shard])
        dispatcher.keep_back("cart")
        dispatcher.wake(0)
        await shard.until_settled(1)

        await dispatcher.stop()

        assert shard.receipts["k1"] == NotSent("k1", KEPT_BACK, tried=False)

    asyncio.run(scenario())


def test_a_probe_that_is_kept_back_makes_room_for_another_one(
    new_shard: NewShard, new_entry: NewEntry, new_dispatcher: NewDispatcher
) -> None:
    async def scenario() -> None:
        shard = new_shard([new_entry(1), msgspec.structs.replace(new_entry(2), journey="other")])
        breaker = Breaker(Settings())
        breaker.hear(0.0, NotSent("k0", "down", of_channel=True), "u0")
        dispatcher = new_dispatcher(breaker=breaker)
        await dispatcher.start([shard])
        dispatcher.keep_back("j")

        dispatcher.wake(0)
        await shard.until_settled(1)
        await dispatcher.stop()

        assert [size for size, _ in shard.claims] == [1, 1], "one after the other, as the channel was away"
        assert list(shard.receipts) == ["k2", "k1"]

    asyncio.run(scenario())
