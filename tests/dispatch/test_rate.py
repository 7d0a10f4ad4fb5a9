"""Does a channel keep to its rate, and does nothing wait for longer than that takes?"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from tests.dispatch.conftest import program_of
from tests.dispatch.runs import run_until_settled
from tests.routing.conftest import SkippingLoop

from parcours.channel import Accepted, Channel, Delivery, Receipt
from parcours.config import Settings
from parcours.core.effect import Outgoing
from parcours.dispatch.bucket import Bucket
from parcours.dispatch.dispatcher import Dispatcher
from parcours.dispatch.factory import new_dispatcher
from parcours.dispatch.registry import Registry
from parcours.dispatch.render import Renderer
from parcours.journey.model.channel_keys import SendRate, dispatchers_of, own_settings, rate_of, rate_text
from parcours.journey.model.document import ProjectDocument
from parcours.journey.project import Project
from parcours.routing.plan import Plan

if TYPE_CHECKING:
    from tests.dispatch.conftest import HandingShard, NoteChannel

    NewShard = Callable[..., HandingShard]
    NewChannel = Callable[[], NoteChannel]


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Pauses take no time."""
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(scenario)


WRONG: tuple[object, ...] = ("0/s", "10", "10/d", "-1/s", "1.5/s", "10 /s", "10/s ", "99999999/s", 10, None, ["10/s"])


@pytest.mark.parametrize(
    "written, rate",
    [
        ("10/s", SendRate(10, 1)),
        ("600/m", SendRate(600, 60)),
        ("5000/h", SendRate(5_000, 3_600)),
        *((wrong, None) for wrong in WRONG),
    ],
)  # fmt: skip
def test_a_rate_is_a_number_for_a_second_a_minute_or_an_hour(written: object, rate: SendRate | None) -> None:
    if rate is None:
        with pytest.raises(ValueError, match="10/s, 600/m or 5000/h"):
            rate_of({"rate": written})
    else:
        assert rate_of({"rate": written}) == rate
        assert rate_text(rate) == written


def test_the_engine_s_keys_are_not_among_the_channel_s_own_settings() -> None:
    assert own_settings({"host": "h", "rate": "10/s", "dispatchers": 2}) == {"host": "h"}
    assert (rate_of({"host": "h"}), dispatchers_of({"host": "h"})) == (None, 1)


@pytest.mark.parametrize(
    "rate", [SendRate(1, 3_600), SendRate(7, 60), SendRate(1, 1), SendRate(10, 1), SendRate(500, 1)]
)
@pytest.mark.parametrize("seed", range(3))
def test_in_no_stretch_of_time_more_leaves_than_its_share_and_one_burst(rate: SendRate, seed: int) -> None:
    chance, bucket, now_s, left = random.Random(seed), Bucket(rate), 0.0, list[tuple[float, int]]()
    per_second = rate.deliveries / rate.period_s
    burst = max(1.0, per_second / 10)
    for _ in range(300):
        now_s += chance.expovariate(per_second)
        count = chance.randint(0, bucket.room(now_s))
        bucket.take(now_s, count)
        left.append((now_s, count))

    for first in range(0, 300, 7):
        total = 0
        for at_s, count in left[first:]:
            total += count
            assert total <= burst + per_second * (at_s - left[first][0]) + 1e-6


def test_the_pause_is_until_the_bucket_is_full_and_what_comes_back_may_leave_again() -> None:
    bucket = Bucket(SendRate(100, 1))
    assert (bucket.room(5), bucket.pause_s(5)) == (10, 0)

    bucket.take(5, 10)
    assert bucket.room(5) == 0
    assert bucket.pause_s(5) == pytest.approx(0.1)
    assert bucket.room(5.1) == 10
    bucket.take(5.1, 10)
    bucket.give_back(4)
    assert bucket.room(5.1) == 4
    bucket.give_back(99)
    assert bucket.room(5.1) == 10, "never more than it holds"


@pytest.mark.parametrize("rate, takes_s", [(SendRate(10, 1), 2.9), (SendRate(200, 1), 0.1), (SendRate(240, 60), 7.25)])
def test_deliveries_leave_at_the_rate_of_their_channel_and_no_faster(
    rate: SendRate,
    takes_s: float,
    new_channel: NewChannel,
    new_shard: NewShard,
    new_renderer: Callable[..., Renderer],
    new_entry: Callable[..., Outgoing],
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(number) for number in range(30)])
        channel.capacity = 50
        left: list[float] = []
        loop = asyncio.get_running_loop()

        def answer(deliveries: Sequence[Delivery]) -> list[Receipt]:
            left.append(loop.time())
            return [Accepted(delivery.key) for delivery in deliveries]

        channel.answer = answer
        dispatcher = Dispatcher("note-1", "note", channel, new_renderer(), Settings(), bucket=Bucket(rate))
        await run_until_settled(dispatcher, shard, 30)

        assert left[-1] - left[0] == pytest.approx(takes_s, rel=0.05)
        assert sum(count for count, _ in shard.claims) == 30, "no more is claimed than may leave"

    run(scenario())


def test_what_a_shard_does_not_hand_over_is_left_for_another_one(
    new_channel: NewChannel,
    new_shard: NewShard,
    new_renderer: Callable[..., Renderer],
    new_entry: Callable[..., Outgoing],
) -> None:
    async def scenario() -> None:
        shards = [new_shard(), new_shard([new_entry(1)])]
        dispatcher = Dispatcher(
            "note-1", "note", new_channel(), new_renderer(), Settings(), bucket=Bucket(SendRate(1, 3_600))
        )
        await dispatcher.start(shards)
        dispatcher.wake(0)
        for _ in range(5):
            await asyncio.sleep(0)
        dispatcher.wake(1)
        began_s = asyncio.get_running_loop().time()
        await shards[1].until_settled(1)
        assert asyncio.get_running_loop().time() - began_s < 1
        await dispatcher.stop()

    run(scenario())


class OneChannel(Registry):
    """Whatever is asked for, it is this channel."""

    def __init__(self, channel: Channel) -> None:
        super().__init__([])
        self._channel = channel

    def channel(self, name: str) -> type[Channel]:
        return type(self._channel)

    def open(self, name: str, settings: Mapping[str, object]) -> Channel:
        return self._channel


def test_dispatchers_that_share_a_channel_keep_to_its_rate_together(
    new_channel: NewChannel, new_shard: NewShard, new_entry: Callable[..., Outgoing]
) -> None:
    async def scenario() -> None:
        left: list[float] = []

        def answer(deliveries: Sequence[Delivery]) -> list[Receipt]:
            left.append(asyncio.get_running_loop().time())
            return [Accepted(delivery.key) for delivery in deliveries]

        # given a channel with a rate, and two dispatchers that send for two shards of three, and for the third
        plan = Plan(Project.of(ProjectDocument(project="shop")), 3, "memory:", {"note": {"rate": "20/s"}})
        dispatchers, shards = [], []
        for number, part in enumerate((2 / 3, 1 / 3)):
            entries = [new_entry(number * 100 + each) for each in range(round(60 * part))]
            channel, shard = new_channel(), new_shard(entries)
            channel.answer = answer
            registry = OneChannel(channel)
            dispatchers.append(new_dispatcher(f"note-{number}", "note", plan, program_of(), registry, part))
            shards.append(shard)

        # when each shard has twenty deliveries
        await asyncio.gather(*map(run_until_settled, dispatchers, shards, [40, 20]))

        # then all sixty take as long as they would by one dispatcher, and the rate that is told is the channel's
        assert left[-1] - left[0] == pytest.approx(60 / 20, rel=0.05)
        assert [each.state().rate for each in dispatchers] == ["20/s", "20/s"]

    run(scenario())
