"""The people of a campaign in an engine: nobody is held, so scans are announced, and slices handed over in time.

Slices go to a shard not long before their people are due, and only as far as it has little to do for those before them:
what lies in its memory does not grow with the set.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from heapq import heappop, heappush
from itertools import takewhile
from typing import Any, Final, TypeAlias, TypeVar

from parcours.campaigns.people import Of, People
from parcours.campaigns.work_gate import WorkGate
from parcours.clock import Clock
from parcours.config import SECOND_MS, Settings
from parcours.core.identity import SlotMap
from parcours.instants import EARLIEST_MS
from parcours.routing.change_protocol import at_one_time
from parcours.routing.moves import end_moves, keep_ended, let_move
from parcours.routing.patience import Patience
from parcours.routing.ports import ShardPort, until_answered
from parcours.routing.scans import Rows, announce, collect, end
from parcours.shard.campaign_requests import Taken
from parcours.shard.moving import READ_MARGIN_MS
from parcours.shard.request import Request
from parcours.shard.requests import AwaitScan, GetHolding, GetStatus, LetSave
from parcours.shard.scans import OF_CAMPAIGN, Scan, StageAsked

Undisturbed: TypeAlias = Callable[[], AbstractAsyncContextManager[int]]
"""Keeps what is published from changing, and numbers attempts to make all shards stand still."""

EXPECTED_MARGIN_MS: Final = 2 * READ_MARGIN_MS
"""An instant that comes sooner cannot be expected: somebody may be on her way to another shard until then."""

RESTS: Final = 0.25
"""How long nothing is asked of shards after an answer, to how long that took."""

ROOM_PAUSE_S: Final = 0.1
TURN_PAUSE_S: Final = 0.02
"""Pause before a hand-over looks again whether those that go first have gone."""

LOOK_S: Final = 1.0
"""Longest sleep between two looks at the clock, which may jump."""

T = TypeVar("T")
A = TypeVar("A")


class LivePeople(People):
    """Those of all shards of an engine.

    going_on   returns when the run may go on
    unbroken   runs what must not end in the middle, because shards stand still, to its end
    gate       the run is at work there, and rests where it waits
    since      whoever was forgotten at this instant (ms) or later is left out, whatever sets say
    """

    def __init__(
        self,
        ports: Sequence[ShardPort],
        slot_map: SlotMap,
        settings: Settings,
        clock: Clock,
        undisturbed: Undisturbed,
        going_on: Callable[[], Awaitable[None]],
        unbroken: Callable[[Coroutine[Any, Any, T]], Awaitable[T]],
        gate: WorkGate,
        since: Callable[[], int],
    ) -> None:
        super().__init__(ports, slot_map, settings.due_people_max)
        self._clock = clock
        self._settings = settings
        self._undisturbed = undisturbed
        self._going_on = going_on
        self._unbroken: Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]] = unbroken
        self._gate = gate
        self._since = since
        self._coming: list[list[tuple[int, int]]] = [[] for _ in ports]
        """By shard, a heap of the slices that it has and that are not due yet: when, and how many people."""

        self._next_dues: dict[str, int] = {}
        """By hand-over, in the order in which they began, when the slice is due that is its next one."""

    async def _ask(self, shard: int, request: Request[A]) -> A:
        """The answer of a shard, which has some time for others after it, and so has whoever shares its loop."""
        time = asyncio.get_running_loop().time
        asked_s = time()
        answer = await super()._ask(shard, request)
        await asyncio.sleep((time() - asked_s) * RESTS)
        return answer

    def since(self) -> int:
        return self._since()

    # Scans

    async def expect(self, scan: Scan) -> bool:
        """Have shards take columns at an instant that is still to come; False if it comes too soon."""
        if scan.at < self._clock.now_ms() + EXPECTED_MARGIN_MS:
            return False
        answers = [await until_answered(partial(port.ask, AwaitScan(None, (scan,)))) for port in self._ports]
        if not all(answers):
            await end(self._ports, scan.name)
        return all(answers)

    async def announce(self, asked: StageAsked, run: int) -> Scan:
        """Have shards take columns as of now."""
        name = f"{OF_CAMPAIGN}{asked.campaign}/{run}/{asked.stage}-{uuid.uuid4().hex}"

        async def make() -> int:
            async with self._undisturbed() as attempt:
                return await announce(self._ports, {name: asked}, self._clock.now_ms(), attempt)

        at: int = await self._unbroken(make())
        return Scan(name, at, asked)

    async def columns(self, scan: Scan) -> AsyncIterator[Rows]:
        """As for `People`; the scan has been announced or expected."""
        async with self._gate.resting():
            await until_past(self._clock, scan.at)
        for port in self._ports:
            async for rows in collect(port, scan.name, self._slice_people):
                yield rows

    async def pause(self, seconds: float) -> None:
        async with self._gate.resting():
            await asyncio.sleep(seconds)

    async def scans(self) -> set[str]:
        """The names of all scans of campaigns that shards know."""
        holdings = [await until_answered(partial(port.ask, GetHolding())) for port in self._ports]
        return {name for holding in holdings for name in holding.scans if name.startswith(OF_CAMPAIGN)}

    # Handing over

    async def _hand_over(
        self,
        what: str,
        people: Iterable[Of[T]],
        slice_of: Callable[[int, Sequence[Of[T]]], Request[Taken]],
        due_of: Callable[[T], int],
        *,
        again: bool,
    ) -> None:
        """Several may be under way, each beside the others. One that has no turn yet has one as long as this lasts."""
        has_turn = what in self._next_dues
        if not has_turn:
            self.enter(what)
        try:
            await super()._hand_over(what, people, slice_of, due_of, again=again)
        finally:
            if not has_turn:
                self.leave(what)

    def enter(self, what: str) -> None:
        """A hand-over begins: until it leaves, those that begin later let it go first with whoever is not due later."""
        self._next_dues[what] = EARLIEST_MS

    def leave(self, what: str) -> None:
        """A hand-over is over, and nobody waits for it any more."""
        del self._next_dues[what]

    async def room(self, what: str, shard: int, due: int, people: int) -> None:
        """Wait until the slice is due before long, and the shard has room for so many people.

        One that began before goes first with whoever is not due later, so that of one instant steps have their order.
        """
        self._next_dues[what] = due
        while True:
            await self._going_on()
            if any(other <= due for other in self._dues_before(what)):
                await self.pause(TURN_PAUSE_S)
            elif (early_ms := due - self._settings.campaign_ahead_ms - self._clock.now_ms()) > 0:
                await self.pause(min(early_ms / SECOND_MS, LOOK_S))
            elif await self._in_flight(shard) + people > max(self._settings.campaign_in_flight_max, people):
                await self.pause(ROOM_PAUSE_S)
            else:
                heappush(self._coming[shard], (due, people))
                return

    def _dues_before(self, what: str) -> Iterable[int]:
        """When the next slices are due of the hand-overs that began before this one."""
        return (due for _, due in takewhile(lambda each: each[0] != what, self._next_dues.items()))

    async def _in_flight(self, shard: int) -> int:
        """How many people the shard has something to do for: they are due soon, or what they get has not left."""
        coming, now_ms = self._coming[shard], self._clock.now_ms()
        while coming and coming[0][0] < now_ms:
            heappop(coming)
        status = await until_answered(partial(self._ports[shard].ask, GetStatus()))
        return sum(people for _, people in coming) + sum(status.ready.values()) + status.claimed

    # Saves

    async def save(
        self,
        save: str,
        audience: str,
        at: int,
        entered: Iterable[str],
        left: Iterable[str],
        *,
        silent: bool,
        again: bool = False,
    ) -> int:
        """As for `People`, from the first instant that no shard has passed once all is known there."""
        known = await self._held_from(save)
        if known is not None:
            return known

        async def make() -> int:
            async with self._undisturbed() as attempt:
                await end_moves(self._ports, Patience())
                meanwhile = asyncio.ensure_future(keep_ended(self._ports))
                try:
                    await self.stage(save, entered, left, again=again)
                    return await at_one_time(
                        self._ports,
                        self._clock.now_ms(),
                        attempt,
                        lambda at: LetSave(attempt, save, audience, silent, at),
                    )
                finally:
                    meanwhile.cancel()
                    await let_move(self._ports)

        held_from: int = await self._unbroken(make())
        return held_from

    async def _held_from(self, save: str) -> int | None:
        """From when on a save holds that was made in a life before; None if it does not."""
        holdings = [await until_answered(partial(port.ask, GetHolding())) for port in self._ports]
        return next((each.at for holding in holdings for each in holding.saves if each.name == save), None)


class TurnsOfRun:
    """Satisfies `Turns`, by the names that the hand-overs of a run have among people."""

    def __init__(self, people: LivePeople, run: str) -> None:
        self._people = people
        self._run = run

    def enter(self, step: str) -> None:
        self._people.enter(f"{self._run}/{step}")

    def leave(self, step: str) -> None:
        self._people.leave(f"{self._run}/{step}")


async def until_past(clock: Clock, at_ms: int) -> None:
    """Return once this time is past on the clock, which may jump."""
    now_ms = clock.now_ms()
    while now_ms <= at_ms:
        await asyncio.sleep(min((at_ms + 1 - now_ms) / SECOND_MS, LOOK_S))
        now_ms = clock.now_ms()
