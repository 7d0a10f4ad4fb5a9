"""Couriers carry what commits leave, as often as it takes, and a shard that opens asks what there is for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.shard.peer_world import Peer

from parcours.clock import ManualClock
from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.errors import ShardUnavailable, StoreBroken
from parcours.journey.program import Program
from parcours.shard.host import ShardHost
from parcours.shard.request import Request
from parcours.shard.requests import (
    GetStatus,
    Hello,
    TakePeerMessages,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)

PATIENCE_S = 30.0


class Wire:
    """The way to a shard in another process: bytes go there and back, unless it is away or answers are lost."""

    def __init__(self) -> None:
        self.host: ShardHost | None = None
        self.lost = 0
        self.asked: list[type[Request[Any]]] = []

    async def ask(self, request: Request[Any], /) -> Any:
        self.asked.append(type(request))
        if self.host is None:
            raise ShardUnavailable("nobody is there")
        answer = encode_answer(await decode_request(encode_request(request)).put_to(self.host))
        if self.lost:
            self.lost -= 1
            raise ShardUnavailable("its answer was lost")
        return decode_answer(request, answer)


class Side:
    """A shard with its host, and the wire by which the others reach it."""

    def __init__(self, number: int, program: Program, settings: Settings, clock: ManualClock) -> None:
        self.peer = Peer(number, SlotMap(2), program, settings)
        self.clock = clock
        self.wire = Wire()
        self.errors: list[Exception] = []

    def open(self, others: dict[int, Wire]) -> ShardHost:
        self.host = ShardHost(
            self.peer.reopen(), self.peer.store, self.clock, lambda _: None, stopped=self.errors.append
        )
        self.wire.host = self.host
        self.host.peers.meet(others)
        return self.host

    def send(self, many: int = 1) -> None:
        """As a commit in a turn does it, at whose end the host looks what the shard needs next."""
        self.peer.send(1 - self.peer.number, many)
        self.host.look()

    async def trouble(self) -> str:
        return "; ".join((await GetStatus().put_to(self.host)).troubles)


Sides = Callable[..., tuple[Side, Side]]


@pytest.fixture
def sides(program: Program) -> Sides:
    def both(**settings: Any) -> tuple[Side, Side]:
        clock = ManualClock(1_000_000)
        return Side(0, program, Settings(**settings), clock), Side(1, program, Settings(**settings), clock)

    return both


def open_both(one: Side, other: Side) -> None:
    wires = {0: one.wire, 1: other.wire}
    one.open(wires)
    other.open(wires)


async def until(holds: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110  # there is no event for it
                await asyncio.sleep(0.001)
    except TimeoutError:
        raise AssertionError(f"{what} did not happen") from None


def at_rest(*sides: Side) -> Callable[[], bool]:
    return lambda: not any(side.peer.shard.peers.waiting() for side in sides)


def run(scenario: Coroutine[object, object, None]) -> None:
    asyncio.run(scenario)


def test_what_a_commit_leaves_is_carried_and_its_answer_too(sides: Sides) -> None:
    async def scenario() -> None:
        one, other = sides()
        open_both(one, other)

        one.send(3)
        await until(at_rest(one, other), "that everything is answered")

        assert other.peer.notes("from 0") == ["0.1", "0.2", "0.3"]
        assert one.peer.notes("from 1") == ["no-0.1", "no-0.2", "no-0.3"]
        assert (await GetStatus().put_to(one.host)).unanswered == 0
        await one.host.close()
        await other.host.close()
        assert one.errors == other.errors == []

    run(scenario())


def test_a_lost_answer_costs_a_repetition_and_has_no_second_effect(sides: Sides) -> None:
    async def scenario() -> None:
        one, other = sides()
        open_both(one, other)
        await until(lambda: not one.peer.shard.exchanging.awaits_hello, "the hello")
        other.wire.lost = 2

        one.peer.tell(1)
        one.host.look()
        await until(at_rest(one, other), "that everything is answered")

        assert other.wire.asked.count(TakePeerMessages) == 3
        assert other.peer.notes("from 0") == ["told"]
        await one.host.close()
        await other.host.close()

    run(scenario())


def test_messages_to_a_peer_that_is_away_wait_are_told_of_and_go_when_it_comes_back(sides: Sides) -> None:
    async def scenario() -> None:
        one, other = sides()
        open_both(one, other)
        await until(lambda: not one.peer.shard.exchanging.awaits_hello, "the hello")
        await other.host.close()
        other.wire.host = None

        one.send()
        one.clock.move_to(one.clock.now_ms() + 6_000)
        await until(lambda: other.wire.asked.count(TakePeerMessages) > 1, "a second attempt")
        assert "messages to shard 1 are not answered: 1, the oldest for 6 s" in await one.trouble()

        other.open({0: one.wire, 1: other.wire})
        await until(at_rest(one, other), "that everything is answered")
        assert other.peer.notes("from 0") == ["0.1"]
        assert await one.trouble() == ""
        await one.host.close()
        await other.host.close()

    run(scenario())


def test_a_shard_that_opens_fetches_what_others_have_for_it(sides: Sides) -> None:
    async def scenario() -> None:
        one, other = sides(peer_batch_messages_max=2)
        one.open({})  # it was not introduced to anybody, so it carries nothing
        one.send(5)

        host = other.open({0: one.wire, 1: other.wire})
        assert other.peer.shard.exchanging.awaits_hello
        await until(lambda: not other.peer.shard.exchanging.awaits_hello, "the hello")

        assert other.peer.notes("from 0") == [f"0.{number}" for number in range(1, 6)]
        assert one.wire.asked.count(Hello) == 4, "until there is nothing more"
        await until(at_rest(other), "that what it says to that is carried")
        assert one.peer.notes("from 1") == [f"no-0.{number}" for number in range(1, 6)]
        await host.close()
        await one.host.close()

    run(scenario())


def test_a_shard_waits_for_one_that_is_away_no_longer_than_it_is_told_to(sides: Sides) -> None:
    async def scenario() -> None:
        one, other = sides(hello_wait_s=0.02)
        host = one.open({0: one.wire, 1: other.wire})
        assert one.peer.shard.exchanging.awaits_hello and await one.trouble() == ""

        await until(lambda: not one.peer.shard.exchanging.awaits_hello, "the end of waiting")
        assert await one.trouble() == "shard 1 does not answer shard 0: nobody is there"

        other.peer.send(0)
        other.open({0: one.wire, 1: other.wire})
        await until(at_rest(one, other), "that everything is answered")
        await until(lambda: not host.peers.troubles(), "that the other has said hello")
        assert one.peer.notes("from 1") == ["1.1"]
        await host.close()
        await other.host.close()

    run(scenario())


def test_nothing_is_carried_before_the_peer_has_said_how_far_it_is(sides: Sides) -> None:
    async def scenario() -> None:
        one, other = sides()
        one.open({0: one.wire, 1: other.wire})
        one.send()
        await until(lambda: len(other.wire.asked) > 2, "some attempts")

        assert set(other.wire.asked) == {Hello}
        await one.host.close()

    run(scenario())


def test_a_busy_shard_does_not_try_a_peer_that_is_away_at_every_commit(sides: Sides) -> None:
    async def scenario() -> None:
        one, other = sides()
        one.open({0: one.wire, 1: other.wire})
        await until(lambda: bool(other.wire.asked), "an attempt")

        for _ in range(200):
            one.send()
            await asyncio.sleep(0)

        assert len(other.wire.asked) < 100
        await one.host.close()

    run(scenario())


def test_a_shard_alone_waits_for_nobody(sides: Sides) -> None:
    async def scenario() -> None:
        one, _ = sides()
        host = one.open({0: one.wire})
        assert not one.peer.shard.exchanging.awaits_hello
        await host.close()

    run(scenario())


def test_a_held_shard_takes_no_message_until_it_goes_on(sides: Sides) -> None:
    async def scenario() -> None:
        one, other = sides()
        open_both(one, other)
        await until(lambda: not one.peer.shard.exchanging.awaits_hello, "the hello")
        await other.host.hold(1)

        one.send()
        await until(lambda: TakePeerMessages in other.wire.asked, "an attempt")
        assert other.peer.notes("from 0") == []

        await other.host.release(1)
        await until(at_rest(one, other), "that everything is answered")
        assert other.peer.notes("from 0") == ["0.1"]
        await one.host.close()
        await other.host.close()

    run(scenario())


@pytest.mark.parametrize("crash", ["before", "after"])
def test_a_shard_whose_store_fails_at_an_answer_tells_whoever_opens_it_again(crash: Any, sides: Sides) -> None:
    async def scenario() -> None:
        one, other = sides()
        open_both(one, other)
        await until(lambda: not one.peer.shard.exchanging.awaits_hello, "the hello")
        one.peer.send(1)
        one.peer.store.crash = crash
        one.host.look()
        await until(lambda: bool(one.errors), "that it stops")
        assert isinstance(one.errors[0], StoreBroken)
        await one.host.close()

        one.open({0: one.wire, 1: other.wire})
        await until(at_rest(one, other), "that everything is answered")

        assert other.peer.notes("from 0") == ["0.1"]
        assert one.peer.notes("from 1") == ["no-0.1"]
        await one.host.close()
        await other.host.close()

    run(scenario())


def test_a_courier_ends_with_its_host(sides: Sides) -> None:
    async def scenario() -> None:
        one, other = sides()
        one.open({0: one.wire, 1: other.wire})
        one.send()
        await until(lambda: bool(other.wire.asked), "an attempt")

        await one.host.close()

        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []

    run(scenario())
