"""Does a dispatcher spare everybody's attempts while nothing can leave, tell of it, and go on by itself?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from tests.dispatch.runs import run_until_settled, trouble_of
from tests.projects import write_texts

from parcours.channel import Accepted, Delivery, NotSent, Receipt, Refused
from parcours.config import Settings
from parcours.core.effect import Outgoing
from parcours.dispatch.breaker import Breaker
from parcours.dispatch.bucket import Bucket
from parcours.dispatch.dispatcher import Dispatcher
from parcours.dispatch.render import Renderer
from parcours.journey.model.channel_keys import SendRate
from parcours.journey.project import Project
from parcours.shard.messages import Claims
from parcours.shard.requests import ExchangeDeliveries

if TYPE_CHECKING:
    from tests.dispatch.conftest import HandingShard, NoteChannel

    NewShard = Callable[..., HandingShard]
    NewChannel = Callable[[], NoteChannel]

NewEntry = Callable[..., Outgoing]
NewRenderer = Callable[..., Renderer]

DOWN = "no connection"


class Returning:
    """A shard that queues again what is given back, and counts the attempts that were made of each delivery."""

    def __init__(self, shard: HandingShard) -> None:
        self.shard = shard
        self.entries = {entry.key: entry for entry in shard.queued}
        self.attempts = dict.fromkeys(self.entries, 0)
        self.wake: Callable[[int], None] = lambda number: None

    async def ask(self, request: ExchangeDeliveries, /) -> Claims:
        back = [each.key for _, each in request.receipts if isinstance(each, NotSent)]
        for _, receipt in request.receipts:
            self.attempts[receipt.key] += not isinstance(receipt, NotSent) or receipt.tried
        kept = [(number, each) for number, each in request.receipts if each.key not in back]
        claims = await self.shard.ask(replace(request, receipts=kept))
        self.shard.queued += [self.entries[key] for key in back]
        if back:
            self.wake(0)
        return claims


def said_of(dispatcher: Dispatcher) -> str:
    return dispatcher.trouble or ""


class Told(logging.Handler):
    """Knows when something has been warned of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.warned = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.warned.set()


class Outage:
    """What a channel answers while its provider cannot be reached, and afterwards."""

    def __init__(self, receipt: Receipt) -> None:
        self.receipt: Receipt | None = receipt
        self.calls: list[int] = []

    def __call__(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        self.calls.append(len(deliveries))
        if self.receipt is None:
            return [Accepted(delivery.key) for delivery in deliveries]
        return [replace(self.receipt, key=delivery.key) for delivery in deliveries]


@pytest.mark.parametrize(
    "answer",
    [NotSent("", DOWN, of_channel=True), Refused("", "relay access denied", code="554 5.7.1", of_channel=True)],
    ids=["cannot be reached", "refuses the sender"],
)
def test_an_outage_uses_up_the_attempts_of_probes_only_and_ends_by_itself(
    answer: Receipt,
    new_channel: NewChannel,
    new_shard: NewShard,
    new_renderer: NewRenderer,
    new_entry: NewEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        channel, shard = new_channel(), Returning(new_shard([new_entry(number) for number in range(40)]))
        outage = Outage(answer)
        channel.answer = outage
        channel.capacity, channel.batch_max = 20, 10
        settings = Settings(channel_pause_ms=1, channel_pause_max_ms=2)
        settings = settings.model_copy(update={"channel_refusals_max": 2})
        rate = Bucket(SendRate(1_000_000, 1))
        dispatcher = Dispatcher(
            "n-1", "note", channel, new_renderer(), settings, breaker=Breaker(settings), bucket=rate
        )
        shard.wake = dispatcher.wake
        await dispatcher.start([shard])
        dispatcher.wake(0)
        await channel.until_handed_over(25)

        first = [size for size in outage.calls if size > 1]
        assert sum(first) <= channel.capacity, "what was not claimed when it became known stays queued"
        assert said_of(dispatcher).startswith("the channel 'note' waits: ")
        state = dispatcher.state()
        assert (state.channel, state.breaker, state.rate) == ("note", "open", "1000000/s")
        assert state.trouble == dispatcher.trouble
        assert sum(shard.attempts.values()) <= 2 + len(outage.calls), "a probe's, and that of those before"

        outage.receipt = None
        await shard.shard.until_settled(39)
        assert dispatcher.trouble is None
        after = dispatcher.state()
        assert (after.breaker, after.next_try_s, after.trouble) == ("closed", None, None)
        await dispatcher.stop()

        assert len(caplog.messages) == 2, "told once when it begins, and once when it is over"
        assert caplog.messages[1] == "the channel 'note' works again"

    asyncio.run(scenario())


def test_the_trouble_of_a_destination_ends_with_its_publication_unless_shards_have_more_for_it(
    new_channel: NewChannel, new_shard: NewShard, new_renderer: NewRenderer, tmp_path: Path
) -> None:
    write_texts(tmp_path, {"parcours.yaml": "project: shop", "profile.yaml": "{}"})
    without = Project.load(tmp_path).program

    async def scenario() -> None:
        channel = new_channel()
        channel.fails_to_start = 1_000
        dispatcher = Dispatcher("d-1", "@vip", channel, new_renderer(), Settings())
        await dispatcher.start([new_shard([])])
        trouble = await trouble_of(dispatcher)

        dispatcher.publish(without)
        assert said_of(dispatcher) == ""
        dispatcher.wake(0)
        assert said_of(dispatcher) == trouble == "the channel '@vip' does not start: nobody listens"
        await dispatcher.stop()

    asyncio.run(scenario())


def test_a_channel_that_hangs_is_in_trouble_before_its_call_ends_and_is_handed_no_more(
    new_channel: NewChannel, new_shard: NewShard, new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(number) for number in range(9)])
        channel.gate.clear()
        told = Told()
        logging.getLogger("parcours").addHandler(told)
        channel.capacity = 8
        settings = Settings(channel_silence_ms=10)
        dispatcher = Dispatcher("n-1", "note", channel, new_renderer(), settings, breaker=Breaker(settings))
        await dispatcher.start([shard])
        dispatcher.wake(0)
        async with asyncio.timeout(10):
            await told.warned.wait()
        logging.getLogger("parcours").removeHandler(told)

        assert said_of(dispatcher) == "the channel 'note' has not answered for 0.01 s"
        assert not shard.receipts

        channel.gate.set()
        await shard.until_settled(9)
        assert dispatcher.trouble is None
        await dispatcher.stop()

    asyncio.run(scenario())


def test_a_probe_that_cannot_be_rendered_does_not_hold_up_the_next_one(
    new_channel: NewChannel, new_shard: NewShard, new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        entries = [new_entry(1, count=1), new_entry(2, count=0), new_entry(3, count=1)]
        channel, shard = new_channel(), Returning(new_shard(entries))
        outage = Outage(NotSent("", DOWN, of_channel=True))
        channel.answer = outage
        channel.capacity = 1
        settings = Settings(channel_pause_ms=1, channel_pause_max_ms=2)
        renderer = new_renderer(text="{{ 6 | divided_by: profile.count }}")
        dispatcher = Dispatcher("n-1", "note", channel, renderer, settings, breaker=Breaker(settings))
        shard.wake = dispatcher.wake
        await dispatcher.start([shard])
        dispatcher.wake(0)
        await channel.until_handed_over(3)
        outage.receipt = None
        await shard.shard.until_settled(3)
        await dispatcher.stop()

        refused = shard.shard.receipts["k2"]
        assert isinstance(refused, Refused) and refused.code == "render"

    asyncio.run(scenario())


def test_without_a_breaker_what_was_given_back_untried_counts_as_tried(
    new_channel: NewChannel, new_shard: NewShard, new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(1)])
        channel.answer = lambda _: [NotSent("k1", DOWN, of_channel=True, tried=False)]
        dispatcher = Dispatcher("n-1", "note", channel, new_renderer(), Settings())
        await run_until_settled(dispatcher, shard, 1)

        assert shard.receipts == {"k1": NotSent("k1", DOWN, of_channel=True)}

    asyncio.run(scenario())
