"""A Kafka for tests: librdkafka's mock cluster in a process of its own, which clients of any process may use.

It knows groups, and what a log forgets. It does not know what a transaction takes back, timestamps as positions, nor
partitions that are added to a topic. Whoever enters a group that others have left waits for its `session.timeout.ms`.
Who waits there for others longer than its own one is thrown out and hears nothing of it, as no broker does: it enters
anew `max.poll.interval.ms` and three seconds after it has asked to be let in.
A partition holds some 5 MB of what has been written to it, as that came: more lines where they are compressed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

WITHIN_S: Final = 30.0

MESSAGE_BYTES_MAX: Final = 20_000_000

REBALANCE_MS: Final = 50
"""How long a group waits for members before it deals out partitions; a real one takes seconds."""


class Kafka:
    """A cluster, which ends with its context. `servers` is what clients take as `bootstrap.servers`."""

    def __init__(self, brokers: int = 1) -> None:
        command = [sys.executable, str(Path(__file__).with_name("kafka_broker.py")), str(brokers)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.servers: str = self._ask("servers")
        self._do("rebalance_after", REBALANCE_MS)
        self._producer = self.producer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=WITHIN_S)

    def producer(self, **settings: Any) -> Producer:
        """A client that writes. Names of settings have _ where librdkafka's have a dot."""
        given = {name.replace("_", "."): value for name, value in settings.items()}
        return Producer(
            {
                "bootstrap.servers": self.servers,
                "linger.ms": 20,
                "message.max.bytes": MESSAGE_BYTES_MAX,
                "log_level": 0,
                **given,
            }
        )

    def create(self, topic: str, partitions: int = 1) -> None:
        """Make a topic. One that is written to without has four partitions."""
        self._do("create", topic, partitions)
        self._producer = self.producer()  # which knows nothing of one that was called the same

    def delete(self, topic: str) -> None:
        """Take a topic away with all that it holds."""
        self._do("delete", topic)

    def forget(self, topic: str, partition: int, before: int) -> None:
        """Let a partition hold nothing before this offset."""
        self._do("forget", topic, partition, before)

    def fail(self, request: int, errors: Sequence[int]) -> None:
        """Answer the coming requests of this kind, by its number in the protocol, with these codes alone."""
        self._do("fail", request, list(errors))

    @contextmanager
    def away(self) -> Iterator[None]:
        """While it lasts nobody reaches a broker."""
        self._do("down")
        try:
            yield
        finally:
            self._do("up")

    def write(
        self,
        topic: str,
        values: Iterable[bytes | None],
        partition: int = 0,
        *,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] | Mapping[str, bytes] = (),
        timestamp_ms: int = 0,
    ) -> None:
        """Write lines behind those of a partition; they are there when it returns."""
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failed.append(error)

        for value in values:
            while not self._taken(topic, value, key, partition, delivered, timestamp_ms, headers):
                self._producer.poll(0.1)
        if self._producer.flush(WITHIN_S) or failed:
            raise RuntimeError(f"{topic}/{partition} cannot be written to: {failed[:1]}")

    def _taken(
        self, topic: str, value: bytes | None, key: Any, partition: int, then: Any, timestamp_ms: int, headers: Any
    ) -> bool:
        """Whether the producer has room for a line."""
        told = list(headers.items() if isinstance(headers, Mapping) else headers)
        try:
            self._producer.produce(
                topic, value, key, partition=partition, on_delivery=then, timestamp=timestamp_ms, headers=told
            )
        except BufferError:
            return False
        return True

    def _do(self, *request: Any) -> None:
        if code := self._ask(*request):
            raise KafkaException(KafkaError(code))

    def _ask(self, *request: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(request)}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the broker has ended with {self._process.wait(WITHIN_S)}")
        return json.loads(answer)
