"""Messages into a stream of NATS JetStream, each acknowledged once it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from pydantic import Field

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.destinations.message import Message
from parcours.nats_connection import NatsAway, NatsConnection, NatsLogin, words_of

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

HEADERS_BYTES: Final = 64
"""What the protocol adds to a message beside its value and its headers."""

OF_THE_MESSAGE: Final = frozenset({10054, 10097})
"""JetStream's own codes of what would be said of this message again: it, or its headers, are too large."""

UNANSWERED: Final = frozenset({10158})
"""That the same message is on its way already: nobody knows yet what becomes of it."""


class NatsSubject(NatsLogin):
    """Where messages go: a subject that a stream of JetStream takes."""

    subject: str = Field(min_length=1, description="The subject; a stream of JetStream has to take it.")
    stream: str | None = Field(None, description="The stream that has to be the one; any without it.")
    timeout_s: Annotated[float, Field(gt=0)] = Field(30.0, description="How long all answers may take.")


class _Refusal(msgspec.Struct):
    err_code: int = 0
    code: int = 0
    description: str = ""


class _Ack(msgspec.Struct):
    """What JetStream answers to a message."""

    stream: str = ""
    seq: int = 0
    error: _Refusal | None = None


_decode = msgspec.json.Decoder(_Ack).decode


class NatsPublisher:
    """Opened once, used by any number of calls side by side, closed once."""

    def __init__(self, settings: NatsSubject) -> None:
        self._settings = settings
        self._connection = NatsConnection(settings, "parcours")

    async def open(self) -> None:
        """Raises NatsAway; `send` tries again by itself."""
        await self._connection.client()

    async def send(self, messages: Sequence[Message]) -> list[Receipt]:
        """A receipt for each, in their order, which they have in the stream, too. It never raises for a log that fails.

        A message is stored once within the stream's window for duplicates, however often it is sent.
        """
        try:
            client = await self._connection.tried()
        except NatsAway as error:
            return [NotSent(message.id, str(error), of_channel=True) for message in messages]
        answers = _Answers(len(messages))
        inbox = client.new_inbox()
        listening = await client.subscribe(f"{inbox}.*", cb=answers.take)
        try:
            receipts = await self._published(client, messages, inbox)
            answers.expect(receipts)
            reason = await self._all_answered(client, answers)
        finally:
            if client.is_connected:
                await listening.unsubscribe()
        return [
            receipt or answers.receipt(number, message.id, reason)
            for number, (message, receipt) in enumerate(zip(messages, receipts, strict=True))
        ]

    async def close(self) -> None:
        await self._connection.close()

    async def _published(self, client: Client, messages: Sequence[Message], inbox: str) -> list[Receipt | None]:
        """What is certain already of each; None of one that has left."""
        from nats.errors import Error

        receipts: list[Receipt | None] = []
        for number, message in enumerate(messages):
            headers = self._headers(message)
            size = len(message.value) + HEADERS_BYTES + sum(len(name) + len(text) + 4 for name, text in headers.items())
            if size > client.max_payload:
                receipts.append(Refused(message.id, f"the server takes {client.max_payload} bytes, this has {size}"))
                continue
            try:
                await client.publish(self._settings.subject, message.value, f"{inbox}.{number}", headers)
            except (Error, OSError) as error:
                reason = f"the connection has broken: {words_of(error)}"
                return [*receipts, *(NotSent(each.id, reason, of_channel=True) for each in messages[number:])]
            receipts.append(None)
        return receipts

    def _headers(self, message: Message) -> dict[str, str]:
        expected = {} if self._settings.stream is None else {"Nats-Expected-Stream": self._settings.stream}
        return {"Nats-Msg-Id": message.id, **expected, **dict(message.headers)}

    async def _all_answered(self, client: Client, answers: _Answers) -> str:
        """Wait for all answers; why some may be missing."""
        within_s = self._settings.timeout_s
        try:
            await self._connection.unless_broken(client, answers.all_there.wait(), within_s)
        except NatsAway as error:
            return str(error)
        except TimeoutError:
            return f"no answer within {within_s:g} s"
        return "no answer"


class _Answers:
    """What JetStream has answered to the messages of one call, by number."""

    def __init__(self, messages: int) -> None:
        self._told: list[Msg | None] = [None] * messages
        self._left = messages
        self.all_there = asyncio.Event()

    async def take(self, message: Msg) -> None:
        """An answer has come."""
        self._told[int(message.subject.rpartition(".")[2])] = message
        self._count(1)

    def expect(self, receipts: Sequence[Receipt | None]) -> None:
        """No answer will come to those of which all is known."""
        self._count(len([receipt for receipt in receipts if receipt is not None]))

    def _count(self, answers: int) -> None:
        self._left -= answers
        if self._left <= 0:
            self.all_there.set()

    def receipt(self, number: int, key: str, otherwise: str) -> Receipt:
        """What the answer to a message says."""
        message = self._told[number]
        if message is None:
            return Ambiguous(key, otherwise)
        if _status(message.headers) == "503":
            return NotSent(key, "no stream takes the subject", code="503", of_channel=True)
        try:
            ack = _decode(message.data)
        except msgspec.DecodeError:
            return Ambiguous(key, "an answer that cannot be read")
        if ack.error is not None:
            return _refusal(key, ack.error)
        return Accepted(key, f"{ack.stream}/{ack.seq}")


def _status(headers: Mapping[str, Any] | None) -> Any:
    return (headers or {}).get("Status")


def _refusal(key: str, error: _Refusal) -> Receipt:
    reason, code = f"JetStream answers {error.description}", str(error.err_code)
    if error.err_code in OF_THE_MESSAGE:
        return Refused(key, reason, code=code)
    if error.err_code in UNANSWERED:
        return Ambiguous(key, reason, code)
    return NotSent(key, reason, code=code, of_channel=True)
