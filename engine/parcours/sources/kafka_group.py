"""Which partitions of a topic does the consumer group give to this process?

The member of the group reads nothing: what it is given it pauses at once, and others read it (kafka_reader.py). So a
partition that moves disturbs the reading of no other, and no position depends on the group.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from confluent_kafka import OFFSET_END, Consumer, KafkaError, TopicPartition

from parcours.background import in_thread
from parcours.sources.kafka_settings import KafkaSettings

log = logging.getLogger("parcours")

POLL_EVERY_S: Final = 0.1
"""How often the group is asked. Who does not ask for `max.poll.interval.ms` is thrown out of it."""


class KafkaGroup:
    """
    assigned  the partitions that are to be read here
    trouble   what the group has said last that is not in order, in words
    is_over   nothing will ever come of this member any more
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self.assigned: set[int] = set()
        self.trouble: str | None = None
        self.is_over = False
        self._dealt = asyncio.Event()
        self._consumer = Consumer({**settings.of_client(), "error_cb": self._hear})
        self._consumer.subscribe(
            [settings.topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )
        self._task = asyncio.ensure_future(self._keep_asking())

    async def dealt(self, within_s: float) -> bool:
        """Whether this process has ever been told what it is to read; waits for that a while."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._dealt.wait(), within_s)
        return self._dealt.is_set()

    async def close(self) -> None:
        """Leave the group."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await in_thread(self._consumer.close)

    async def _keep_asking(self) -> None:
        """On the loop, so that whoever does not get on any more loses the partitions to others."""
        while True:
            message = self._consumer.poll(0)
            if message is not None and (error := message.error()) is not None:
                self._hear(error)
            if message is None:
                await asyncio.sleep(POLL_EVERY_S)

    def _hear(self, error: KafkaError) -> None:
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
        log.warning("this process was thrown out of the group, which it enters again")
        self._on_revoke(consumer, partitions)


def _numbers(partitions: Sequence[TopicPartition]) -> list[int]:
    return sorted(each.partition for each in partitions)
