"""When does a slice of a scan have its turn, if others want the shard as well?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

import pytest

from parcours.shard.messages import PeopleColumns
from parcours.shard.pacing import SCAN_SHARE, TAKEN_COST, Pacing, Step
from parcours.shard.shard import Shard
from parcours.shard.turns import Turns

SLICE_S = 0.01
BATCH_S = 0.004
PEOPLE = 100

NO_SHARD: Shard = None  # type: ignore[assignment]  # the slices below look at nobody


class Day:
    """A shard on a loop whose time passes only where something is done."""

    def __init__(self, *, by_the_clock: bool = True) -> None:
        self.now_s = 0.0
        self.turns = Turns(held=False)
        self.taken = 0
        self.pacing = Pacing(self.turns, lambda: self.taken, by_the_clock=by_the_clock)
        self.slices_at: list[float] = []

    def run(self, scenario: Callable[[], Coroutine[object, object, None]]) -> None:
        loop = asyncio.new_event_loop()
        loop.time = lambda: self.now_s  # type: ignore[method-assign]  # the seam of asyncio's clock
        try:
            loop.run_until_complete(scenario())
        finally:
            loop.close()

    async def turn(self, step: Step) -> PeopleColumns:
        async with self.turns:
            return step(NO_SHARD, 0)

    def slice(self) -> Awaitable[PeopleColumns]:
        return self.pacing.slice(self.turn, self._listed)

    def _listed(self, shard: Shard, now_ms: int) -> PeopleColumns:
        self.slices_at.append(round(self.now_s, 6))
        self.now_s += SLICE_S
        return PeopleColumns("listed", [(f"p{number}", b"") for number in range(PEOPLE)])

    async def scan(self, slices: int) -> None:
        for _ in range(slices):
            await self.slice()
            await asyncio.sleep(0)  # as whoever collects does

    async def others_until(self, scan: asyncio.Task[None], taken_each: int = 0) -> None:
        """Batches come one after the other, as long as the scan goes on."""
        while not scan.done():
            async with self.turns:
                self.now_s += BATCH_S
                self.taken += taken_each
            await asyncio.sleep(0)

    def beside_others(self, slices: int, taken_each: int = 0) -> None:
        async def scenario() -> None:
            scan = asyncio.get_running_loop().create_task(self.scan(slices))
            await self.others_until(scan, taken_each)

        self.run(scenario)


def test_nobody_is_kept_waiting_in_a_shard_that_nobody_else_wants() -> None:
    day = Day()

    day.run(lambda: day.scan(5))

    assert day.slices_at == [0.0, 0.01, 0.02, 0.03, 0.04]


def test_slices_take_their_share_of_a_busy_shard_and_no_more() -> None:
    day = Day()

    day.beside_others(slices=20)

    lasted_s = day.slices_at[-1] - day.slices_at[0]
    assert SCAN_SHARE / 2 < 19 * SLICE_S / lasted_s <= SCAN_SHARE
    pauses = [after - before for before, after in zip(day.slices_at, day.slices_at[1:], strict=False)]
    assert min(pauses) >= SLICE_S / SCAN_SHARE - 1e-6, "also the first ones"


def test_what_is_taken_for_events_is_of_that_share() -> None:
    alone, with_events = Day(), Day()

    alone.beside_others(slices=10)
    with_events.beside_others(slices=10, taken_each=2)

    for_events_s = with_events.taken * TAKEN_COST * SLICE_S / PEOPLE
    assert with_events.slices_at[-1] > alone.slices_at[-1]
    assert (9 * SLICE_S + for_events_s) / with_events.now_s <= SCAN_SHARE * 1.2


def test_a_scan_goes_on_at_once_when_the_others_have_gone() -> None:
    day = Day()

    async def scenario() -> None:
        await day.slice()
        async with day.turns:
            day.now_s += BATCH_S
        waiting = asyncio.ensure_future(day.slice())
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(day.slices_at) == 1, "somebody else was there since"
        day.now_s += SLICE_S / SCAN_SHARE
        await waiting
        await day.slice()
        assert day.slices_at[-1] == pytest.approx(day.slices_at[-2] + SLICE_S)

    day.run(scenario)


def test_two_scans_have_one_share_together() -> None:
    day = Day()

    async def scenario() -> None:
        both = asyncio.get_running_loop().create_task(two_scans())
        await day.others_until(both)

    async def two_scans() -> None:
        await asyncio.gather(day.scan(10), day.scan(10))

    day.run(scenario)

    assert 19 * SLICE_S / (day.slices_at[-1] - day.slices_at[0]) <= SCAN_SHARE


def test_who_gives_up_while_she_waits_keeps_nobody_else_back() -> None:
    day = Day()

    async def scenario() -> None:
        await day.slice()
        async with day.turns:
            impatient = asyncio.ensure_future(day.slice())
            await asyncio.sleep(0)
            impatient.cancel()
            await asyncio.gather(impatient, return_exceptions=True)
        day.now_s += 1
        await day.slice()
        assert len(day.slices_at) == 2

    day.run(scenario)


def test_under_virtual_time_nobody_is_kept_waiting() -> None:
    day = Day(by_the_clock=False)

    async def scenario() -> None:
        for _ in range(3):
            await day.slice()
            async with day.turns:
                pass

    day.run(scenario)

    assert day.slices_at == [0.0, 0.01, 0.02]
