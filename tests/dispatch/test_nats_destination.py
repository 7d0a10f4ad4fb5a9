"""Members in a stream of NATS JetStream: each once, in order, and nothing claimed that is not stored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from tests.dispatch.conftest import told
from tests.logs import add_stream, stream_messages

from parcours import nats_connection
from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.destination import Member
from parcours.destinations.nats import NatsDestination
from parcours.destinations.nats_publisher import NatsSubject
from parcours.testing.contracts import DestinationContract
from parcours.testing.destination_contract import member
from parcours.testing.doubles import NatsServer


@pytest.fixture
def server() -> Iterator[NatsServer]:
    with a_stream() as opened:
        yield opened


@contextmanager
def a_stream(**config: Any) -> Iterator[NatsServer]:
    """A server with a stream VIP."""
    with NatsServer() as server:
        add_stream(server, "VIP", "vip", **config)
        yield server


class TestNats(DestinationContract[NatsServer]):
    destination = NatsDestination
    entry_point = "nats"

    @contextmanager
    def other(self) -> Iterator[NatsServer]:
        with a_stream() as server:
            yield server

    def settings(self, other: NatsServer) -> dict[str, Any]:
        return {"url": other.url, "subject": "vip"}

    def taken(self, other: NatsServer) -> list[dict[str, Any]]:
        return [json.loads(value) for value, _ in stream_messages(other, "VIP")]

    def unreachable(self, other: NatsServer) -> bool:
        other.kill()
        return True

    def recognises(self) -> bool:
        return True


def tell(server: NatsServer, members: Sequence[Member], **more: Any) -> list[Receipt]:
    settings = NatsSubject.model_validate({"url": server.url, "subject": "vip", **more})
    return told(NatsDestination(settings), members)


def test_a_message_has_the_change_as_its_id_and_lies_in_the_stream_that_the_receipt_names(server: NatsServer) -> None:
    receipts = tell(server, [member(1), member(2)], stream="VIP")

    assert receipts == [Accepted(member(1).id, "VIP/1"), Accepted(member(2).id, "VIP/2")]
    (_, headers), _ = stream_messages(server, "VIP")
    assert (headers["Nats-Msg-Id"], headers["id"]) == (member(1).id, member(1).id)


def test_a_member_that_is_too_large_is_refused_and_the_others_arrive() -> None:
    large = [replace(member(number), fields={"text": "x" * size}) for number, size in enumerate((2_000, 20 << 20))]
    with a_stream(max_msg_size=1_000) as server:
        receipts = tell(server, [*large, member(3)])
        held = stream_messages(server, "VIP")
    assert [type(receipt) for receipt in receipts] == [Refused, Refused, Accepted]
    assert isinstance(receipts[0], Refused) and receipts[0].code == "10054"
    assert [value for value, _ in held] == [member(3).as_json()]


@pytest.mark.parametrize(
    ("config", "settings", "said"),
    [
        ({}, {"subject": "nobody.takes.it"}, "no stream takes the subject"),
        ({}, {"stream": "ANOTHER"}, "expected stream does not match"),
        ({"max_msgs": 1, "discard": "new"}, {}, "maximum messages exceeded"),
    ],
)
def test_what_holds_for_everybody_makes_the_destination_wait(
    config: dict[str, Any], settings: dict[str, Any], said: str
) -> None:
    with a_stream(**config) as server:
        *_, receipt = tell(server, [member(1), member(2)], **settings)
    assert isinstance(receipt, NotSent) and receipt.of_channel
    assert said in receipt.reason


@pytest.mark.parametrize("breaks", [False, True])
def test_what_has_left_and_is_not_answered_is_in_doubt(server: NatsServer, breaks: bool) -> None:
    async def told() -> list[Receipt]:
        somebody = Client()
        await somebody.connect(server.url, allow_reconnect=False)

        async def take(_: Msg) -> None:
            if breaks:
                server.kill()

        await somebody.subscribe("held", cb=take)
        await somebody.flush()
        opened = NatsDestination(NatsSubject(url=server.url, subject="held", timeout_s=5.0 if breaks else 0.2))
        await opened.start()
        receipts = await opened.send([member(1)])
        await opened.stop()
        await somebody.close()
        return receipts

    said = "the connection has broken" if breaks else "no answer within 0.2 s"
    assert asyncio.run(told()) == [Ambiguous(member(1).id, said)]


def test_a_connection_that_breaks_while_much_is_on_its_way_ends_the_call(server: NatsServer) -> None:
    large = [replace(member(number), fields={"text": "x" * (1 << 20)}) for number in range(40)]

    async def told() -> list[Receipt]:
        somebody = Client()
        await somebody.connect(server.url, allow_reconnect=False)

        async def take(_: Msg) -> None:
            server.kill()

        await somebody.subscribe("held", cb=take)
        await somebody.flush()
        opened = NatsDestination(NatsSubject(url=server.url, subject="held"))
        await opened.start()
        async with asyncio.timeout(20) as limit:
            receipts = await opened.send(large)
        assert not limit.expired(), "nobody waits for a connection that is no more"
        await opened.stop()
        await somebody.close()
        return receipts

    receipts = asyncio.run(told())
    assert [receipt.key for receipt in receipts] == [each.id for each in large]
    kinds = [type(receipt) for receipt in receipts]
    in_doubt = kinds.count(Ambiguous)
    assert in_doubt and kinds == [Ambiguous] * in_doubt + [NotSent] * (len(large) - in_doubt)


def test_a_server_that_says_nothing_is_told_nothing(server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_connection, "ANSWER_S", 0.2)

    async def told() -> list[Receipt]:
        opened = NatsDestination(NatsSubject(url=server.url, subject="vip"))
        await opened.start()
        with server.silent():
            receipts = await opened.send([member(1)])
        await opened.stop()
        return receipts

    (receipt,) = asyncio.run(told())
    assert isinstance(receipt, NotSent) and receipt.of_channel
    assert "the server does not answer" in receipt.reason
    assert stream_messages(server, "VIP") == []


def test_it_goes_on_once_the_server_is_there_again(server: NatsServer) -> None:
    async def told() -> list[Receipt]:
        opened = NatsDestination(NatsSubject(url=server.url, subject="vip"))
        await opened.start()
        with server.away():
            first = await opened.send([member(1)])
        second = await opened.send([member(1)])
        await opened.stop()
        return [*first, *second]

    first, second = asyncio.run(told())
    assert isinstance(first, NotSent) and first.of_channel
    assert isinstance(second, Accepted)
