"""Messages into a topic of Kafka, each acknowledged by all replicas that are in step.

librdkafka does the work in threads of its own, and one more asks it what has become of messages. It sends again by
itself what was not acknowledged, without writing it twice, and keeps the order within a partition.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from pydantic import Field

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.destinations.message import Message
from parcours.kafka_client import KafkaClient, TopicName

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Producer
    from confluent_kafka import Message as Delivered

log = logging.getLogger("parcours")

TOPIC_KNOWN_S: Final = 5.0
"""How long the brokers may take to tell whether there is the topic."""

POLL_S: Final = 0.1

FULL_PAUSE_S: Final = 0.01
"""Pause where librdkafka's buffer has no room for another message."""

GRACE_S: Final = 2.0
"""librdkafka gives up a message by its own clock, a little later than it should."""

OF_THE_MESSAGE: Final = frozenset({"MSG_SIZE_TOO_LARGE", "INVALID_MSG", "INVALID_MSG_SIZE", "INVALID_RECORD"})
"""What the brokers would say of this message again, and of no other."""

OF_THE_TOPIC: Final = frozenset(
    {
        "CLUSTER_AUTHORIZATION_FAILED", "NOT_ENOUGH_REPLICAS", "POLICY_VIOLATION", "TOPIC_AUTHORIZATION_FAILED",
        "TOPIC_EXCEPTION", "UNKNOWN_TOPIC_OR_PART", "_AUTHENTICATION", "_UNKNOWN_PARTITION", "_UNKNOWN_TOPIC",
    }
)  # fmt: skip
"""What would be said of any message, and after which none has been written. After anything else one may have been."""


OURS: Final = {
    "acks": "a message counts as told once all replicas that are in step have it",
    "delivery.timeout.ms": "it is `timeout`",
    "enable.idempotence": "what is sent again is written once",
    "message.timeout.ms": "it is `timeout`",
    "request.required.acks": "a message counts as told once all replicas that are in step have it",
    "transactional.id": "a message counts as told by itself",
}
"""Options that are not the operator's, and why."""


class KafkaTopic(KafkaClient):
    """Where messages go: a topic, and how one reaches the brokers."""

    ours: ClassVar[Mapping[str, str]] = OURS

    topic: TopicName = Field(description="The topic; it has to be there, unless the brokers make one.")
    timeout_s: Annotated[float, Field(gt=0)] = Field(30.0, description="How long a message may take.")


class KafkaProducer:
    """Opened once, used by any number of calls side by side, closed once."""

    def __init__(self, settings: KafkaTopic) -> None:
        self._settings = settings
        self._closing = Event()
        self._thread = Thread(target=self._poll, name="parcours-kafka", daemon=True)
        self._heard = ""

    async def open(self) -> None:
        """Raises ValueError for options that librdkafka does not know. It waits for no broker."""
        self._producer = self._made()
        self._thread.start()

    async def send(self, messages: Sequence[Message]) -> list[Receipt]:
        """A receipt for each, in their order, which those of one key have in the topic, too.

        It never raises for a log that fails.
        """
        if (trouble := await asyncio.to_thread(self._trouble)) is not None:
            return [NotSent(message.id, trouble, of_channel=True) for message in messages]
        sending = _Sending(messages)
        try:
            async with asyncio.timeout(self._settings.timeout_s + GRACE_S):
                for number in range(len(messages)):
                    await self._hand_over(sending, number)
                if messages:
                    await sending.is_over.wait()
        except TimeoutError:
            return sending.receipts(f"no answer within {self._settings.timeout_s:g} s")
        return sending.receipts()

    async def close(self) -> None:
        """End it; what is under way is given up."""
        self._closing.set()
        if self._thread.is_alive():
            self._producer.purge()
            await asyncio.to_thread(self._thread.join)

    def _made(self) -> Producer:
        from confluent_kafka import KafkaException, Producer

        usual = {"linger.ms": 1, "partitioner": "murmur2_random"}  # as clients in Java choose a key's partition
        needed = {
            "enable.idempotence": True,
            "acks": "all",
            "message.timeout.ms": int(self._settings.timeout_s * 1_000),
            "error_cb": self._hear,
        }
        try:
            return Producer(self._settings.told(usual, needed))
        except KafkaException as error:
            raise ValueError(f"librdkafka does not take these options: {error}") from error

    def _poll(self) -> None:
        """Let librdkafka tell what has become of messages."""
        while not self._closing.is_set():
            self._producer.poll(POLL_S)
        self._producer.poll(0)

    def _hear(self, error: KafkaError) -> None:
        """Something is wrong, if only for a moment: whoever asks why nothing goes is told."""
        self._heard = error.str()
        if error.fatal():
            log.warning("the producer of Kafka's topic %s begins anew: %s", self._settings.topic, error.str())
            self._producer = self._made()

    def _trouble(self) -> str | None:
        """Why nothing can be written just now, None where it can: of what is queued nobody can say so later."""
        from confluent_kafka import KafkaException

        try:
            told = self._producer.list_topics(self._settings.topic, timeout=TOPIC_KNOWN_S)
        except KafkaException as error:
            return f"no broker answers: {self._heard or _of(error).str()}"
        wrong = told.topics[self._settings.topic].error
        return None if wrong is None else f"topic {self._settings.topic}: {wrong.str()}"

    async def _hand_over(self, sending: _Sending, number: int) -> None:
        """Queue a message, once there is room."""
        from confluent_kafka import KafkaException

        message = sending.messages[number]
        key = None if message.key is None else message.key.encode()
        headers: list[Any] = [(name, text.encode()) for name, text in message.headers]
        while True:
            try:
                self._producer.produce(
                    self._settings.topic, message.value, key, headers=headers, on_delivery=partial(sending.told, number)
                )
            except BufferError:
                await asyncio.sleep(FULL_PAUSE_S)
            except KafkaException as error:
                return sending.over(number, _receipt(message.id, _of(error)))
            else:
                return None


class _Sending:
    """What becomes of the messages of one call; librdkafka tells it in another thread."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.is_over = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._receipts: list[Receipt | None] = [None] * len(messages)
        self._left = len(messages)
        self._counting = Lock()

    def told(self, number: int, error: KafkaError | None, delivered: Delivered) -> None:
        """What has become of a message."""
        key = self.messages[number].id
        if error is not None:
            receipt = _receipt(key, error)
        else:
            receipt = Accepted(key, f"{delivered.topic()}/{delivered.partition()}/{delivered.offset()}")
        self.over(number, receipt)

    def over(self, number: int, receipt: Receipt) -> None:
        """All is known of a message."""
        self._receipts[number] = receipt
        with self._counting:
            self._left -= 1
            left = self._left
        if not left:
            self._loop.call_soon_threadsafe(self.is_over.set)

    def receipts(self, otherwise: str = "") -> list[Receipt]:
        """The receipts; `otherwise` is why some are in doubt."""
        return [
            receipt or Ambiguous(message.id, otherwise)
            for message, receipt in zip(self.messages, self._receipts, strict=True)
        ]


def _of(error: Exception) -> KafkaError:
    """What an exception of the library's is about."""
    told: KafkaError = error.args[0]
    return told


def _receipt(key: str, error: KafkaError) -> Receipt:
    reason, code = error.str(), error.name()
    if code in OF_THE_MESSAGE:
        return Refused(key, reason, code=code)
    if code in OF_THE_TOPIC:
        return NotSent(key, reason, code=code, of_channel=True)
    return Ambiguous(key, reason, code)
