"""What a reader of a partition has of the engine: its shards, and what says whose a line is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, overload

from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.journey.program import Program
from parcours.routing.ports import BatchPort
from parcours.shard.messages import Answer, Status
from parcours.shard.partitions import Reader
from parcours.shard.requests import (
    BeginReading,
    ForetellLines,
    GetPaused,
    GetReader,
    GetStatus,
    TakeBatch,
    TellPosition,
)


class PartitionPort(BatchPort, Protocol):
    """A shard for whoever reads a partition."""

    @overload
    async def ask(self, request: TakeBatch, /) -> Answer: ...
    @overload
    async def ask(self, request: GetStatus, /) -> Status: ...
    @overload
    async def ask(self, request: BeginReading, /) -> int | None: ...
    @overload
    async def ask(self, request: TellPosition, /) -> bool: ...
    @overload
    async def ask(self, request: GetReader, /) -> Reader: ...
    @overload
    async def ask(self, request: GetPaused, /) -> bool: ...
    @overload
    async def ask(self, request: ForetellLines, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class WayIn:
    """
    ports        all shards
    program      tells whose lines are, by what is published now
    slot_map     where people live
    shares_loop  whether the shards live on this loop
    """

    ports: Sequence[PartitionPort]
    program: Callable[[], Program]
    settings: Settings
    slot_map: SlotMap
    shares_loop: bool = False
