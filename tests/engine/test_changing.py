"""Shards do not answer, or everything stops in the middle: a change reaches all with one time, or none."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest

from parcours.clock import ManualClock
from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.dispatch.channel_state import ChannelState
from parcours.dispatch.destinations import SnapshotStep
from parcours.errors import CallerError, ShardUnavailable
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.publish.publications import Publications
from parcours.routing import change_protocol
from parcours.routing.change_protocol import carry_out, publishing, settle
from parcours.routing.plan import Homes
from parcours.service.change_outcome import Order
from parcours.service.journey_control import JourneyControl
from parcours.shard.foreseeing import Foreseen
from parcours.shard.host import ShardHost
from parcours.shard.leases import LEASE_S
from parcours.shard.messages import Batch, Holding
from parcours.shard.requests import ExchangeDeliveries, TakeBatch
from parcours.shard.shard import Shard
from parcours.store.memory import MemoryStore
from parcours.testing.faults.loop import SimulatedLoop

NewShop = Callable[..., Project]

SHARDS = 3


class Unreliable(ShardHost):
    """`lost` says for each call whether it is carried out and whether anybody hears of it; beyond that all is well."""

    def __init__(self, shard: Shard, store: MemoryStore, lost: Iterable[str]) -> None:
        super().__init__(shard, store, ManualClock(shard.holding().stamp_ms), lambda channel: None)
        self._lost = deque(lost)

    async def hold(self, attempt: int) -> Holding:
        self._may_be_lost("before")
        holding = await super().hold(attempt)
        self._may_be_lost("after")
        return holding

    async def publish(self, attempt: int, publications: Publications) -> None:
        self._may_be_lost("before")
        await super().publish(attempt, publications)
        self._may_be_lost("after")

    def _may_be_lost(self, when: str) -> None:
        if self._lost and self._lost[0] == when:
            self._lost.popleft()
            raise ShardUnavailable("lost")
        if self._lost and when == "after":
            self._lost.popleft()


@dataclass
class Shop:
    """Three shards of one project and their stores."""

    project: Project
    stores: list[MemoryStore] = field(default_factory=lambda: [MemoryStore() for _ in range(SHARDS)])
    ports: list[Unreliable] = field(default_factory=list)
    attempts: Iterator[int] = field(default_factory=lambda: count(1))

    def open(self, *lost: Iterable[str]) -> Shop:
        """All shards, from what their stores kept; their clocks are not the same."""
        self.ports = []
        for number, store in enumerate(self.stores):
            program = self.project.program
            shard = Shard(number, SlotMap(SHARDS), program, store, Settings(), project=self.project)
            shard.open(1_000 + number)
            self.ports.append(Unreliable(shard, store, lost[number] if number < len(lost) else ()))
        return self

    async def change(self, verb: str, journey: str = "cart", now_ms: int = 0) -> Publications:
        make = change_protocol.changing(verb, journey)  # type: ignore[arg-type]  # a verb of the tests
        return await carry_out(self.ports, await settle(self.ports), make, now_ms, told, next(self.attempts))

    async def times(self) -> list[tuple[int, str]]:
        """(effective time, state) of the journey at each shard."""
        ledgers = [(await port.holding()).publications.ledger for port in self.ports]
        return [(ledger.at, ledger.journeys["cart"].state) for ledger in ledgers]

    async def held(self) -> list[bool]:
        return [(await port.holding()).held for port in self.ports]


async def told(publications: Publications) -> None:
    """Nobody else has to know."""


@pytest.fixture
def shop(new_shop: NewShop) -> Shop:
    return Shop(new_shop())


def test_all_shards_get_the_time_of_the_one_that_is_ahead(shop: Shop) -> None:
    async def scenario() -> None:
        await shop.open().change("pause")
        assert await shop.times() == [(1_002, "paused")] * SHARDS
        await shop.change("resume", now_ms=5_000)
        assert await shop.times() == [(5_000, "open")] * SHARDS

    asyncio.run(scenario())


def test_a_change_by_which_more_may_be_listened_to_has_its_time_when_no_router_has_a_lease_any_more(shop: Shop) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        await settle(shop.open().ports)
        await asyncio.sleep(10)
        granted = await shop.ports[1].ask(TakeBatch(Batch("router", 1, [], [], alone=(0, 0))))
        assert granted.lease is not None
        begun_s = loop.time()

        await shop.change("pause", now_ms=5_000)

        assert loop.time() >= begun_s + LEASE_S
        (at, _), *others = await shop.times()
        assert at >= 5_000 + LEASE_S * 1_000 and others == [(at, "paused")] * 2

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(scenario())


@pytest.mark.parametrize(
    "lost",
    [
        [["before"], [], ["before", "before"]],  # a shard is not reached
        [["after"], ["after"], []],  # it is reached, and nobody hears of it
        [[], ["", "before", "after"], ["after", "after"]],
    ],
)
def test_a_shard_that_does_not_answer_is_told_again(shop: Shop, lost: list[list[str]]) -> None:
    async def scenario() -> None:
        await shop.open(*lost).change("stop")
        assert await shop.times() == [(1_002, "stopped")] * SHARDS
        assert await shop.held() == [False] * SHARDS

    asyncio.run(scenario())


@pytest.mark.parametrize("reached", range(SHARDS + 1))
def test_what_stopped_in_the_middle_is_finished_with_the_same_time(shop: Shop, reached: int) -> None:
    async def scenario() -> None:
        # given shards that hold still, of which some have been told
        shop.open()
        before = await settle(shop.ports)
        after = change_protocol.changing("stop", "cart")(before, 2_000)
        for port in shop.ports:
            await port.hold(1)
        for port in shop.ports[:reached]:
            await port.publish(1, after)

        # when everything starts again
        shop.open()
        assert await shop.held() == [False] * reached + [True] * (SHARDS - reached)
        await settle(shop.ports)

        # then all of them have been told, or none
        expected = (2_000, "stopped") if reached else (1_002, "open")
        assert await shop.times() == [expected] * SHARDS
        assert await shop.held() == [False] * SHARDS

    asyncio.run(scenario())


def test_a_change_that_turns_out_to_be_impossible_leaves_everything_as_it_was(shop: Shop) -> None:
    async def fail(publications: Publications) -> None:
        del publications
        raise CallerError("it cannot be sent")

    async def scenario() -> None:
        shop.open()
        before = await settle(shop.ports)
        with pytest.raises(CallerError, match="it cannot be sent"):
            await carry_out(shop.ports, before, change_protocol.changing("stop", "cart"), 0, fail, 1)
        assert await shop.times() == [(1_002, "open")] * SHARDS
        assert await shop.held() == [False] * SHARDS

    asyncio.run(scenario())


def test_what_is_so_already_does_not_hold_anybody_up(shop: Shop) -> None:
    async def scenario() -> None:
        shop.open()
        before = await settle(shop.ports)
        records = [len(list(store.records())) for store in shop.stores]
        for make in (change_protocol.changing("resume", "cart"), publishing(shop.project, reopen=True)):
            assert await carry_out(shop.ports, before, make, 5_000, told, 1) is before
        assert [len(list(store.records())) for store in shop.stores] == records

    asyncio.run(scenario())


def test_shards_that_were_opened_with_another_project_before_they_ever_wrote_agree_with_the_others(
    shop: Shop,
) -> None:
    async def scenario() -> None:
        # given a first start that got to the first shard only, and a second one with a changed project
        only = Shard(0, SlotMap(SHARDS), shop.project.program, shop.stores[0], Settings(), project=shop.project)
        only.open(0)
        shop.project = other_shop(shop.project)
        shop.open()

        known = await settle(shop.ports)

        holdings = [await port.holding() for port in shop.ports]
        assert [each.publications for each in holdings] == [known] * SHARDS
        assert known.ledger.source == only.holding().publications.ledger.source

    asyncio.run(scenario())


@dataclass
class Open:
    """A runtime whose shards are open already, and where nobody sends; it remembers what it was told of stops."""

    ports: list[Unreliable]
    epoch: int = 0
    told: list[str] = field(default_factory=list)

    async def start(self, homes: Homes | None = None) -> None: ...

    async def stop(self) -> None: ...

    async def publish(self, publications: Publications) -> None: ...

    async def keep_back(self, journey: str) -> None:
        self.told.append(f"keep back {journey}")

    async def let_go(self, journey: str) -> None:
        self.told.append(f"let go {journey}")

    async def tell_all(self, lane: str, step: SnapshotStep) -> None:
        self.told.append(f"tell {lane} {step.what}")

    async def troubles(self) -> list[str]:
        return []

    async def channel_states(self) -> list[ChannelState]:
        return []


@pytest.mark.parametrize("away", [True, False], ids=["refused", "stopped"])
def test_whoever_sends_hears_of_a_stop_before_any_shard_and_of_its_end(shop: Shop, away: bool) -> None:
    class Asked(Unreliable):
        async def foresee(self, journey: str) -> Foreseen:
            heard.append(list(runtime.told))
            if away:
                raise ShardUnavailable("away")
            return await super().foresee(journey)

    async def scenario() -> None:
        async def renew(program: Program) -> None: ...

        life = JourneyControl(shop.project, (), runtime, ManualClock(9_000), renew, wait_s=0.05 if away else None)
        await life.begin()
        if not away:
            await life.change("stop", "cart", Order(dry=True))
        assert runtime.told == []
        heard.clear()
        if away:
            with pytest.raises(ShardUnavailable):
                await life.change("stop", "cart")
        else:
            await life.change("stop", "cart")

    heard: list[list[str]] = []
    runtime = Open([Asked(port._shard, port._store, ()) for port in shop.open().ports])  # type: ignore[arg-type]  # as given
    asyncio.run(scenario())
    assert heard[0] == ["keep back cart"]
    assert runtime.told == ["keep back cart", "let go cart"]


def test_nothing_changes_while_somebody_is_not_to_be_disturbed(shop: Shop) -> None:
    async def scenario() -> None:
        renewed: list[Program] = []

        async def renew(program: Program) -> None:
            renewed.append(program)

        life = JourneyControl(shop.project, (), Open(shop.open().ports), ManualClock(9_000), renew)
        await life.begin()
        async with life.undisturbed():
            pausing = asyncio.ensure_future(life.change("pause", "cart"))
            for _ in range(100):  # more turns than it would take
                await asyncio.sleep(0)
            assert not pausing.done()
            assert await shop.times() == [(1_002, "open")] * SHARDS
        await pausing
        assert await shop.times() == [(9_000, "paused")] * SHARDS
        assert [sorted(program.paused) for program in renewed] == [[], ["cart"]]

    asyncio.run(scenario())


def other_shop(project: Project) -> Project:
    return Project.from_json(project.to_json().replace(b"Thank you", b"Thanks a lot"))


def test_a_held_shard_takes_nothing_until_it_goes_on(shop: Shop) -> None:
    async def scenario() -> None:
        (port, *_) = shop.open().ports
        await port.hold(1)
        claiming = asyncio.ensure_future(port.exchange(ExchangeDeliveries([], "email", 10, "dispatcher", 1)))
        await asyncio.sleep(0)
        assert not claiming.done()

        await port.release(1)

        assert (await claiming).outgoing == []

    asyncio.run(scenario())


def test_a_change_that_nobody_finishes_leaves_nothing_behind_where_its_loop_has_ended(shop: Shop) -> None:
    class Silent(Unreliable):
        async def hold(self, attempt: int) -> Holding:
            never: asyncio.Future[Holding] = asyncio.get_running_loop().create_future()
            return await never

    shop.open()
    ports = [Silent(port._shard, port._store, ()) for port in shop.ports]  # type: ignore[arg-type]  # as given
    make = change_protocol.changing("pause", "cart")

    async def scenario() -> Callable[[], None]:
        changing = carry_out(ports, await settle(shop.ports), make, 9_000, told, 1)
        changing.send(None)
        return changing.close

    asyncio.run(scenario())()  # raises RuntimeError if it awaits anything on its way out
