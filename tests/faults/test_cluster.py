"""Nobody waits for ever in the simulated cluster for a shard that has been replaced, as nobody does under Ray."""

from __future__ import annotations

import asyncio

import pytest

from parcours.errors import ShardUnavailable
from parcours.shard.requests import ExchangeDeliveries, Hold
from parcours.testing.faults.clocks import WallClock
from parcours.testing.faults.cluster import Cluster
from parcours.testing.faults.injector import Injector
from parcours.testing.faults.loop import SimulatedLoop
from parcours.testing.faults.provider import Provider


def test_who_waits_for_a_copy_that_stands_still_is_told_after_another_one_has_taken_over() -> None:
    loop = SimulatedLoop()
    cluster = Cluster(loop, 0, WallClock(loop), Injector(()), Provider(loop, 0, lambda *_: None))
    place = cluster.shards[0]

    async def go() -> None:
        place.assign()
        await asyncio.sleep(1.0)
        await cluster.port(place).ask(Hold(1))
        asked = asyncio.ensure_future(cluster.port(place).ask(ExchangeDeliveries([], "email", 1, "email-1", 1)))
        await asyncio.sleep(1.0)
        place.assign()
        await asked

    try:
        with pytest.raises(ShardUnavailable, match="has ended"):
            loop.run_until_complete(asyncio.wait_for(go(), 3_600.0))
    finally:
        loop.bury()
