"""Shards that fail while an engine is opened: they are looked after, and it opens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import ray

from parcours.journey.project import Project
from parcours.routing.plan import Plan
from parcours.routing.ports import until_answered
from parcours.runtime.cluster.actor_port import Whereabouts
from parcours.runtime.cluster.dispatchers import Share
from parcours.runtime.cluster.supervisor import Supervisor
from parcours.shard.requests import GetStatus
from parcours.store.address import claims_at, prepare

pytestmark = pytest.mark.ray

OPENS_WITHIN_S = 60.0
"""Many times what it takes."""

SHARDS = 2

UNASKED = {"host": "127.0.0.1", "port": 9, "sender": "Shop <shop@shop.example>", "tls": "none"}
"""A server to which nothing is sent."""


class LetGoOnce(Supervisor):
    """Each shard is let go of once, as soon as it has been assigned."""

    _has_let_go: frozenset[int] = frozenset()

    async def _tell_troubles(self, number: int) -> None:
        if number not in self._has_let_go:
            self._has_let_go |= {number}
            await self.ports[number].close()


class KilledOnce(Supervisor):
    """The process of a shard ends before it hears of the dispatchers."""

    async def _start_dispatchers(self, shares: list[Share]) -> None:
        ray.kill(self._shards[0])
        await super()._start_dispatchers(shares)


@asynccontextmanager
async def started(kind: type[Supervisor], project: Project, folder: Path) -> AsyncIterator[Supervisor]:
    plan = Plan(project, SHARDS, f"sqlite:///{folder}", {"email": UNASKED})
    prepare(plan.store, project.name, SHARDS)
    epoch = claims_at(plan.store, SHARDS).take_over("here")
    supervisor = kind(plan, epoch, Whereabouts(plan.store, SHARDS, f"parcours/{kind.__name__}"), stays=False)
    try:
        async with asyncio.timeout(OPENS_WITHIN_S):
            await supervisor.start()
        yield supervisor
    finally:
        await supervisor.stop()


@pytest.mark.parametrize("kind", [LetGoOnce, KilledOnce])
def test_an_engine_opens_though_shards_fail_meanwhile(kind: type[Supervisor], shop: Project, tmp_path: Path) -> None:
    async def scenario() -> list[int]:
        async with started(kind, shop, tmp_path) as supervisor:
            asks = [partial(port.ask, GetStatus()) for port in supervisor.ports]  # one may be opened just now
            return [(await until_answered(ask)).people for ask in asks]

    assert asyncio.run(scenario()) == [0, 0]
