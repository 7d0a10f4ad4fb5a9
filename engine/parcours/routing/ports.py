"""Ports: how one part of the engine reaches a shard, in the same process or in another one.

Whoever needs a shard names the narrow port that it needs, so a reader sees what it asks and a test's double answers
that and nothing else. A call raises ShardUnavailable where the shard cannot be reached now; whether such a call was
carried out is not known, so every request may be made again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar, overload

from parcours.errors import ShardUnavailable
from parcours.shard.foreseeing import Foreseen
from parcours.shard.learning_requests import OffersCounted
from parcours.shard.messages import Answer, Claims, Holding, Members, PeopleColumns, Status
from parcours.shard.requests import (
    AwaitScan,
    CountOffers,
    CountOpenRuns,
    CountRuns,
    EndLeases,
    EndScan,
    ExchangeDeliveries,
    Foresee,
    GetHolding,
    GetStatus,
    HaltMoves,
    Hold,
    Learn,
    LetIn,
    LetSave,
    ListColumns,
    ListMembers,
    PlaceMembers,
    Publish,
    Release,
    Request,
    TakeBatch,
)

T = TypeVar("T")

REPEAT_PAUSE_S = 0.2
"""Pause before a shard is asked again that did not answer."""


class BatchPort(Protocol):
    """A shard for a router: it takes batches, and says when it wants events again."""

    @overload
    async def ask(self, request: TakeBatch, /) -> Answer: ...
    @overload
    async def ask(self, request: GetStatus, /) -> Status: ...


class DeliveryPort(Protocol):
    """A shard for a dispatcher: it hands over deliveries and takes receipts."""

    async def ask(self, request: ExchangeDeliveries, /) -> Claims: ...


class ReadPort(Protocol):
    """A shard for whoever reads an audience: it lists members and lets people in."""

    @overload
    async def ask(self, request: ListMembers, /) -> Members: ...
    @overload
    async def ask(self, request: PlaceMembers | LetIn, /) -> None: ...


class ScanPort(Protocol):
    """A shard for whoever collects what a scan has taken."""

    @overload
    async def ask(self, request: ListColumns, /) -> PeopleColumns: ...
    @overload
    async def ask(self, request: EndScan, /) -> None: ...


class ChangePort(Protocol):
    """A shard for whoever changes what is published: it stands still, is told, and goes on."""

    @overload
    async def ask(self, request: GetHolding | Hold, /) -> Holding: ...
    @overload
    async def ask(self, request: Release | Publish | LetIn | LetSave | Learn | EndScan, /) -> None: ...
    @overload
    async def ask(self, request: CountOffers, /) -> OffersCounted: ...
    @overload
    async def ask(self, request: AwaitScan, /) -> bool: ...
    @overload
    async def ask(self, request: HaltMoves | EndLeases, /) -> int: ...
    @overload
    async def ask(self, request: CountRuns, /) -> list[tuple[str, int, int]]: ...
    @overload
    async def ask(self, request: CountOpenRuns, /) -> dict[str, int]: ...
    @overload
    async def ask(self, request: Foresee, /) -> Foreseen: ...


class ShardPort(Protocol):
    """A shard for whoever looks after all of it: every request, and so every narrower port."""

    async def ask(self, request: Request[T], /) -> T: ...


async def until_answered(call: Callable[[], Awaitable[T]]) -> T:
    """The answer of a shard or of whoever else is called, again and again where it is missing."""
    while True:
        try:
            return await call()
        except ShardUnavailable:
            await asyncio.sleep(REPEAT_PAUSE_S)
