"""Reads partitions of a topic from any position, each as far as it is asked for.

One consumer fetches all partitions. What it hands out of one that nobody asks for just now is kept for it, and beyond
a bound the partition is paused. Before a partition is read from another position than the last one led to, and
whenever something is said to be wrong, the brokers are asked what it holds: so nobody is ever led to another position.
These questions go by a consumer that fetches nothing: on a connection that fetches, each would wait for a fetch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, ParamSpec, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from parcours.collector import spared
from parcours.source import Line, PartitionGone, PositionOutOfRange, Read, SourceUnreachable, in_thread
from parcours.sources.kafka_settings import KafkaSettings

P = ParamSpec("P")
T = TypeVar("T")

ANSWER_S: Final = 5.0
"""How long an answer of the brokers may take."""

WAIT_S: Final = 0.5
"""How long a reading waits for lines."""

ASKING_MAX: Final = 2
"""So many questions are with the brokers at once, each in a thread; of these a process has few."""

PAUSES_S: Final = (0.002, 0.005, 0.01, 0.02, 0.05)
"""Pauses between two looks for lines; the last is that of all others."""

FETCHED_MAX: Final = 5_000
"""Lines that are taken from librdkafka at once."""

KEPT_LINES_MAX: Final = 20_000
KEPT_BYTES_MAX: Final = 64 * 1024 * 1024
"""So much is kept of partitions that nobody asks for: lines of one, and bytes of all together."""

GONE: Final = frozenset({"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_PARTITION", "_UNKNOWN_TOPIC"})

NOBODY: Final = -1
"""The number of no partition."""

CLOSED: Final = "the connection is closed"

NO_NAME: Final = "the name of a header is no UTF-8"


@dataclass(slots=True, eq=False)
class _Partition:
    """
    position      where reading goes on
    lines         what has been fetched behind that
    size          of these lines, in bytes
    next          no line below is expected
    end           where the partition ended when the last line had been fetched, None if it went on
    is_doubtful   the brokers are asked once all lines are handed out
    refusal       what was said of this partition, in words
    """

    at: TopicPartition
    position: int
    next: int
    lines: list[Line] = field(default_factory=list)
    size: int = 0
    end: int | None = None
    is_doubtful: bool = False
    refusal: str | None = None
    is_paused: bool = False


class KafkaReader:
    """
    is_over  nothing can be read by it any more, and another one has to be made
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._topic = settings.topic
        self._begins_at_the_end = settings.begin == "latest"
        self._partitions: dict[int, _Partition] = {}
        self._said: str | None = None
        self.is_over = False
        self._may_ask = asyncio.Semaphore(ASKING_MAX)
        self._consumer = Consumer({**settings.of_client(), "error_cb": self._hear})
        self._asking = Consumer(settings.of_client())

    async def close(self) -> None:
        """Whoever still reads is told that nothing comes any more."""
        self.is_over = True
        for _ in range(ASKING_MAX):
            await self._may_ask.acquire()
        for each in (self._asking, self._consumer):
            await in_thread(each.close)

    async def there(self) -> Collection[int]:
        """The partitions that the topic has. Raises SourceUnreachable; of a topic that is gone, too."""
        try:
            return await self._ask(self._there, self._consumer)  # which thereby knows who leads what it will fetch
        except PartitionGone as error:
            for each in self._partitions.values():
                each.is_doubtful = True
            raise SourceUnreachable(str(error)) from None
        except KafkaException as error:
            raise self._unreachable(error) from error

    def keep(self, partitions: Collection[int]) -> None:
        """Fetch no others any more."""
        for number in self._partitions.keys() - set(partitions):
            self._drop(number)

    async def read(self, number: int, position: int | None, most: int) -> Read:
        """As a source reads."""
        partition = self._partitions.get(number)
        if partition is None or partition.position != position:
            partition = await self._begin(number, position)
        elif partition.is_doubtful and not partition.lines:
            refusal = partition.refusal
            partition = await self._begin(number, position)
            if refusal is not None:
                raise SourceUnreachable(refusal)
        if not partition.lines:
            await self._wait(partition)
        if self._partitions.get(number) is not partition:
            return Read([], partition.position)  # it has been given to somebody else meanwhile
        lines = partition.lines[:most]
        del partition.lines[:most]
        if lines:
            partition.position = lines[-1].offset + 1
            partition.size -= sum(len(line.value or b"") for line in lines)
        if not partition.lines and partition.end is not None:
            partition.position = max(partition.position, partition.end)  # behind marks of transactions, too
        if partition.is_paused and not self._is_full(partition, 2):
            self._consumer.resume([partition.at])
            partition.is_paused = False
        return Read(lines, partition.position, self._lag(partition))

    async def position_at(self, number: int, at_ms: int) -> int | None:
        """As a source that can tell where a time is."""
        try:
            return await self._ask(self._at, number, at_ms)
        except KafkaException as error:
            raise self._unreachable(error) from error

    async def _begin(self, number: int, position: int | None) -> _Partition:
        """Fetch the partition from this position on. Raises what a source raises."""
        self._drop(number)
        try:
            first, end = await self._ask(self._bounds, number)
            if position is None:
                position = end if self._begins_at_the_end else first
            if not first <= position <= end:
                raise PositionOutOfRange(position, first)
            at = TopicPartition(self._topic, number, position)
            self._consumer.incremental_assign([at])
        except KafkaException as error:
            raise self._unreachable(error) from error
        self._said = None
        partition = self._partitions[number] = _Partition(at, position, position)
        return partition

    def _drop(self, number: int) -> None:
        if (partition := self._partitions.pop(number, None)) is not None:
            if partition.is_paused:
                self._consumer.resume([partition.at])  # librdkafka would know it as paused for good
            self._consumer.incremental_unassign([partition.at])

    async def _wait(self, partition: _Partition) -> None:
        """Until there are lines, for a while."""
        loop = asyncio.get_running_loop()
        until_s, looks = loop.time() + WAIT_S, 0
        while not self._fetch() or not partition.lines:
            if partition.lines or partition.is_doubtful or loop.time() >= until_s:
                return
            await asyncio.sleep(PAUSES_S[min(looks, len(PAUSES_S) - 1)])
            looks += 1

    @spared()  # messages are many, and lead to nothing
    def _fetch(self) -> bool:
        """Take what librdkafka has fetched; whether that is anything."""
        if self.is_over:
            raise SourceUnreachable(self._said or CLOSED)
        messages: list[Any] = self._consumer.consume(FETCHED_MAX, 0)  # what is None only as one writes is a number here
        number, partition = NOBODY, None
        for message in messages:
            if (error := message.error()) is not None:
                self._note(message, error)
                continue
            if message.partition() != number:
                number = message.partition()
                partition = self._partitions.get(number)
            if partition is not None and (line := _line(message)).offset >= partition.next:
                partition.lines.append(line)
                partition.next = line.offset + 1
                partition.size += len(line.value or b"")
                partition.end = None
        for each in self._partitions.values():
            if not each.is_paused and self._is_full(each):
                self._consumer.pause([each.at])
                each.is_paused = True
        return bool(messages)

    def _is_full(self, partition: _Partition, parts: int = 1) -> bool:
        """Whether more is kept of it than may be, or than a part of that: with 2, than half of it."""
        bytes_max = KEPT_BYTES_MAX // len(self._partitions)
        return partition.size * parts > bytes_max or len(partition.lines) * parts > KEPT_LINES_MAX

    def _note(self, message: Any, error: KafkaError) -> None:
        """What is said in the place of a line; nobody asks any more about a partition that is read no more."""
        partition = self._partitions.get(message.partition())
        if partition is None:
            if message.partition() == NOBODY:
                self._hear(error)
        elif error.name() == "_PARTITION_EOF":
            partition.end = message.offset()
        else:
            partition.is_doubtful, partition.refusal = True, error.str()

    def _hear(self, error: KafkaError) -> None:
        """What is said of all: the brokers are asked before anything more is waited for."""
        self.is_over = self.is_over or error.fatal()
        if self._said is None or error.name() not in ("_ALL_BROKERS_DOWN", "_TRANSPORT"):
            self._said = error.str()
        for each in self._partitions.values():
            each.is_doubtful = True

    def _unreachable(self, error: KafkaException) -> SourceUnreachable:
        """Why there is no answer; what was said of the connection tells more than that."""
        with suppress(SourceUnreachable):
            self._fetch()
        return SourceUnreachable(self._said or _words(error))

    def _lag(self, partition: _Partition) -> int | None:
        if partition.end is not None and not partition.lines:
            return 0
        try:
            _, end = self._consumer.get_watermark_offsets(partition.at, cached=True)
        except KafkaException:
            return None  # whoever waits for lines finds out why
        return max(0, end - partition.position) if end >= 0 else None

    async def _ask(self, question: Callable[P, T], *of: P.args, **named: P.kwargs) -> T:
        """What the brokers answer. Raises what the question does, and SourceUnreachable."""
        async with self._may_ask:
            if self.is_over:
                raise SourceUnreachable(self._said or CLOSED)
            self._asking.poll(0)  # it keeps what it has heard until then, and the other one hears that, too
            return await in_thread(question, *of, **named)

    def _there(self, asked: Consumer) -> Collection[int]:
        """In a thread. Raises PartitionGone and KafkaException."""
        told = asked.list_topics(self._topic, timeout=ANSWER_S).topics[self._topic]
        if told.error is not None:
            if told.error.name() in GONE:
                raise PartitionGone(f"Kafka has no topic {self._topic}")
            raise KafkaException(told.error)
        partitions: Collection[int] = told.partitions.keys()
        return partitions

    def _bounds(self, number: int) -> tuple[int, int]:
        """The oldest offset of a partition, and the one behind the newest; in a thread."""
        if number not in self._there(self._asking):
            raise PartitionGone(f"the topic {self._topic} has no partition {number}")
        bounds = self._asking.get_watermark_offsets(TopicPartition(self._topic, number), timeout=ANSWER_S)
        if bounds is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return bounds

    def _at(self, number: int, at_ms: int) -> int | None:
        """The offset of the first message that is not before a time, None without such; in a thread."""
        if number not in self._there(self._asking):
            raise PartitionGone(f"the topic {self._topic} has no partition {number}")
        (found,) = self._asking.offsets_for_times([TopicPartition(self._topic, number, at_ms)], timeout=ANSWER_S)
        if found.error is not None:
            raise KafkaException(found.error)
        return None if found.offset < 0 else found.offset


def _line(message: Any) -> Line:
    headers: Sequence[tuple[str, bytes]] = ()
    unusable = None
    try:
        if told := message.headers():
            headers = [(name, value or b"") for name, value in told]
    except UnicodeDecodeError:
        unusable = NO_NAME
    kind_of_time, at_ms = message.timestamp()
    return Line(message.offset(), message.value(), message.key(), headers, at_ms if kind_of_time else None, unusable)


def _words(error: KafkaException) -> str:
    told = error.args[0]
    return told.str() if isinstance(told, KafkaError) else str(error)
