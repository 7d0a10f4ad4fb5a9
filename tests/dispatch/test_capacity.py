"""Is as much claimed as can start now, and is every place used again as soon as it is free?"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest
from tests.dispatch.runs import run_until_settled
from tests.routing.conftest import SkippingLoop

from parcours.channel import CAPACITY, Accepted, Delivery, Receipt
from parcours.config import Settings
from parcours.core.effect import Outgoing
from parcours.dispatch.dispatcher import Dispatcher
from parcours.dispatch.outsiders import capacity_of, handed_over_max
from parcours.dispatch.render import Renderer
from parcours.errors import ShardUnavailable
from parcours.shard.requests import ExchangeDeliveries

if TYPE_CHECKING:
    from tests.dispatch.conftest import HandingShard, NoteChannel

    NewShard = Callable[..., HandingShard]
    NewChannel = Callable[[], NoteChannel]

NewEntry = Callable[..., Outgoing]
NewRenderer = Callable[..., Renderer]


def new_dispatcher(channel: NoteChannel, new_renderer: NewRenderer) -> Dispatcher:
    return Dispatcher("note-1", "note", channel, new_renderer(), Settings())


class Gates:
    """Each delivery waits for its own gate."""

    def __init__(self, channel: NoteChannel) -> None:
        self._channel = channel
        self._open: dict[str, asyncio.Event] = {}
        channel.send = self.send  # type: ignore[method-assign]

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        (delivery,) = deliveries
        self._channel.calls.append([delivery])
        self._channel._arrived.set()
        await self._open.setdefault(delivery.key, asyncio.Event()).wait()
        return [Accepted(delivery.key)]

    def open(self, *keys: str) -> None:
        for key in keys:
            self._open.setdefault(key, asyncio.Event()).set()


def test_a_slow_delivery_holds_up_nobody_else_s_place(
    new_channel: NewChannel, new_shard: NewShard, new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(number) for number in range(9)])
        channel.capacity = 3
        gates = Gates(channel)
        gates.open(*(f"k{number}" for number in range(1, 9)))
        dispatcher = new_dispatcher(channel, new_renderer)
        await dispatcher.start([shard])
        dispatcher.wake(0)
        await shard.until_settled(8)

        assert "k0" not in shard.receipts and len(channel.calls) == 9
        assert shard.most_claimed == 3
        gates.open("k0")
        await shard.until_settled(9)
        await dispatcher.stop()

    asyncio.run(scenario())


def test_receipts_that_come_together_share_a_request_with_the_claims_for_their_places(
    new_channel: NewChannel, new_shard: NewShard, new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(number) for number in range(12)])
        channel.capacity = 4
        dispatcher = new_dispatcher(channel, new_renderer)
        await run_until_settled(dispatcher, shard, 12)

        made = [(len(each.receipts), each.most) for each in shard.requests]
        assert made == [(0, 4), (4, 4), (4, 4), (4, 0)]

    asyncio.run(scenario())


def test_a_channel_whose_provider_takes_several_at_once_is_handed_them_by_one_call(
    new_channel: NewChannel, new_shard: NewShard, new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(number) for number in range(5)])
        channel.capacity, channel.batch_max = 5, 3
        await run_until_settled(new_dispatcher(channel, new_renderer), shard, 5)

        assert [len(call) for call in channel.calls] == [3, 2]

    asyncio.run(scenario())


def test_what_a_channel_has_less_room_for_now_is_not_claimed(
    new_channel: NewChannel, new_shard: NewShard, new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(number) for number in range(9)])
        channel.capacity = 4
        gates = Gates(channel)
        dispatcher = new_dispatcher(channel, new_renderer)
        await dispatcher.start([shard])
        dispatcher.wake(0)
        await channel.until_handed_over(4)
        channel.capacity = 2
        gates.open("k0", "k1")
        await shard.until_settled(2)
        assert len(shard.claimed) == 2, "the server grants two connections and no more"

        gates.open(*(f"k{number}" for number in range(2, 9)))
        await shard.until_settled(9)
        await dispatcher.stop()

    asyncio.run(scenario())


def test_several_shards_share_the_places_and_none_of_them_waits_for_ever(
    new_channel: NewChannel, new_shard: NewShard, new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel = new_channel()
        channel.capacity = 2
        shards = [new_shard([new_entry(100 * shard + number) for number in range(20)]) for shard in range(3)]
        dispatcher = new_dispatcher(channel, new_renderer)
        await dispatcher.start(shards)
        for shard in range(3):
            dispatcher.wake(shard)
        await shards[0].until_settled(10)
        assert all(len(shard.receipts) > 5 for shard in shards)
        for each in shards:
            await each.until_settled(20)
        await dispatcher.stop()

        assert channel.most_under_way <= 2

    asyncio.run(scenario())


class Losing:
    """A shard whose answer to the first claim is lost on its way."""

    def __init__(self, shard: HandingShard) -> None:
        self.shard = shard
        self.handed: list[Outgoing] = []

    async def ask(self, request: ExchangeDeliveries, /) -> object:
        if request.holds is not None:
            held = {key for _, key in request.holds}
            self.shard.queued += [each for each in self.handed if each.key not in held]
            self.handed = []
        claims = await self.shard.ask(request)
        if len(self.shard.requests) == 1:
            self.handed = claims.outgoing
            raise ShardUnavailable
        return claims


def test_what_was_claimed_in_an_answer_that_was_lost_is_handed_over_again(
    new_channel: NewChannel, new_shard: NewShard, new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(number) for number in range(3)])
        dispatcher = new_dispatcher(channel, new_renderer)
        await dispatcher.start([Losing(shard)])  # type: ignore[list-item]  # it answers as a shard does
        dispatcher.wake(0)
        await shard.until_settled(3)
        await dispatcher.stop()

        assert [request.holds for request in shard.requests[:3]] == [None, [], None]

    asyncio.run(scenario())


class Shaky:
    """A shard that is slow, and now and then not to be reached, before or after it has done what it was asked for."""

    def __init__(self, shard: HandingShard, chance: random.Random, all_claimed: list[int], entries: Sequence[Outgoing]):
        self.shard, self._chance, self._all_claimed = shard, chance, all_claimed
        self._entries = {entry.key: entry for entry in entries}

    async def ask(self, request: ExchangeDeliveries, /) -> object:
        await asyncio.sleep(self._chance.uniform(0, 0.02))
        fate = self._chance.random()
        if fate < 0.1:
            raise ShardUnavailable
        before = len(self.shard.claimed)
        if request.holds is not None:
            answered = {receipt.key for _, receipt in request.receipts}
            lost = self.shard.claimed - {key for _, key in request.holds} - answered
            self.shard.queued += [self._entries[key] for key in sorted(lost)]
            self.shard.claimed -= lost
        claims = await self.shard.ask(request)
        self._all_claimed[0] += len(self.shard.claimed) - before
        self._all_claimed[1] = max(self._all_claimed)
        await asyncio.sleep(self._chance.uniform(0, 0.02))
        if fate > 0.9 and not claims.outgoing:
            raise ShardUnavailable  # its receipts were taken, and are brought again
        return claims


@pytest.mark.parametrize("seed", range(20))
def test_whatever_shards_and_the_channel_do_no_more_is_claimed_and_unanswered_than_the_capacity(
    seed: int, new_channel: NewChannel, new_shard: NewShard, new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        chance, channel, all_claimed = random.Random(seed), new_channel(), [0, 0]
        channel.capacity, channel.batch_max = chance.randint(1, 6), chance.randint(1, 3)

        async def send(deliveries: Sequence[Delivery]) -> list[Receipt]:
            await asyncio.sleep(chance.expovariate(20))
            return [Accepted(delivery.key) for delivery in deliveries if chance.random() < 0.9]

        channel.send = send  # type: ignore[method-assign]
        entries = [[new_entry(100 * shard + number) for number in range(30)] for shard in range(3)]
        shards = [Shaky(new_shard(each), chance, all_claimed, each) for each in entries]
        dispatcher = new_dispatcher(channel, new_renderer)
        await dispatcher.start(shards)  # type: ignore[arg-type]  # they answer as shards do
        for number in range(3):
            dispatcher.wake(number)
        for each in shards:
            while len(each.shard.receipts) < 30:  # noqa: ASYNC110  # there is no event for it
                await asyncio.sleep(0.1)
        await dispatcher.stop()

        assert all_claimed[0] == 0, "everything has been answered for"
        assert 0 < all_claimed[1] <= channel.capacity

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(scenario())


class Odd:
    @property
    def capacity(self) -> int:
        raise ZeroDivisionError


@pytest.mark.parametrize("said", [0, -1, True, "many", None, 2.5])
def test_a_channel_that_says_nothing_of_use_has_the_default_capacity(new_channel: NewChannel, said: object) -> None:
    channel = new_channel()
    channel.capacity = channel.batch_max = said  # type: ignore[assignment]

    assert (capacity_of(channel), handed_over_max(channel)) == (CAPACITY, 1)
    assert capacity_of(Odd()) == CAPACITY  # type: ignore[arg-type]  # a stranger's
