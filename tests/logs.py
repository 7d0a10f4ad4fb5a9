"""What logs of tests hold, read by a client that has nothing of the engine's."""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition
from nats.aio.client import Client

from parcours.testing.doubles import Kafka, NatsServer

WITHIN_S = 20.0


def topic_messages(kafka: Kafka, topic: str, partitions: int = 1) -> list[Message]:
    """What the topic holds, partition by partition."""
    consumer = Consumer({"bootstrap.servers": kafka.servers, "group.id": "g", "log_level": 0})
    try:
        held: list[Message] = []
        for partition in range(partitions):
            at = TopicPartition(topic, partition, 0)
            _, end = consumer.get_watermark_offsets(at, timeout=WITHIN_S)
            if end:
                consumer.assign([at])
                held += consumer.consume(end, WITHIN_S)
        return held
    finally:
        consumer.close()


def stream_messages(server: NatsServer, stream: str, **login: str) -> list[tuple[bytes, dict[str, str]]]:
    """What the stream holds: values and headers."""

    async def read(client: Client) -> list[tuple[bytes, dict[str, str]]]:
        context = client.jetstream()
        last = (await context.stream_info(stream)).state.last_seq
        held = [await context.get_msg(stream, number) for number in range(1, last + 1)]
        return [(message.data or b"", message.headers or {}) for message in held]

    return server.do(read, **login)


def add_stream(server: NatsServer, name: str, subject: str, *, token: str | None = None, **config: Any) -> None:
    """Make a stream that takes what matches the subject."""

    async def add(client: Client) -> None:
        await client.jetstream().add_stream(name=name, subjects=[subject], **config)

    server.do(add, token=token)
