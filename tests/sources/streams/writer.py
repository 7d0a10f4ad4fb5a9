"""Goes on writing messages to a topic, in a process of its own, until it is told to stop: then it says how many."""

from __future__ import annotations

import select
import sys
from collections.abc import Iterator

from confluent_kafka import Producer
from tests.engine.lives import say
from tests.sources.streams.messages import message

AT_ONCE = 20


def main(servers: str, topic: str, seed: str, per_second: str) -> None:
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 5, "enable.idempotence": True})
    number = 0
    for _ in _ticks(AT_ONCE / float(per_second)):
        for _ in range(AT_ONCE):
            key, value = message(int(seed), number)
            producer.produce(topic, value, key)
            number += 1
        producer.poll(0)
    left = producer.flush(30)
    say(written=number, left=left)


def _ticks(pause_s: float) -> Iterator[None]:
    """One after each pause, until a line comes in, or the end."""
    while not select.select([sys.stdin], [], [], pause_s)[0]:
        yield


if __name__ == "__main__":
    main(*sys.argv[1:])
