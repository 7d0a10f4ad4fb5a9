"""Shards on Ray whose stores are in PostgreSQL: a killed one is succeeded, and nothing is lost or happens twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import pytest
from tests.cluster.test_crash import PATIENCE_S, PEOPLE, profile_of, running, seen

from parcours.config import Settings
from parcours.journey.project import Project
from parcours.routing.plan import Plan

NewShop = Callable[..., Project]


@pytest.mark.ray
def test_a_shard_killed_while_it_takes_events_is_succeeded_on_postgres(
    new_shop: NewShop, postgres_address: str
) -> None:
    async def scenario() -> None:
        settings = Settings(batch_events_max=50)
        plan = Plan(new_shop(), 2, postgres_address, records=("email",), settings=settings)
        events = [seen(number % PEOPLE, number) for number in range(4_000)]
        async with running(plan) as (runtime, router):
            calls = [router.start(events[start : start + 500]) for start in range(0, len(events), 500)]
            assert (await calls[0]).accepted == 500

            assert not calls[-1].done()
            os.kill((await runtime.process_ids())["shard 0"], signal.SIGKILL)

            async with asyncio.timeout(PATIENCE_S):
                taken = await asyncio.gather(*calls)
            assert [each.accepted for each in taken] == [500] * len(calls)
            owners = [plan.slot_map.shard(f"u{person}") for person in range(PEOPLE)]
            profiles = [await profile_of(runtime.ports[shard], f"u{person}") for person, shard in enumerate(owners)]
            assert [profile and profile.counts["visits"] for profile in profiles] == [len(events) // PEOPLE] * PEOPLE
            assert (await router.take(events)).duplicate == len(events)

    asyncio.run(scenario())
