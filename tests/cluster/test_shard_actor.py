"""What the actor of a shard answers whoever assigns it, when something else happens to it meanwhile."""

from __future__ import annotations

import asyncio
import pickle
from pathlib import Path

import pytest

from parcours.errors import ShardUnavailable, StoreBusy
from parcours.journey.project import Project
from parcours.routing.plan import Plan
from parcours.runtime.cluster.actor_port import Whereabouts
from parcours.runtime.cluster.actors import Assignment, ShardActor
from parcours.shard.host import ShardHost
from parcours.shard.requests import GetStatus, encode_request
from parcours.store.address import claims_at, prepare
from parcours.store.claims import Claims, Held

pytestmark = pytest.mark.ray


def a_plan(shop: Project, folder: Path) -> Plan:
    """With a store that has one shard."""
    plan = Plan(shop, 1, f"sqlite:///{folder}", records=("email", "sms"))
    prepare(plan.store, shop.name, 1)
    return plan


def asked_by(plan: Plan, keeper: int) -> Assignment:
    """What this keeper asks of the shard's actor."""
    whereabouts = Whereabouts(plan.store, 1, "parcours/shop")
    return Assignment(0, f"shard-0@{keeper}.1", keeper, None, {}, [None], whereabouts)


class LetGoOf(ShardActor):
    """Lets go of the shard once others have been told where it is, as when its store fails somebody who asks it."""

    def __init__(self) -> None:
        super().__init__()
        self.lets_go = True

    async def _note(self, claims: Claims, asked: Assignment, host: ShardHost) -> None:
        if self.lets_go:
            await self.close()
        await super()._note(claims, asked, host)


def test_a_shard_that_is_let_go_of_while_it_is_assigned_has_to_be_opened_again(shop: Project, tmp_path: Path) -> None:
    plan = a_plan(shop, tmp_path)
    keeper = claims_at(plan.store, 1).take_over("here")

    async def scenario() -> Held:
        actor = LetGoOf()
        with pytest.raises(ShardUnavailable, match="has to be opened again"):
            await actor.assign(pickle.dumps(plan), asked_by(plan, keeper))
        actor.lets_go = False
        epoch = await actor.assign(pickle.dumps(plan), asked_by(plan, keeper))
        await actor.close()
        return Held(epoch, claims_at(plan.store, 1).shards()[0].place)

    held = asyncio.run(scenario())

    assert (held.epoch, held.actor) == (2, f"shard-0@{keeper}.1")


class Succeeded(ShardActor):
    """Is assigned by the next keeper while it tells for the one before where the shard is."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan

    async def _note(self, claims: Claims, asked: Assignment, host: ShardHost) -> None:
        if asked.keeper == 1:
            await self.assign(pickle.dumps(self._plan), asked_by(self._plan, claims.take_over("there")))
        await super()._note(claims, asked, host)


def test_a_keeper_that_was_succeeded_closes_no_shard_of_its_successor(shop: Project, tmp_path: Path) -> None:
    plan = a_plan(shop, tmp_path)
    keeper = claims_at(plan.store, 1).take_over("here")

    async def scenario() -> bytes:
        actor = Succeeded(plan)
        with pytest.raises(StoreBusy, match="epoch 1 is over"):
            await actor.assign(pickle.dumps(plan), asked_by(plan, keeper))
        status = await actor.ask(encode_request(GetStatus()), 2)
        await actor.close()
        return status

    assert asyncio.run(scenario())


def test_whoever_watches_a_shard_hears_at_once_that_it_was_let_go_of(shop: Project, tmp_path: Path) -> None:
    plan = a_plan(shop, tmp_path)
    keeper = claims_at(plan.store, 1).take_over("here")

    async def scenario() -> None:
        actor = ShardActor()
        await actor.assign(pickle.dumps(plan), asked_by(plan, keeper))
        watching = asyncio.ensure_future(actor.watched(encode_request(GetStatus()), keeper, 3_600))
        await asyncio.sleep(0)
        assert not watching.done(), "it is well"
        await actor.close()
        async with asyncio.timeout(60):
            await watching

    with pytest.raises(ShardUnavailable, match="has not been assigned"):
        asyncio.run(scenario())
