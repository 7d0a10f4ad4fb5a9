"""One request for messages of a pull consumer, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from parcours.nats_connection import ANSWER_S, NatsAway, NatsConnection, words_of
from parcours.source import Line

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

NOTHING_THERE: Final = frozenset({"404", "408"})
"""Statuses that say that there are no messages, or no more."""

TOO_LARGE: Final = "Message Size Exceeds MaxBytes"

REPLY_TOKENS: Final = 9
"""$JS.ACK.STREAM.CONSUMER.DELIVERIES.SEQUENCE.DELIVERED.TIME.PENDING; where it is longer, two tokens more stand at the
front.
"""


class Pulled(NamedTuple):
    """A message as the consumer has delivered it.

    delivered  how many the consumer has delivered to anybody, with this one
    pending    how many there are for it behind this one
    """

    line: Line
    delivered: int
    pending: int


class Answer(NamedTuple):
    """What a request has brought. `status` is what the server says where it sends no more, empty where it sent all."""

    messages: Sequence[Pulled]
    status: str = ""
    said: str = ""

    @property
    def is_sound(self) -> bool:
        """The consumer is there, and has sent what it has."""
        return self.status in ("", *NOTHING_THERE) or self.said == TOO_LARGE


async def pull(
    connection: NatsConnection,
    client: Client,
    consumer: str,
    most: int,
    wait_s: float = 0.0,
    bytes_max: int | None = None,
) -> Answer:
    """At most so many messages that are there; where it may wait, the first ones that come.

    consumer   as in STREAM.CONSUMER
    bytes_max  of all together; one that is longer than that alone does not come
    Raises NatsAway.
    """
    from nats.errors import Error

    taking = _Taking(most)
    inbox = client.new_inbox()
    asked: dict[str, object] = {"batch": most}
    asked |= {"expires": int(wait_s * 1e9)} if wait_s else {"no_wait": True}
    asked |= {} if bytes_max is None else {"max_bytes": bytes_max}
    try:
        listening = await client.subscribe(inbox, cb=taking.take)
        try:
            await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{consumer}", msgspec.json.encode(asked), inbox)
            async with asyncio.timeout(wait_s + ANSWER_S):
                await connection.unless_broken(client, taking.is_over.wait())
        finally:
            if client.is_connected:
                await listening.unsubscribe()
    except (Error, OSError, TimeoutError) as error:
        await connection.close()
        raise NatsAway(f"the consumer {consumer} does not answer: {words_of(error)}") from error
    return Answer(taking.messages, taking.status, taking.said)


class _Taking:
    """Takes in what comes for one request, by which nothing else comes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.messages: list[Pulled] = []
        self.status = self.said = ""
        self.is_over = asyncio.Event()

    async def take(self, message: Msg) -> None:
        if message.reply:
            self.messages.append(_pulled(message))
        else:
            headers = message.headers or {}
            self.status, self.said = headers.get("Status", ""), headers.get("Description", "")
        if self.status or len(self.messages) == self._most:
            self.is_over.set()


def _pulled(message: Msg) -> Pulled:
    told = message.reply.split(".")
    first = 5 if len(told) == REPLY_TOKENS else 7
    sequence, delivered, time_ns, pending = map(int, told[first : first + 4])
    headers = [(name, text.encode(errors="surrogateescape")) for name, text in (message.headers or {}).items()]
    line = Line(sequence, message.data or None, message.subject.encode(), headers, time_ns // 1_000_000)
    return Pulled(line, delivered, pending)
