"""Requests of whoever makes lessons for rankings of offers, of the counts of all shards (learning.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from parcours.core.offers.lessons import Lessons, Tallies
from parcours.shard.request import Request

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost


class OffersCounted(msgspec.Struct, frozen=True, array_like=True):
    """What a shard can tell whoever makes lessons.

    tallies   how often offers of its people were given and marked, as of its newest commit (core/offers/lessons.py)
    newest    the newest lesson that it knows
    has_room  whether it can take another one
    """

    tallies: Tallies
    newest: Lessons | None
    has_room: bool


class CountOffers(Request[OffersCounted], frozen=True, tag="count_offers"):
    """How often offers of the shard's people were given and marked; changes nothing."""

    async def put_to(self, host: ShardHost) -> OffersCounted:
        return await host.step(lambda shard, _: shard.learning.counted())


class Learn(Request[None], frozen=True, tag="learn"):
    """This is what rankings know from an instant on, which the shard has not reached.

    attempt  that of the `Hold` before it (attempts.py): the shard goes on; None under virtual time, where whoever
             drives it holds everybody
    """

    attempt: int | None
    lessons: Lessons

    async def put_to(self, host: ShardHost) -> None:
        await host.begin(self.attempt, lambda shard: shard.learning.learn(self.lessons))
