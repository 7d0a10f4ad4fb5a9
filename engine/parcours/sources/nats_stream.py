"""Reads one stream of JetStream by a durable consumer, from wherever the engine says.

The engine's stores are the truth, and the consumer is but a means to them: it takes no acknowledgements, and wherever
reading begins, or goes on elsewhere than where the last one led to, it is deleted and made anew from there. What it
shows operators is how far the stream has been read, and how much is left.

Others may do the same by the same name, at any time: another process that takes over, or somebody by mistake. So what
it delivers is believed only if nothing can be missing. Sequences without a gap speak for themselves, unless somebody
else's consumer may have delivered what the filter leaves out. A gap is one of deleted messages, or of a filter, if all
of these hold: the consumer has counted its deliveries without a gap, it is still the one that was made here, which is
known by the time at which it was made, and the stream has forgotten nothing that is behind the position. That nothing
has come is looked into in the same way. Whatever is not believed is read again by a consumer that is made anew.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from parcours.nats_connection import JetStreamError, NatsConnection
from parcours.source import PositionOutOfRange, Read, SourceUnreachable
from parcours.sources.nats_pull import TOO_LARGE, Answer, Pulled, pull

if TYPE_CHECKING:
    from nats.aio.client import Client

log = logging.getLogger("parcours")

WAIT_S: Final = 0.5
"""How long a reading waits for messages."""

PULLED_BYTES_MAX: Final = 16 * 1024 * 1024
"""So much one reading brings; a single message may be longer."""

ATTEMPTS_MAX: Final = 5
"""So often one reading makes the consumer anew: who shares it with somebody else gets on in the end."""

OURS: Final = {"parcours": "source"}
"""By which a consumer is known to be a source's, and may be deleted."""

CONSUMER_NOT_FOUND: Final = 10014
MESSAGE_NOT_FOUND: Final = 10037
CONSUMER_EXISTS: Final = frozenset({10105, 10148})


@dataclass(slots=True, eq=False)
class _Consumer:
    """
    client     the connection by which it was made
    created    when that was, by the server
    position   where reading goes on
    delivered  how many messages it has delivered up to there
    """

    client: Client
    created: str
    position: int
    delivered: int = 0


class NatsStream:
    """One stream. `from_end` is where one begins that has never been read."""

    def __init__(
        self, connection: NatsConnection, name: str, durable: str, subjects: Sequence[str], *, from_end: bool
    ) -> None:
        self._connection = connection
        self._name = name
        self._durable = durable
        self._path = f"{name}.{durable}"
        self._subjects = subjects
        self._from_end = from_end
        self._consumer: _Consumer | None = None

    async def read(self, position: int | None, most: int) -> Read:
        """As a source reads. Raises JetStreamError and NatsAway, too."""
        for _ in range(ATTEMPTS_MAX):
            consumer = await self._consumer_at(position)
            self._consumer = None  # whatever ends this, it is known no more how far the consumer is
            answer = await self._pulled(consumer, most)
            read = await (self._read(consumer, answer.messages) if answer.messages else self._empty(consumer, answer))
            if read is not None:
                return read
            position = consumer.position
            log.info("somebody else has used the consumer %s of NATS: it is made anew", self._path)
        raise SourceUnreachable(f"somebody else reads by the consumer {self._path}: give each project one of its own")

    async def position_at(self, at_ms: int) -> int | None:
        """As a source that can tell where a time is. Raises JetStreamError and NatsAway, too."""
        try:
            found = await self._connection.ask(
                f"STREAM.MSG.GET.{self._name}", {"start_time": datetime.fromtimestamp(at_ms / 1_000, UTC)}
            )
        except JetStreamError as error:
            if error.err_code != MESSAGE_NOT_FOUND:
                raise
            return None
        return int(found["message"]["seq"])

    async def _consumer_at(self, position: int | None) -> _Consumer:
        """The consumer where it stands there, and else a new one."""
        client, consumer = await self._connection.client(), self._consumer
        if consumer is not None and consumer.client is client and consumer.position == position:
            return consumer
        for _ in range(ATTEMPTS_MAX):
            begin = await self._checked(position)
            await self._delete()
            try:
                return _Consumer(client, (await self._create(begin))["created"], begin)
            except JetStreamError as error:
                if error.err_code not in CONSUMER_EXISTS:
                    raise
        raise SourceUnreachable(f"somebody else makes the consumer {self._path} at the same time")

    async def _checked(self, position: int | None) -> int:
        """The position as one that the stream has. Raises PositionOutOfRange."""
        told = await self._connection.ask(f"STREAM.INFO.{self._name}")
        if (retention := told["config"]["retention"]) != "limits":
            raise SourceUnreachable(
                f"the stream {self._name} deletes what is read, by its retention {retention}: it needs limits"
            )
        first, end = _bounds(told)
        if position is None:
            return end if self._from_end else first
        position = max(position, 1)  # the first sequence that there is
        if not first <= position <= end:
            raise PositionOutOfRange(position, first)
        return position

    async def _delete(self) -> None:
        """Take away the consumer that there is; one that is not a source's is left alone."""
        try:
            told = await self._connection.ask(f"CONSUMER.INFO.{self._path}")
            if not OURS.items() <= told["config"].get("metadata", {}).items():
                raise SourceUnreachable(f"the consumer {self._path} is not ours: set another `durable`")
            await self._connection.ask(f"CONSUMER.DELETE.{self._path}")
        except JetStreamError as error:
            if error.err_code != CONSUMER_NOT_FOUND:
                raise

    async def _create(self, position: int) -> dict[str, Any]:
        config = {
            "name": self._durable,
            "durable_name": self._durable,
            "description": "How far Parcours has read; its position lies in its own store.",
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": position,
            "ack_policy": "none",
            "replay_policy": "instant",
            "metadata": OURS,
            **({"filter_subjects": self._subjects} if self._subjects else {}),
        }
        request = {"stream_name": self._name, "config": config, "action": "create"}
        return await self._connection.ask(f"CONSUMER.CREATE.{self._path}", request)

    async def _pulled(self, consumer: _Consumer, most: int) -> Answer:
        """What is there, and where nothing is, what comes first."""
        connection, client, path = self._connection, consumer.client, self._path
        answer = await pull(connection, client, path, most, bytes_max=PULLED_BYTES_MAX)
        if not answer.messages and answer.said == TOO_LARGE:
            answer = await pull(connection, client, path, 1)
        if not answer.messages and answer.is_sound:
            answer = await pull(connection, client, path, 1, WAIT_S)
        return answer

    async def _read(self, consumer: _Consumer, messages: Sequence[Pulled]) -> Read | None:
        """The messages, as far as nothing is missing between them; None where they cannot be believed."""
        end = messages[-1]
        has_gap = any(each.line.offset != offset for offset, each in enumerate(messages, consumer.position))
        if has_gap or self._subjects:
            if not _counted(messages, consumer) or (told := await self._told(consumer)) is None:
                return None
            first, _, _ = told
            messages = messages[: _held(messages, consumer.position, first)]
            if not messages:
                raise PositionOutOfRange(consumer.position, first)
            if messages[-1] is not end:
                return Read([each.line for each in messages], messages[-1].line.offset + 1, messages[-1].pending)
        consumer.position, consumer.delivered = end.line.offset + 1, end.delivered
        self._consumer = consumer
        return Read([each.line for each in messages], consumer.position, end.pending)

    async def _empty(self, consumer: _Consumer, answer: Answer) -> Read | None:
        """No message has come; None where that cannot be believed. The position passes what the filter leaves out."""
        if (told := await self._told(consumer)) is None:
            return None
        if not answer.is_sound:
            raise SourceUnreachable(f"the consumer {self._path} answers {answer.status} {answer.said}")
        first, end, info = told
        if not first <= consumer.position <= end:
            raise PositionOutOfRange(consumer.position, first)
        if info["delivered"]["consumer_seq"] != consumer.delivered:
            return None
        if not info["num_pending"]:
            consumer.position = end
        self._consumer = consumer
        return Read([], consumer.position, info["num_pending"])

    async def _told(self, consumer: _Consumer) -> tuple[int, int, dict[str, Any]] | None:
        """The oldest position of the stream, the one behind its newest message, and what there is to know of the
        consumer, asked for in this order; None where it is another one by now.
        """
        first, end = _bounds(await self._connection.ask(f"STREAM.INFO.{self._name}"))
        try:
            info = await self._connection.ask(f"CONSUMER.INFO.{self._path}")
        except JetStreamError as error:
            if error.err_code != CONSUMER_NOT_FOUND:
                raise
            return None
        return (first, end, info) if info["created"] == consumer.created else None


def _bounds(told: dict[str, Any]) -> tuple[int, int]:
    """The oldest sequence, and the one behind the newest. A stream that is new has neither."""
    state = told["state"]
    return max(int(state["first_seq"]), 1), int(state["last_seq"]) + 1


def _counted(messages: Sequence[Pulled], consumer: _Consumer) -> bool:
    """Whether the consumer has delivered just these, one after the other, since the position."""
    last = consumer.position - 1
    for number, message in enumerate(messages, consumer.delivered + 1):
        if message.delivered != number or message.line.offset <= last:
            return False
        last = message.line.offset
    return True


def _held(messages: Sequence[Pulled], position: int, first: int) -> int:
    """How many messages there are up to the first gap of which the stream may have forgotten something."""
    for number, message in enumerate(messages):
        if message.line.offset != position and position < first:
            return number
        position = message.line.offset + 1
    return len(messages)
