"""NATS JetStream as a source: each stream is a partition, and a message's sequence in it is its offset."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BaseModel, Field, field_validator

from parcours.nats_connection import JetStreamError, NatsAway, NatsConnection, NatsLogin, StreamName
from parcours.source import PartitionGone, Read, SourceUnreachable
from parcours.sources.nats_stream import NatsStream

STREAM_NOT_FOUND: Final = 10059


def _subject(text: str) -> str:
    if re.fullmatch(r"([^\s*>.]+|\*)(\.([^\s*>.]+|\*))*(\.>)?|>", text) is None:
        raise ValueError("subjects are named as in orders.paid, orders.* or orders.>")
    return text


class NatsSettings(NatsLogin):
    """Which streams are read, and how one reaches the server."""

    stream: tuple[StreamName, ...] = Field(min_length=1, description="The stream, or a list of some, each a partition.")
    durable: StreamName = Field(
        "parcours",
        description="The durable consumer by which they are read; no other project has the same.",
    )
    subjects: tuple[Annotated[str, AfterValidator(_subject)], ...] = Field(
        (), description="What of the streams is read, such as orders.>, or a list of some; all without it."
    )
    begin: Literal["earliest", "latest"] = Field(
        "earliest",
        alias="from",
        description="Where a stream is begun that has never been read: at its oldest message, or behind its newest.",
    )

    @field_validator("stream", "subjects", mode="before")
    @classmethod
    def _one_or_some(cls, given: Any) -> Any:
        if not isinstance(given, str | list | tuple):
            raise ValueError("a name is expected, or a list of some")
        return (given,) if isinstance(given, str) else given


class NatsSource:
    """Reads streams. A partition has the name of its stream."""

    Settings: ClassVar[type[BaseModel]] = NatsSettings
    libraries: ClassVar[tuple[str, ...]] = ("nats", "cryptography")

    def __init__(self, settings: NatsSettings) -> None:
        self._connection = NatsConnection(settings, f"parcours {settings.durable}")
        self._streams = {
            name: NatsStream(
                self._connection, name, settings.durable, settings.subjects, from_end=settings.begin == "latest"
            )
            for name in settings.stream
        }

    async def start(self) -> None:
        """Whether the server is there is told when it is read."""

    async def partitions(self) -> Sequence[str]:
        return list(self._streams)

    async def read(self, partition: str, position: int | None, most: int) -> Read:
        with self._in_words(partition):
            return await self._streams[partition].read(position, most)

    async def position_at(self, partition: str, at_ms: int) -> int | None:
        with self._in_words(partition):
            return await self._streams[partition].position_at(at_ms)

    async def close(self) -> None:
        await self._connection.close()

    @contextmanager
    def _in_words(self, partition: str) -> Iterator[None]:
        """What is wrong, as a source says it."""
        if partition not in self._streams:
            raise PartitionGone(f"the stream {partition} is not among those that are read")
        try:
            yield
        except JetStreamError as error:
            if error.err_code == STREAM_NOT_FOUND:
                raise PartitionGone(f"there is no stream {partition}") from None
            raise SourceUnreachable(str(error)) from error
        except NatsAway as error:
            raise SourceUnreachable(str(error)) from error
