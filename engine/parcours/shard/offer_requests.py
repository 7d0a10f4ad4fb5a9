"""Requests about the offers of people, and about those that everybody together may get only so often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parcours.core.input import AskedAt
from parcours.core.offers.totals import TotalAnswer
from parcours.shard.found import DecisionsTried, OffersFound, TotalsAsked
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
    """What the person of a name would get by these now; nothing is changed.

    is_passing  as somebody of whom nothing is remembered
    """

    name: str
    asked: tuple[AskedAt, ...]
    context: dict[str, object]
    is_passing: bool = False

    async def put_to(self, host: ShardHost) -> DecisionsTried:
        return await host.people.try_decisions(self.name, self.asked, self.context, is_passing=self.is_passing)


class CollectTotals(Request[TotalsAsked], frozen=True, tag="collect_totals"):
    """Under virtual time: what decisions ask total caps and is not answered, and what was returned since then."""

    async def put_to(self, host: ShardHost) -> TotalsAsked:
        return await host.step(lambda shard, _: shard.asking.collect())


class AnswerTotals(Request[None], frozen=True, tag="answer_totals"):
    """Under virtual time: answers to all that these people's decisions ask, by person."""

    answers: list[tuple[str, list[TotalAnswer]]]

    async def put_to(self, host: ShardHost) -> None:
        await host.step(lambda shard, _: shard.answer_totals(self.answers))
