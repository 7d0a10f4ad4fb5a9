"""Does whoever makes a change come to an end where shards do not answer any more?"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.routing.conftest import Run, till_all_wait

from parcours.journey.model.document import ProjectDocument
from parcours.journey.project import Project
from parcours.journey.publish.publications import Publications, begun
from parcours.routing.change_protocol import STOP_PATIENCE_S, carry_out
from parcours.routing.patience import Patience
from parcours.shard.requests import Hold, Release, Request


class Ended:
    """A shard that has heard that it is to stand still, and answers nothing."""

    def __init__(self) -> None:
        self.asked: list[type] = []

    async def ask(self, request: Request[Any], /) -> Any:
        self.asked.append(type(request))
        await asyncio.Event().wait()


async def told(_: Publications) -> None:
    raise AssertionError("no change is made")


def test_a_change_that_is_given_up_waits_no_longer_for_a_shard_that_has_ended(run: Run) -> None:
    async def scenario() -> None:
        port, later, loop = Ended(), set[asyncio.Task[None]](), asyncio.get_running_loop()
        shop = Project.of(ProjectDocument(project="shop", timezone="UTC"))
        before, after = begun(shop), begun(shop, at=1)
        change = asyncio.ensure_future(carry_out([port], before, lambda *_: after, 0, told, 1, Patience(later=later)))
        await till_all_wait()
        change.cancel()
        since_s = loop.time()
        with pytest.raises(asyncio.CancelledError):
            await change

        assert loop.time() - since_s == STOP_PATIENCE_S
        assert port.asked == [Hold, Release], "it is asked to go on as long as the engine is open"
        for task in later:
            task.cancel()
        await asyncio.gather(*later, return_exceptions=True)

    run(scenario())
