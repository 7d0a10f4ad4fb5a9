"""Several routers at one shard: none starves, and together they have no more batches under way than one alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from parcours.clock import ManualClock
from parcours.config import Settings
from parcours.routing.router import Router
from parcours.shard.credits import Credits
from parcours.shard.host import ShardHost
from parcours.shard.messages import Answer
from parcours.shard.requests import A, Request, TakeBatch

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

MOST: Final = Settings().batches_in_flight_max

BATCHES: Final = 120
"""Batches that a shard takes of all routers before they stop pushing."""


class CountedPort:
    """The way to a host; notes whose batches are answered, in their order, and how many are under way."""

    def __init__(self, host: ShardHost) -> None:
        self._host = host
        self.under_way = 0
        self.answered: list[str] = []
        self.most_under_way: list[int] = []

    async def ask(self, request: Request[A], /) -> A:
        self.under_way += 1
        self.most_under_way.append(self.under_way)
        await asyncio.sleep(0)  # it travels
        answer = await self._host.ask(request)
        self.under_way -= 1
        assert isinstance(request, TakeBatch), "nothing else is asked here"
        self.answered.append(request.batch.router)
        return answer


async def push(router: Router, port: CountedPort, lines: Lines, name: str) -> None:
    """Hand in one line after the other, as a door does for clients who do not wait for each other."""
    number = 0
    while len(port.answered) < BATCHES:
        await router.room()
        number += 1
        router.hand_in([line := lines.track(name, "Ordered", message_id=f"{name}-{number}")], router.deal([line]))
        await asyncio.sleep(0)


def test_of_routers_that_all_push_none_starves_and_together_they_have_under_way_what_one_has(
    world: World, lines: Lines
) -> None:
    async def scenario(names: list[str]) -> CountedPort:
        host = ShardHost(world.shard, world.store, ManualClock(world.now_ms), lambda channel: None)
        port = CountedPort(host)
        settings = Settings(batch_events_max=1)
        routers = [Router(name, [port], world.program, settings) for name in names]
        await asyncio.gather(*(push(router, port, lines, name) for name, router in zip(names, routers, strict=True)))
        for router in routers:
            await router.close()
        await host.close()
        return port

    port = asyncio.run(scenario(["one", "two"]))

    for name in ("one", "two"):
        assert port.answered.count(name) >= len(port.answered) / 3
    after_the_first = port.most_under_way[4 * MOST :]
    assert max(after_the_first) <= MOST, "each has learnt by then that it is not alone"


def test_a_router_has_the_credits_of_others_once_they_push_no_more() -> None:
    shared = Credits(4)

    def answer(router: str) -> Answer:
        with shared.batch_of(router):
            return shared.told_with(Answer(1), refuses=None)

    assert answer("one").credits is None
    assert (answer("two").credits, answer("one").credits) == (2, 2)
    for _ in range(8):
        last = answer("one")
    assert last.credits is None


def test_of_more_routers_than_credits_each_has_one() -> None:
    shared = Credits(4)
    for number in range(6):
        with shared.batch_of(f"router-{number}"):
            told = shared.told_with(Answer(1), refuses="the outbox is full")

    assert (told.credits, told.refuses) == (1, "the outbox is full")
