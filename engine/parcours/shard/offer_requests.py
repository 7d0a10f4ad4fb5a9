"""Requests about the offers of one person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parcours.core.input import AskedAt
from parcours.shard.found import DecisionsTried, OffersFound
from parcours.shard.request import Request

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost


class GetOffers(Request[OffersFound], frozen=True, tag="offers"):
    """What the person of a name got by a request."""

    name: str
    request: str

    async def put_to(self, host: ShardHost) -> OffersFound:
        return await host.people.offers(self.name, self.request)


class TryDecisions(Request[DecisionsTried], frozen=True, tag="try_decisions"):
    """What the person of a name would get by these now; nothing is changed."""

    name: str
    asked: tuple[AskedAt, ...]
    context: dict[str, object]

    async def put_to(self, host: ShardHost) -> DecisionsTried:
        return await host.people.try_decisions(self.name, self.asked, self.context)
