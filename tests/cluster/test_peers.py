"""Shards on Ray speak to each other across processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engine.peer_stores import write_stores

from parcours.errors import ShardUnavailable
from parcours.journey.project import Project
from parcours.routing.plan import Plan
from parcours.runtime.cluster.runtime import ClusterRuntime
from parcours.shard.requests import GetStatus

PATIENCE_S = 60.0


@pytest.mark.ray
def test_messages_whose_answers_were_lost_are_answered_between_actors(
    tmp_path: Path, new_shop: Callable[..., Project]
) -> None:
    project, store = new_shop(), f"sqlite:///{tmp_path / 'store'}"
    write_stores(store, project, 3, 3)

    async def scenario() -> None:
        runtime = ClusterRuntime(Plan(project, 2, store, records=("email",)))
        try:
            await runtime.start()
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    try:
                        statuses = [await port.ask(GetStatus()) for port in runtime.ports]
                    except ShardUnavailable:
                        continue
                    if statuses[0].unanswered == 0:
                        break
                    await asyncio.sleep(0.05)
            assert [status.troubles for status in statuses] == [[], []]
        finally:
            await runtime.stop()

    asyncio.run(scenario())
