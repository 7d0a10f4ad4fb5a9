"""Does a channel's code do no harm, whatever it does: raise anything, hang, go on when cancelled, answer nonsense?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
import pytest
from tests.dispatch.runs import run_until_settled, trouble_of

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.config import Settings
from parcours.core.effect import Outgoing
from parcours.dispatch import outsiders
from parcours.dispatch.dispatcher import Dispatcher
from parcours.dispatch.outsiders import storable
from parcours.dispatch.render import Renderer

if TYPE_CHECKING:
    from tests.dispatch.conftest import HandingShard, NoteChannel

    NewShard = Callable[..., HandingShard]
    NewChannel = Callable[[], NoteChannel]

NewEntry = Callable[..., Outgoing]
NewRenderer = Callable[..., Renderer]


class Speechless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("there is nothing to say")


def raising(error: BaseException) -> Callable[[object], NoReturn]:
    def fail(_: object) -> NoReturn:
        raise error

    return fail


async def for_ever() -> None:
    await asyncio.Event().wait()


async def deaf() -> None:
    """Goes on when it is cancelled for the first time."""
    for _ in range(2):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outsiders, "GRACE_S", 0.01)


@pytest.mark.parametrize(
    "answer, reason",
    [
        (raising(asyncio.CancelledError()), "CancelledError"),
        (raising(SystemExit("enough")), "SystemExit: enough"),
        (raising(Speechless()), "Speechless"),
        (raising(RuntimeError("bad \udce4")), "RuntimeError: bad \ufffd"),
        (lambda _: [Refused("k1", b"no")], "cannot be used: Expected `str`, got `bytes`"),  # type: ignore[arg-type]
        (lambda _: [Refused("k1", "no", code=404)], "cannot be used: Expected `str | null`, got `int`"),  # type: ignore[arg-type]
        (lambda _: [NotSent("k1", "no", retry_after_s="7")], "cannot be used: Expected `float"),  # type: ignore[arg-type]
        (lambda _: [Accepted("k1", provider_id=17)], "cannot be used"),  # type: ignore[arg-type]
        (lambda _: [Accepted("k1", answer={"x": object()})], "cannot be used"),
        (lambda _: [Accepted("k1", answer={"x": 2**70})], "cannot be used"),
    ],
)
def test_what_makes_no_sense_is_ambiguous_and_can_be_stored(
    answer: Callable[[object], object],
    reason: str,
    new_channel: NewChannel,
    new_shard: NewShard,
    new_renderer: NewRenderer,
    new_entry: NewEntry,
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(1)])
        channel.answer = answer
        dispatcher = Dispatcher("note-1", "note", channel, new_renderer(), Settings())
        await run_until_settled(dispatcher, shard, 1)

        receipt = shard.receipts["k1"]
        assert isinstance(receipt, Ambiguous) and reason in receipt.reason
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(receipt), type=Ambiguous) == receipt

    asyncio.run(scenario())


def test_half_of_a_pair_of_surrogates_is_replaced_wherever_a_receipt_has_it() -> None:
    receipts: list[Receipt] = [
        Accepted("k1", provider_id="\ud800"),
        Refused("k1", "Empf\udce4nger", code="5.1.1 \ud83d"),
        Accepted("k1", answer={"\udc00": ["\ud800"]}),
    ]

    assert [storable(each) for each in receipts] == [
        Accepted("k1", provider_id="\ufffd"),
        Refused("k1", "Empf\ufffdnger", code="5.1.1 \ufffd"),
        Accepted("k1", answer={"\ufffd": ["\ufffd"]}),
    ]


@pytest.mark.parametrize("send", [for_ever, deaf])
def test_a_call_of_send_that_does_not_end_is_ambiguous_for_all_of_it(
    send: Callable[[], Awaitable[None]],
    new_channel: NewChannel,
    new_shard: NewShard,
    new_renderer: NewRenderer,
    new_entry: NewEntry,
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(1), new_entry(2)])
        channel.send = lambda _: send()  # type: ignore[method-assign, assignment, return-value]
        dispatcher = Dispatcher("note-1", "note", channel, new_renderer(), Settings(send_timeout_s=0.05))
        await run_until_settled(dispatcher, shard, 2)

        reason = "no answer from the channel within send_timeout_s=0.05"
        assert shard.receipts == {key: Ambiguous(key, reason) for key in ("k1", "k2")}

    asyncio.run(scenario())


@pytest.mark.parametrize("start, told", [(for_ever, "has not started for 0.01 s"), (deaf, "has not started")])
def test_a_channel_that_does_not_get_started_is_a_trouble(
    start: Callable[[], Awaitable[None]], told: str, new_channel: NewChannel, new_renderer: NewRenderer
) -> None:
    async def scenario() -> None:
        channel = new_channel()
        channel.start = start  # type: ignore[method-assign, assignment]
        dispatcher = Dispatcher("note-1", "note", channel, new_renderer(), Settings(channel_silence_ms=10))
        await dispatcher.start([])
        assert told in await trouble_of(dispatcher)
        await dispatcher.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "error, told",
    [(asyncio.CancelledError(), "does not start: the channel broke: CancelledError"), (SystemExit(3), "3")],
)
def test_a_start_that_breaks_in_an_odd_way_is_tried_again(
    error: BaseException, told: str, new_channel: NewChannel, new_renderer: NewRenderer
) -> None:
    async def scenario() -> None:
        channel, goes_well = new_channel(), new_channel().start

        async def start() -> None:
            channel.start = goes_well  # type: ignore[method-assign]
            raise error

        channel.start = start  # type: ignore[method-assign]
        dispatcher = Dispatcher("note-1", "note", channel, new_renderer(), Settings())
        await dispatcher.start([])
        assert told in await trouble_of(dispatcher)
        await dispatcher.stop()

    asyncio.run(scenario())


async def _breaks() -> None:
    raise RuntimeError("stop broke")


@pytest.mark.parametrize(
    "stop, told", [(for_ever, "within send_timeout_s=0.05"), (deaf, "within send_timeout_s"), (_breaks, "stop broke")]
)
def test_a_channel_that_does_not_stop_keeps_nobody_from_closing(
    stop: Callable[[], Awaitable[None]],
    told: str,
    new_channel: NewChannel,
    new_shard: NewShard,
    new_renderer: NewRenderer,
    new_entry: NewEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        channel, shard = new_channel(), new_shard([new_entry(1)])
        channel.stop = stop  # type: ignore[method-assign, assignment]
        dispatcher = Dispatcher("note-1", "note", channel, new_renderer(), Settings(send_timeout_s=0.05))
        await run_until_settled(dispatcher, shard, 1)

    with caplog.at_level(logging.WARNING, "parcours"):
        asyncio.run(scenario())
    (record,) = caplog.records
    assert "does not stop" in record.getMessage() and told in record.getMessage()


def test_side_by_side_a_task_that_was_cancelled_concerns_its_own_delivery_only() -> None:
    from parcours.channel import Delivery, SideBySide

    async def send_one(delivery: Delivery, attempt: Any) -> Receipt:
        if delivery.key == "k1":
            raise asyncio.CancelledError
        if delivery.key == "k2":
            attempt.departed = True
            raise Speechless
        return Accepted(delivery.key)

    async def scenario() -> Sequence[Receipt]:
        deliveries = [Delivery(key=f"k{n}", channel="note", to="x", content=msgspec.UNSET) for n in (1, 2, 3)]  # type: ignore[arg-type]
        return await SideBySide(3, 10.0).send(deliveries, send_one)

    assert asyncio.run(scenario()) == [
        NotSent("k1", "CancelledError"),
        Ambiguous("k2", "Speechless"),
        Accepted("k3"),
    ]
