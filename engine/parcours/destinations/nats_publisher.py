"""Messages into a stream of NATS JetStream, each acknowledged once it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from pydantic import Field

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.destinations.message import Message
from parcours.nats_connection import NatsAway, NatsConnection, NatsLogin, StreamName, SubjectName, words_of

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

    subject: SubjectName = Field(description="The subject; a stream of JetStream has to take it.")
    stream: StreamName | None = Field(None, description="The stream that has to be the one; any without it.")
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
        from nats.errors import Error

        answers = _Answers(messages)
        try:
            client = await self._connection.tried()
            inbox = client.new_inbox()
            listening = await client.subscribe(f"{inbox}.*", cb=answers.take)
        except (NatsAway, Error) as error:
            return [NotSent(message.id, words_of(error), of_channel=True) for message in messages]
        reason = ""
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await self._connection.unless_broken(client, self._publish(client, messages, inbox, answers))
                await self._connection.unless_broken(client, answers.all_there.wait())
        except TimeoutError:
            reason = f"no answer within {self._settings.timeout_s:g} s"
        except NatsAway as error:
            reason = str(error)
        finally:
            answers.are_given_up = True
            if client.is_connected:
                await listening.unsubscribe()
        return answers.receipts(reason)

    async def close(self) -> None:
        await self._connection.close()

    async def _publish(self, client: Client, messages: Sequence[Message], inbox: str, answers: _Answers) -> None:
        """Publish them. The library may go on once it has been cancelled: none leaves when nobody waits for answers."""
        from nats.errors import Error

        for number, message in enumerate(messages):
            if answers.are_given_up:
                return
            headers = self._headers(message)
            size = len(message.value) + HEADERS_BYTES + sum(len(name) + len(text) + 4 for name, text in headers.items())
            if size > client.max_payload:
                reason = f"the server takes {client.max_payload} bytes, this has {size}"
                answers.handed_over(Refused(message.id, reason))
                continue
            try:
                await client.publish(self._settings.subject, message.value, f"{inbox}.{number}", headers)
            except (Error, OSError) as error:
                raise NatsAway(f"the connection has broken: {words_of(error)}") from error
            answers.handed_over(None)

    def _headers(self, message: Message) -> dict[str, str]:
        expected = {} if self._settings.stream is None else {"Nats-Expected-Stream": self._settings.stream}
        return {"Nats-Msg-Id": message.id, **expected, **dict(message.headers)}


class _Answers:
    """What becomes of the messages of one call.

    all_there     is set once all is known of each
    are_given_up  nobody waits for them any more
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        self._answers: dict[int, Msg] = {}
        self._certain: list[Receipt | None] = []
        self._refused = 0
        self.all_there = asyncio.Event()
        self.are_given_up = False
        self._look()

    async def take(self, answer: Msg) -> None:
        """JetStream has answered."""
        self._answers[int(answer.subject.rpartition(".")[2])] = answer
        self._look()

    def handed_over(self, certain: Receipt | None) -> None:
        """The next message has left, or it is certain already what has become of it."""
        self._certain.append(certain)
        self._refused += certain is not None
        self._look()

    def _look(self) -> None:
        if len(self._answers) + self._refused >= len(self._messages):
            self.all_there.set()

    def receipts(self, reason: str) -> list[Receipt]:
        """All receipts; `reason` is why publishing or answers broke off."""
        handed_over = len(self._certain)
        receipts = [
            certain or self._receipt(number, message.id, reason)
            for number, (message, certain) in enumerate(zip(self._messages, self._certain, strict=False))
        ]
        receipts += [Ambiguous(each.id, reason) for each in self._messages[handed_over : handed_over + 1]]
        return receipts + [NotSent(each.id, reason, of_channel=True) for each in self._messages[handed_over + 1 :]]

    def _receipt(self, number: int, key: str, otherwise: str) -> Receipt:
        """What the answer to a message says."""
        answer = self._answers.get(number)
        if answer is None:
            return Ambiguous(key, otherwise)
        if _status(answer.headers) == "503":
            return NotSent(key, "no stream takes the subject", code="503", of_channel=True)
        try:
            ack = _decode(answer.data)
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
