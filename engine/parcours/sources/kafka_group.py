"""Which partitions of a topic does the consumer group give to this process?

The member of the group reads nothing: what it is given it pauses at once, and others read it (kafka_reader.py). So a
partition that moves disturbs the reading of no other, and no position depends on the group.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Final

from confluent_kafka import OFFSET_END, Consumer, KafkaError, TopicPartition

from parcours.source import SourceUnreachable, in_thread
from parcours.sources.kafka_settings import KafkaSettings

log = logging.getLogger("parcours")

POLL_EVERY_S: Final = 0.1
"""How often the group is asked. Who does not ask for `max.poll.interval.ms` is thrown out of it."""


DEALT_WITHIN_S: Final = 5.0
"""How long the first question for partitions waits for the group."""

OF_CONNECTIONS: Final = frozenset({"_ALL_BROKERS_DOWN", "_RESOLVE", "_TIMED_OUT", "_TRANSPORT"})

OUTSIDE: Final = "the consumer group has not given this process its partitions yet"


LEAVING_POLLS_MAX: Final = 100
"""So often the group is heard until it has taken back what it has given: five seconds."""

QUIET_POLLS: Final = 2
QUIET_S: Final = 0.05
"""So often, and each time so long, nothing is heard of the group before this process is taken to have left it."""


class KafkaGroup:
    """
    assigned  the partitions that are to be read here
    trouble   why there are none, in words, until the group deals them out
    is_over   nothing will ever come of this member any more
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self.assigned: set[int] = set()
        self.trouble: str | None = OUTSIDE
        self.is_over = False
        self._dealt = asyncio.Event()
        self._consumer = Consumer({**settings.of_client(), "error_cb": self._hear})
        self._consumer.subscribe(
            [settings.topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )
        self._task = asyncio.ensure_future(self._keep_asking())

    async def partitions(self) -> Collection[int]:
        """What is to be read here; nothing, where others read all. Raises SourceUnreachable."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DEALT_WITHIN_S):  # wait_for of Python 3.11 may go on though it is cancelled
                await self._dealt.wait()
        if not self.assigned and self.trouble is not None:
            raise SourceUnreachable(self.trouble)
        return self.assigned

    async def close(self) -> None:
        """Leave the group."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await in_thread(self._leave)

    def _leave(self) -> None:
        """Give back what the group has given before anything is closed: librdkafka waits for itself for ever where it
        has something to give, or to take, while it closes.
        """
        self._consumer.unsubscribe()
        quiet = 0
        for _ in range(LEAVING_POLLS_MAX):
            quiet = quiet + 1 if self._consumer.poll(QUIET_S) is None else 0
            if quiet >= QUIET_POLLS and not self.assigned:
                break
        self._consumer.close()

    async def _keep_asking(self) -> None:
        """On the loop, so that whoever does not get on any more loses the partitions to others."""
        while True:
            message = self._consumer.poll(0)
            if message is not None and (error := message.error()) is not None:
                self._hear(error)
            if message is None:
                await asyncio.sleep(POLL_EVERY_S)

    def _hear(self, error: KafkaError) -> None:
        """Whether there is a connection others find out, and more often."""
        if error.name() not in OF_CONNECTIONS:
            self.trouble = error.str()
        self.is_over = self.is_over or error.fatal()

    def _on_assign(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self.assigned.update(each.partition for each in partitions)
        given = [TopicPartition(each.topic, each.partition, OFFSET_END) for each in partitions]
        consumer.incremental_assign(given)
        consumer.pause(given)
        self.trouble = None
        self._dealt.set()
        log.info("the group gives partitions %s; they are now %s", _numbers(partitions), sorted(self.assigned))

    def _on_revoke(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self.assigned.difference_update(each.partition for each in partitions)
        consumer.incremental_unassign(list(partitions))
        log.info("the group takes partitions %s; they are now %s", _numbers(partitions), sorted(self.assigned))

    def _on_lost(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self.trouble = self.trouble or OUTSIDE
        log.warning("the group has gone on without this process, which enters it again")
        self._on_revoke(consumer, partitions)


def _numbers(partitions: Sequence[TopicPartition]) -> list[int]:
    return sorted(each.partition for each in partitions)
