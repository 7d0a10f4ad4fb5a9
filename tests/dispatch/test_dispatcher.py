"""Does everything claimed get a receipt, whatever the channel does, and is no more claimed than there is room for?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

import pytest
from pydantic import BaseModel
from tests.dispatch.runs import run_until_settled, trouble_of

from parcours.channel import Accepted, Ambiguous, Channel, Delivery, Finding, NotSent, Receipt, Refused
from parcours.config import Settings
from parcours.core.effect import Outgoing
from parcours.core.input import ContentRefused, Settlement
from parcours.dispatch.dispatcher import Dispatcher
from parcours.dispatch.render import ContentRejected, Renderer
from parcours.errors import ShardUnavailable, StoreBroken
from parcours.ingress.sealed_links import SealedLinks
from parcours.journey.program import Program

if TYPE_CHECKING:
    from tests.dispatch.conftest import HandingShard, NoteChannel

    NewShard = Callable[..., HandingShard]
    NewChannel = Callable[[], NoteChannel]

NewEntry = Callable[..., Outgoing]
NewRenderer = Callable[..., Renderer]


@pytest.fixture
def new_dispatcher(new_renderer: NewRenderer) -> Callable[..., Dispatcher]:
    """Makes a dispatcher of a channel; takes settings by name."""

    def make(channel: NoteChannel, text: str = "Hello", **settings: float) -> Dispatcher:
        return Dispatcher("note-1", "note", channel, new_renderer(text=text), Settings.model_validate(settings))

    return make


NewDispatcher = Callable[..., Dispatcher]


def test_what_a_shard_has_ready_is_claimed_rendered_sent_and_answered_for(
    new_channel: NewChannel, new_shard: NewShard, new_dispatcher: NewDispatcher, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel, shards = (
            new_channel(),
            [new_shard([new_entry(1, name="Anna")]), new_shard([new_entry(2, name="Bert")])],
        )
        dispatcher = new_dispatcher(channel, "Hello {{ profile.name }}")
        await dispatcher.start(shards)
        dispatcher.wake(0)
        dispatcher.wake(1)
        for shard in shards:
            await shard.until_settled(1)
        await dispatcher.stop()

        deliveries = [delivery for call in channel.calls for delivery in call]
        assert [(each.key, each.to, each.person) for each in deliveries] == [("k1", "to1", "u1"), ("k2", "to2", "u2")]
        assert [each.content.model_dump()["text"] for each in deliveries] == ["Hello Anna", "Hello Bert"]
        assert shards[0].receipts == {"k1": Accepted("k1")}
        assert shards[1].receipts == {"k2": Accepted("k2")}
        assert {by for shard in shards for _, by in shard.claims} == {"note-1"}
        assert (channel.started, channel.stopped) == (1, 1)

    asyncio.run(scenario())


def test_a_backlog_is_claimed_in_portions_and_never_beyond_the_channel_s_capacity(
    new_channel: NewChannel, new_shard: NewShard, new_dispatcher: NewDispatcher, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(number) for number in range(50)])
        channel.capacity = 7
        dispatcher = new_dispatcher(channel, claim_max=3)
        await run_until_settled(dispatcher, shard, 50)

        assert channel.most_under_way <= 7
        assert shard.most_claimed <= 7
        assert max(count for count, _ in shard.claims) == 3
        assert len(shard.receipts) == 50

    asyncio.run(scenario())


def test_without_room_nothing_is_claimed(
    new_channel: NewChannel, new_shard: NewShard, new_dispatcher: NewDispatcher, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(number) for number in range(9)])
        channel.gate.clear()
        channel.capacity = 4
        dispatcher = new_dispatcher(channel, claim_max=3)
        await dispatcher.start([shard])
        dispatcher.wake(0)
        await channel.until_handed_over(4)
        for _ in range(20):
            dispatcher.wake(0)
            await asyncio.sleep(0)

        assert sum(count for count, _ in shard.claims) == 4
        channel.gate.set()
        await shard.until_settled(9)
        await dispatcher.stop()

    asyncio.run(scenario())


def test_a_delivery_brings_the_address_at_which_its_provider_may_report(
    new_channel: NewChannel, new_shard: NewShard, new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    class Links(SealedLinks):
        def report_url(self, outgoing: Outgoing) -> str | None:
            return f"{self.public_url}/{outgoing.key}" if outgoing.person == "u1" else None

    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(1), new_entry(2)])
        renderer = new_renderer()
        links = Links("https://door.example", ["k" * 32])
        dispatcher = Dispatcher("note-1", "note", channel, renderer, Settings(), links=links)
        await run_until_settled(dispatcher, shard, 2)

        deliveries = [delivery for call in channel.calls for delivery in call]
        assert [each.report_url for each in deliveries] == ["https://door.example/k1", None]

    asyncio.run(scenario())


def test_content_that_its_channel_s_check_refuses_is_not_handed_over(
    new_channel: NewChannel, new_shard: NewShard, new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    def check(content: BaseModel) -> list[Finding]:
        text = content.model_dump()["text"]
        if text == "Cleo":
            raise ZeroDivisionError("not with her")
        return [Finding("not him", refused=text == "Bert"), Finding("nor again", refused=text == "Bert")]

    async def scenario() -> None:
        names = ("Anna", "Bert", "Cleo")
        channel = new_channel()
        shard = new_shard([new_entry(number, name=name) for number, name in enumerate(names, 1)])
        renderer = new_renderer({"note": check}, text="{{ profile.name }}")
        dispatcher = Dispatcher("note-1", "note", channel, renderer, Settings())
        await run_until_settled(dispatcher, shard, 3)

        assert [delivery.key for call in channel.calls for delivery in call] == ["k1"]
        assert shard.receipts["k1"] == Accepted("k1")
        assert shard.receipts["k2"] == ContentRefused("k2", "not him; nor again")
        fails = "the channel's check fails with ZeroDivisionError: not with her"
        assert shard.receipts["k3"] == ContentRefused("k3", fails)

    asyncio.run(scenario())


class Patient(Channel):
    """A channel that keeps `k1` for as long as it is told to."""

    Settings: ClassVar[type[BaseModel]] = BaseModel
    Content: ClassVar[type[BaseModel]] = BaseModel
    address_kind: ClassVar[str] = "note"

    def __init__(self, settings: object = None) -> None:
        self.released = asyncio.Event()

    async def start(self) -> None:
        pass

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        (delivery,) = deliveries
        if delivery.key == "k1":
            await self.released.wait()
        return [Accepted(delivery.key)]

    async def stop(self) -> None:
        pass


def test_deliveries_that_are_handed_over_one_by_one_do_not_wait_for_each_other(
    new_shard: NewShard, new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel, shard = Patient(), new_shard([new_entry(1), new_entry(2)])
        dispatcher = Dispatcher("note-1", "note", channel, new_renderer(), Settings())
        await dispatcher.start([shard])
        dispatcher.wake(0)
        await shard.until_settled(1)

        assert shard.receipts == {"k2": Accepted("k2")}
        assert shard.claims == [(2, "note-1")], "they are claimed at once"
        channel.released.set()
        await shard.until_settled(2)
        await dispatcher.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "answer, receipts",
    [
        (lambda _: [NotSent("k2", "?"), Refused("k1", "no")], {"k1": Refused("k1", "no"), "k2": NotSent("k2", "?")}),
        (lambda _: [Accepted("k2"), Accepted("not ours")], {"k1": "gave no receipt", "k2": Accepted("k2")}),
        (lambda _: [], {"k1": "gave no receipt", "k2": "gave no receipt"}),
        (lambda _: None, {"k1": "TypeError", "k2": "TypeError"}),
        (lambda _: [True, Accepted("k2")], {"k1": "gave no receipt", "k2": Accepted("k2")}),
        (lambda _: 1 / 0, {"k1": "ZeroDivisionError", "k2": "ZeroDivisionError"}),
    ],
    ids=["both answered", "one missing", "all missing", "no list", "no receipt", "broken"],
)  # fmt: skip
def test_every_delivery_gets_a_receipt_whatever_the_channel_answers(
    answer: Callable[[object], object],
    receipts: dict[str, object],
    new_channel: NewChannel,
    new_shard: NewShard,
    new_dispatcher: NewDispatcher,
    new_entry: NewEntry,
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(1), new_entry(2)])
        channel.answer = answer
        dispatcher = new_dispatcher(channel)
        await run_until_settled(dispatcher, shard, 2)

        assert sorted(shard.receipts) == ["k1", "k2"]
        for key, expected in receipts.items():
            got = shard.receipts[key]
            if isinstance(expected, str):
                assert isinstance(got, Ambiguous) and expected in got.reason
            else:
                assert got == expected

    asyncio.run(scenario())


class Exhausted:
    """Raises for the first delivery what no renderer should raise."""

    def __init__(self, renders: Renderer, error: Exception) -> None:
        self._renders, self._error = renders, error

    def render(self, outgoing: Outgoing) -> BaseModel:
        if outgoing.key == "k1":
            raise self._error
        return self._renders.render(outgoing)

    def publish(self, program: Program) -> None:
        self._renders.publish(program)


@pytest.mark.parametrize(
    "error, receipt",
    [
        (MemoryError(), Refused("k1", "render: MemoryError", code="render")),
        (RuntimeError("odd"), Refused("k1", "render: RuntimeError: odd", code="render")),
        (ContentRejected("nothing in stock"), ContentRefused("k1", "nothing in stock")),
    ],
)
def test_whatever_rendering_raises_answers_its_claim_and_no_other(
    error: Exception,
    receipt: Settlement,
    new_channel: NewChannel,
    new_shard: NewShard,
    new_renderer: NewRenderer,
    new_entry: NewEntry,
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(1), new_entry(2)])
        renders = Exhausted(new_renderer(), error)
        channel.capacity = 2
        dispatcher = Dispatcher("note-1", "note", channel, renders, Settings())
        await dispatcher.start([shard])
        dispatcher.wake(0)
        await shard.until_settled(2)
        assert shard.receipts == {"k1": receipt, "k2": Accepted("k2")}

        shard.queued += [new_entry(3), new_entry(4)]
        dispatcher.wake(0)
        await shard.until_settled(4)  # there is room for two again
        await dispatcher.stop()

    asyncio.run(scenario())


def test_a_channel_that_does_not_come_back_leaves_its_deliveries_ambiguous(
    new_channel: NewChannel, new_shard: NewShard, new_dispatcher: NewDispatcher, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(1)])
        channel.gate.clear()
        dispatcher = new_dispatcher(channel, send_timeout_s=0.02)
        await run_until_settled(dispatcher, shard, 1)

        receipt = shard.receipts["k1"]
        assert isinstance(receipt, Ambiguous) and "send_timeout_s=0.02" in receipt.reason

    asyncio.run(scenario())


def test_a_message_that_fails_for_one_person_is_refused_and_the_others_go_out(
    new_channel: NewChannel, new_shard: NewShard, new_dispatcher: NewDispatcher, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(number, count=number) for number in range(3)])
        dispatcher = new_dispatcher(channel, "{{ 6 | divided_by: profile.count }}")
        await run_until_settled(dispatcher, shard, 3)

        refused = shard.receipts["k0"]
        assert isinstance(refused, Refused) and refused.code == "render" and not refused.permanent
        assert shard.receipts["k1"] == Accepted("k1")
        assert shard.receipts["k2"] == Accepted("k2")

    asyncio.run(scenario())


def test_a_channel_that_does_not_start_is_trouble_and_is_tried_again(
    new_channel: NewChannel,
    new_shard: NewShard,
    new_dispatcher: NewDispatcher,
    new_entry: NewEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(1)])
        channel.fails_to_start = 2
        dispatcher = new_dispatcher(channel)
        await dispatcher.start([shard])
        dispatcher.wake(0)
        trouble = await trouble_of(dispatcher)
        assert trouble == "the channel 'note' does not start: nobody listens"
        assert not shard.claims, "nothing is claimed that cannot be sent"

        await shard.until_settled(1)
        assert dispatcher.trouble is None
        assert caplog.messages == [trouble], "the same trouble is told once"
        await dispatcher.stop()

    asyncio.run(scenario())


def test_a_dispatcher_stops_although_its_channel_never_started(
    new_channel: NewChannel, new_shard: NewShard, new_dispatcher: NewDispatcher
) -> None:
    async def scenario() -> None:
        channel = new_channel()
        channel.fails_to_start = 1_000
        dispatcher = new_dispatcher(channel)
        await dispatcher.start([new_shard()])
        await asyncio.sleep(0)

        await dispatcher.stop()

        assert channel.stopped == 0, "only what was started is stopped"

    asyncio.run(scenario())


def test_stopping_lets_what_is_being_sent_finish_and_claims_nothing_more(
    new_channel: NewChannel, new_shard: NewShard, new_dispatcher: NewDispatcher, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(number) for number in range(9)])
        channel.gate.clear()
        channel.capacity = 2
        dispatcher = new_dispatcher(channel)
        await dispatcher.start([shard])
        dispatcher.wake(0)
        await channel.until_handed_over(1)

        stopping = asyncio.ensure_future(dispatcher.stop())
        await asyncio.sleep(0)
        channel.gate.set()
        await stopping

        assert sorted(shard.receipts) == ["k0", "k1"]
        assert len(shard.queued) == 7
        assert channel.stopped == 1

    asyncio.run(scenario())


def test_stopping_does_not_wait_for_ever(
    new_channel: NewChannel, new_shard: NewShard, new_dispatcher: NewDispatcher, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(1)])
        shard.settle_errors = [ShardUnavailable()] * 1_000
        dispatcher = new_dispatcher(channel, send_timeout_s=0.05)
        await dispatcher.start([shard])
        dispatcher.wake(0)
        await channel.until_handed_over(1)
        await dispatcher.stop()

        assert channel.stopped == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("error", [ShardUnavailable(), StoreBroken("the disk is full"), ZeroDivisionError("a bug")])
def test_a_shard_that_fails_does_not_hold_up_the_others(
    error: Exception,
    new_channel: NewChannel,
    new_shard: NewShard,
    new_dispatcher: NewDispatcher,
    new_entry: NewEntry,
) -> None:
    async def scenario() -> None:
        channel, shards = new_channel(), [new_shard([new_entry(1)]), new_shard([new_entry(2)])]
        shards[0].claim_errors = [error]
        dispatcher = new_dispatcher(channel)
        await dispatcher.start(shards)
        dispatcher.wake(0)
        dispatcher.wake(1)
        await shards[1].until_settled(1)
        assert not shards[0].receipts

        dispatcher.wake(0)  # it is back
        await shards[0].until_settled(1)
        await dispatcher.stop()

    asyncio.run(scenario())


def test_a_shard_that_breaks_at_receipts_leaves_no_place_taken(
    new_channel: NewChannel, new_shard: NewShard, new_dispatcher: NewDispatcher, new_entry: NewEntry
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(number) for number in range(6)])
        shard.settle_errors = [AssertionError("a mistake of ours")] * 3
        channel.capacity = 1
        dispatcher = new_dispatcher(channel)
        await dispatcher.start([shard])
        dispatcher.wake(0)
        await channel.until_handed_over(1)
        for _ in range(3):
            await trouble_of(dispatcher)
            dispatcher.wake(0)
        await shard.until_settled(3)
        await dispatcher.stop()

        assert sorted(shard.receipts) == ["k3", "k4", "k5"]

    asyncio.run(scenario())


def test_receipts_are_brought_home_again_and_again_and_their_room_comes_back(
    new_channel: NewChannel,
    new_shard: NewShard,
    new_dispatcher: NewDispatcher,
    new_entry: NewEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(number) for number in range(3)])
        shard.settle_errors = [ShardUnavailable(), StoreBroken("the disk is full")]
        channel.capacity = 1
        dispatcher = new_dispatcher(channel)
        await run_until_settled(dispatcher, shard, 2)

        assert sorted(shard.receipts) == ["k1", "k2"], "the first is lost with its shard, which knows it as claimed"
        assert caplog.messages == ["shard 0 takes no receipts: the disk is full"]
        assert dispatcher.trouble is None, "it takes them again"

    asyncio.run(scenario())
