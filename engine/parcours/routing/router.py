"""The router: each line goes to the shard that owns its person, in numbered batches, and is applied exactly once.

Each shard has a lane: lines wait in it, and up to `batches_in_flight_max` numbered batches are under
way. A lane never waits for a batch to fill: whatever is there leaves as soon as a credit is free. A shard
on the router's own loop holds that up while it commits, so there a lane lets everybody speak who could not
meanwhile, and loads then: they share the next commit (group commit), and nobody waits longer for it. The
shard takes only the batch whose number comes next and says which one it expects, so after a failure the
lane goes back to that one and sends it, and everything behind it, again. A batch that had been taken
before the failure is answered from the outcomes that the shard keeps (positions.py).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import accumulate, islice, takewhile
from typing import Final

from parcours.background import spawn
from parcours.config import Settings
from parcours.core.identity import SLOTS, SlotMap
from parcours.errors import Overloaded, ParcoursError, ShardUnavailable
from parcours.journey.program import Program
from parcours.routing.ports import BatchPort
from parcours.segment.line import Unusable
from parcours.segment.person import route
from parcours.shard.messages import Answer, Batch, LineOutcome
from parcours.shard.requests import GetStatus, TakeBatch

UNREAD: Final = -1
"""No slot: where the person of a line lives has not been found out yet."""

RESEND_PAUSE_S = 0.2
"""Pause before a batch is sent again to a shard that could not be reached."""

REFUSED_PAUSE_S = 0.2
"""Pause before a shard that wants no events is asked whether it does again."""


class Taken:
    """What became of the lines of one call: counts, and the rejected by their place in the call, from 0.

    accepted    durable and applied; `undeclared` of them have a name that the project does not declare
    duplicate   recognised by their message id; `repeated` has their places, in no order
    rejected    (place, reason)
    """

    __slots__ = ("_done", "_left", "accepted", "duplicate", "rejected", "repeated", "undeclared")

    def __init__(self, lines: int, done: asyncio.Future[Taken]) -> None:
        self.accepted = 0
        self.duplicate = 0
        self.undeclared = 0
        self.rejected: list[tuple[int, str]] = []
        self.repeated: list[int] = []
        self._left = lines
        self._done = done

    def count(self, outcomes: bytes, places: Sequence[int], reasons: Iterator[str]) -> None:
        """Lines at these places of the call have been answered; `reasons` yields those of rejected ones."""
        rejected = outcomes.count(LineOutcome.REJECTED)
        duplicate = outcomes.count(LineOutcome.DUPLICATE)
        if rejected:
            answered = zip(places, outcomes, strict=True)
            self.rejected += [(place, next(reasons)) for place, each in answered if each == LineOutcome.REJECTED]
        if duplicate:
            answered = zip(places, outcomes, strict=True)
            self.repeated += [place for place, each in answered if each == LineOutcome.DUPLICATE]
        self.duplicate += duplicate
        self.undeclared += outcomes.count(LineOutcome.UNDECLARED)
        self.accepted += len(outcomes) - duplicate - rejected
        self.settle(len(places))

    def settle(self, lines: int) -> None:
        """So many more lines have been dealt with."""
        self._left -= lines
        if self._left == 0 and not self._done.done():
            self.rejected.sort()
            self._done.set_result(self)

    def fail(self, error: BaseException) -> None:
        if not self._done.done():
            self._done.set_exception(error)


class _Flight:
    """A batch under way, and whose lines they are: (call, places in the call)."""

    __slots__ = ("batch", "owners")

    def __init__(self, batch: Batch, owners: list[tuple[Taken, list[int]]]) -> None:
        self.batch = batch
        self.owners = owners


class Router:
    """Lives on one event loop. `name` is its own for ever: a router that starts anew takes a new name."""

    def __init__(
        self,
        name: str,
        ports: Sequence[BatchPort],
        program: Program,
        settings: Settings,
        slot_map: SlotMap | None = None,
        *,
        shares_loop: bool = False,
    ) -> None:
        """`slot_map` says where people live, if they are not spread over the ports as ever.

        shares_loop  whether the shards commit on the loop of this router
        """
        self._slot_map = slot_map or SlotMap(len(ports))
        self._program = program
        self._settings = settings
        self._lanes = [_Lane(name, port, settings, shares_loop=shares_loop) for port in ports]
        self._shards = [self._slot_map.owner(slot) for slot in range(SLOTS)]
        self._lines = 0
        self._closed = False

    async def take(self, lines: Sequence[bytes], *, are_reports: bool = False) -> Taken:
        """Send lines to their shards; returns when each is durable, a duplicate, or rejected."""
        return await self.start(lines, are_reports=are_reports)

    def start(
        self, lines: Sequence[bytes], slots: Sequence[int] | None = None, *, are_reports: bool = False
    ) -> asyncio.Future[Taken]:
        """Like `take`, without waiting: the lines stand in their lanes when this returns.

        slots        of each line, where they are known already, or UNREAD
        are_reports  they tell of consent, or of what became of deliveries, and are taken though events are refused.
                     Else all lines are refused with Overloaded where the shard of one of them refuses events
        """
        if self._closed:
            raise ShardUnavailable("the engine has been closed")
        done: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        taken = Taken(len(lines) + 1, done)
        shares: list[list[int]] = [[] for _ in self._lanes]
        owners = self._shards
        unread: Sequence[int] = range(len(lines))
        if slots is not None:
            unread = []
            for place, slot in enumerate(slots):
                if slot == UNREAD:
                    unread.append(place)
                else:
                    shares[owners[slot]].append(place)
        for place in unread:
            try:
                slot = route(lines[place], self._program, self._settings, self._slot_map)
            except Unusable as reason:
                taken.rejected.append((place, str(reason)))
            else:
                shares[owners[slot]].append(place)
        for lane, places in zip(self._lanes, shares, strict=True):
            if places and lane.refuses is not None and not are_reports:
                raise Overloaded(lane.refuses)
        first_number = self._lines + 1
        self._lines += len(lines)
        for lane, places in zip(self._lanes, shares, strict=True):
            places.sort()  # nothing to do, unless some lines had to be read
            lane.add(taken, lines, places, first_number)
        taken.settle(len(taken.rejected) + 1)
        return done

    async def room(self) -> None:
        """Wait until every lane has room for more: whoever feeds the router waits here, and queues nowhere."""
        while not (self._closed or self.has_room()):  # those who waited with us may have taken the room
            for lane in self._lanes:
                await lane.room.wait()

    def publish(self, program: Program) -> None:
        """From now on this program says whose an event is that names nobody."""
        self._program = program

    def is_idle(self) -> bool:
        """Nothing waits and nothing is under way."""
        return all(lane.is_idle() for lane in self._lanes)

    def waiting_lines(self) -> tuple[int, ...]:
        """How many lines wait for each shard, those of batches under way among them."""
        return tuple(lane.waiting_lines() for lane in self._lanes)

    def has_room(self) -> bool:
        return all(lane.room.is_set() for lane in self._lanes)

    async def close(self) -> None:
        """Stop sending; calls under way, and those that wait for room, fail with ShardUnavailable."""
        self._closed = True
        for lane in self._lanes:
            await lane.close()


class _Lane:
    """The way to one shard."""

    def __init__(self, router: str, port: BatchPort, settings: Settings, *, shares_loop: bool) -> None:
        self._shares_loop = shares_loop
        self._is_about_to_pump = False
        self._router = router
        self._name = router
        self._port = port
        self._settings = settings
        self._lines: list[bytes] = []
        self._bytes = 0
        self._numbers: list[int] = []
        self._owners: deque[tuple[Taken, list[int]]] = deque()
        self._flights: deque[_Flight] = deque()
        self._next = 1
        self._breaks = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._recovering = False
        self.room = asyncio.Event()
        self.room.set()
        self.refuses: str | None = None
        """Why the shard wants no events for now, None if it does."""
        self._asks = False

    def is_idle(self) -> bool:
        return not self._lines and not self._flights

    def waiting_lines(self) -> int:
        return len(self._lines) + sum(len(flight.batch.lines) for flight in self._flights)

    def add(self, taken: Taken, lines: Sequence[bytes], places: list[int], first_number: int) -> None:
        if not places:
            return
        if len(places) == len(lines):  # all of them, in their order: there is one shard, or one line
            self._numbers += range(first_number, first_number + len(lines))
        else:
            lines = [lines[place] for place in places]
            self._numbers += [first_number + place for place in places]
        self._lines += lines
        self._bytes += sum(map(len, lines))
        self._owners.append((taken, places))
        if not self._shares_loop:
            self._pump()
            return
        self._tell_room()
        if not self._is_about_to_pump:
            self._is_about_to_pump = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        """Send while there are lines and credits."""
        self._is_about_to_pump = False
        while self._lines and self._has_credit():
            flight = self._load()
            self._flights.append(flight)
            spawn(self._send(flight), self._tasks)
        self._tell_room()

    def _tell_room(self) -> None:
        settings = self._settings
        batches = max(len(self._lines) / settings.batch_events_max, self._bytes / settings.batch_bytes_max)
        full = batches >= settings.batches_in_flight_max
        self.room.clear() if full else self.room.set()

    def _has_credit(self) -> bool:
        """Counted from the oldest batch under way: the shard remembers its answers for so many, and no more."""
        if self._recovering:
            return False
        oldest = self._flights[0].batch.number if self._flights else self._next
        return self._next - oldest < self._settings.batches_in_flight_max

    def _load(self) -> _Flight:
        most = self._most()
        lines, self._lines = self._lines[:most], self._lines[most:]
        self._bytes -= sum(map(len, lines))
        numbers, self._numbers = self._numbers[:most], self._numbers[most:]
        owners: list[tuple[Taken, list[int]]] = []
        missing = len(lines)
        while missing:
            taken, places = self._owners.popleft()
            if len(places) > missing:
                self._owners.appendleft((taken, places[missing:]))
                places = places[:missing]
            owners.append((taken, places))
            missing -= len(places)
        batch = Batch(self._name, self._next, numbers, lines)
        self._next += 1
        return _Flight(batch, owners)

    def _most(self) -> int:
        """How many of the lines fit into one batch, at least one."""
        most, bytes_max = self._settings.batch_events_max, self._settings.batch_bytes_max
        if self._bytes <= bytes_max:
            return most
        ends = accumulate(map(len, islice(self._lines, most)))
        return max(1, sum(1 for _ in takewhile(lambda end: end <= bytes_max, ends)))

    async def _send(self, flight: _Flight) -> None:
        answer = await self._ask(flight)
        if flight not in self._flights:
            self._pump()  # it was answered when it was sent again, or given up
        elif answer is not None and answer.expected is None:
            self._settle(flight, answer)
            self._pump()
        elif not self._recovering:
            self._recovering = True
            await self._send_again()

    async def _ask(self, flight: _Flight) -> Answer | None:
        """The shard's answer; None if it could not be reached, or if the batch is not under way any more."""
        try:
            return await self._port.ask(TakeBatch(flight.batch))
        except ShardUnavailable:
            return None
        except Exception as error:  # noqa: BLE001  # whatever it is, those who handed the lines in have to know
            if flight in self._flights:
                self._break_off(error)
            return None

    async def _send_again(self) -> None:
        """Go back: send what is under way once more, one batch at a time, until the shard has taken it all."""
        while self._flights:
            flight = self._flights[0]
            answer = await self._ask(flight)
            if flight not in self._flights:
                continue
            if answer is None:
                await asyncio.sleep(RESEND_PAUSE_S)
            elif answer.expected is None:
                self._settle(flight, answer)
            else:
                self._break_off(ShardUnavailable("the shard does not remember this router: hand the lines in again"))
        self._recovering = False
        self._pump()

    def _break_off(self, error: Exception) -> None:
        """Nobody can tell what became of the batches under way: fail them, and go on under another name.

        Numbers count without a gap under each name, and these are not sent again.
        """
        flights, self._flights = self._flights, deque()
        self._breaks += 1
        self._name, self._next = f"{self._router}-{self._breaks}", 1
        for flight in flights:
            for taken, _ in flight.owners:
                taken.fail(error)

    def _settle(self, flight: _Flight, answer: Answer) -> None:
        self._flights.remove(flight)
        self.refuses = answer.refuses
        if self.refuses is not None and not self._asks:
            self._asks = True
            spawn(self._wait_until_wanted(), self._tasks)
        reasons, start = iter(answer.reasons), 0
        for taken, places in flight.owners:
            taken.count(answer.outcomes[start : start + len(places)], places, reasons)
            start += len(places)

    async def _wait_until_wanted(self) -> None:
        """Ask whether events are wanted again: no batch leaves meanwhile whose answer could tell."""
        while self.refuses is not None:
            await asyncio.sleep(REFUSED_PAUSE_S)
            with suppress(ParcoursError):  # one that cannot be reached now may refuse them still
                self.refuses = (await self._port.ask(GetStatus())).refuses
        self._asks = False

    async def close(self) -> None:
        """Nothing leaves any more; whoever waits for an answer, or for room, is told."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        error = ShardUnavailable("the engine was closed before the shard answered")
        self._break_off(error)
        for taken, _ in self._owners:
            taken.fail(error)
        self._lines, self._numbers, self._bytes = [], [], 0
        self._owners.clear()
        self.room.set()
