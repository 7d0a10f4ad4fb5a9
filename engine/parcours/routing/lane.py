"""The way to one shard: lines wait in it, and leave in numbered batches of which a few are under way at a time.

A full batch leaves as soon as there is credit. Any other one waits until none is under way, and grows meanwhile: each
costs a message and a commit, whatever is in it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

from parcours.background import spawn
from parcours.config import Settings
from parcours.errors import ParcoursError, ShardUnavailable
from parcours.routing.alone import Alone
from parcours.routing.held import HeldLine, HeldLines
from parcours.routing.ports import BatchPort
from parcours.routing.reading import NO_READING, Reading
from parcours.routing.taken import Taken
from parcours.routing.waiting_lines import Owners, WaitingLines
from parcours.shard.messages import Answer, Batch
from parcours.shard.requests import GetStatus, TakeBatch

RESEND_PAUSE_S = 0.2
"""Pause before a batch is sent again to a shard that could not be reached."""

REFUSED_PAUSE_S = 0.2
"""Pause before a shard that wants no events is asked whether it does again."""

QUIET_ROUNDS = 2
"""Rounds of a shared loop in which nobody speaks before a batch leaves: in one of them the loop hears what has come to
its sockets, and in the next whoever it was for speaks. They take microseconds, and a commit milliseconds.
"""

LISTENING_ROUNDS_MAX = 32
"""Rounds after which a batch leaves, however many go on speaking."""

LISTENING_MAX_S = 0.002
"""Time after which it does: a round takes long while the loop has other things to do, as timers that are all due."""

Whose: TypeAlias = tuple[Taken, int]
"""Whose a line is that is held back: the call, and its place there."""


class _Flight:
    """A batch under way.

    held  its lines, if they had been deferred
    """

    __slots__ = ("batch", "held", "owners")

    def __init__(self, batch: Batch, owners: Owners, held: Sequence[HeldLine[Whose]]) -> None:
        self.batch = batch
        self.owners = owners
        self.held = held


class Lane:
    """The way to one shard."""

    def __init__(
        self,
        router: str,
        number: int,
        port: BatchPort,
        settings: Settings,
        held: HeldLines[Whose],
        alone: Alone,
        on_held: Callable[[], None],
        *,
        shares_loop: bool,
        reading: Reading = NO_READING,
    ) -> None:
        """`on_held` is called when lines are held back or are not any more: they may be for another lane."""
        self._number = number
        self._held = held
        self._alone = alone
        self._on_held = on_held
        self._shares_loop = shares_loop
        self._reading = reading
        self._is_listening = False
        self._listening_until_s = 0.0
        self._router = router
        self._name = router
        self._port = port
        self._settings = settings
        self._waiting = WaitingLines()
        self._flights: deque[_Flight] = deque()
        self._next = 1
        self._breaks = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._recovering = False
        self.room = asyncio.Event()
        self.room.set()
        self.reachable = asyncio.Event()
        """Whether the shard has answered, as far as it was asked."""
        self.reachable.set()
        self.refuses: str | None = None
        """Why the shard wants no events for now, None if it does."""
        self._asks = False
        self._credits = settings.batches_in_flight_max
        """How many batches may be under way, by the newest word of the shard."""

    def is_idle(self) -> bool:
        return not self._waiting.lines and not self._flights and not self._held.lines[self._number]

    @property
    def waiting_lines(self) -> int:
        """How many lines have no answer yet, under way, held back or neither."""
        under_way = sum(len(flight.batch.lines) for flight in self._flights if not flight.held)
        return len(self._waiting.lines) + under_way + self._held.lines[self._number]

    def unanswered_from(self) -> int | None:
        """The number of the oldest line that is under way for the first time."""
        firsts = (flight.batch.line_numbers[0] for flight in self._flights if flight.batch.lines and not flight.held)
        return next(firsts, None)

    def add(
        self,
        taken: Taken,
        lines: Sequence[bytes],
        skews_ms: Sequence[int],
        times: Sequence[int],
        places: list[int],
        numbers: Sequence[int],
    ) -> None:
        """`numbers` has that of each line of the call."""
        if not places:
            return
        self._waiting.add(taken, lines, skews_ms, times, places, numbers)
        if not self._shares_loop:
            self.pump()
            return
        self._tell_room()
        if not self._is_listening:
            self._is_listening = True
            self._listening_until_s = asyncio.get_running_loop().time() + LISTENING_MAX_S
            self._listen_on(QUIET_ROUNDS, LISTENING_ROUNDS_MAX)

    def _listen_on(self, quiet_rounds: int, rounds: int) -> None:
        asyncio.get_running_loop().call_soon(self._listen, len(self._waiting.lines), quiet_rounds, rounds)

    def _listen(self, heard: int, quiet_rounds: int, rounds: int) -> None:
        """Let others speak until so many rounds were quiet, so many are over, or it takes too long.

        heard  how many lines there were one round ago
        """
        if not self._is_listening:
            return  # what was there has left by now
        waiting = len(self._waiting.lines)
        is_over = not (quiet_rounds and rounds) or asyncio.get_running_loop().time() >= self._listening_until_s
        if is_over or waiting >= self._settings.batch_events_max:
            self.pump()
        elif waiting == heard:
            self._listen_on(quiet_rounds - 1, rounds - 1)
        else:
            self._listen_on(QUIET_ROUNDS, rounds - 1)

    def pump(self) -> None:
        """Send what may leave while there is credit; those that come again go first."""
        self._is_listening = False
        while self._has_credit():
            flight = (self._load_held() if self._held else None) or (self._load() if self._may_leave() else None)
            if flight is None:
                break
            self._let_go(flight)
        self._tell_room()

    def tell(self) -> bool:
        """Send what there is, be it only how many lines the router has answered by itself. Whether there is credit."""
        if not self._has_credit():
            return False
        self._let_go(self._load())
        self._tell_room()
        return True

    def _let_go(self, flight: _Flight) -> None:
        self._flights.append(flight)
        spawn(self._send(flight), self._tasks)

    def _tell_room(self) -> None:
        settings = self._settings
        lines, size = len(self._waiting.lines), self._waiting.bytes
        if self._held:
            lines, size = lines + self._held.lines[self._number], size + self._held.bytes[self._number]
        batches = max(lines / settings.batch_events_max, size / settings.batch_bytes_max)
        full = batches >= settings.batches_in_flight_max
        self.room.clear() if full else self.room.set()

    def _has_credit(self) -> bool:
        """Counted from the oldest batch under way: the shard remembers its answers for so many, and no more."""
        if self._recovering:
            return False
        oldest = self._flights[0].batch.number if self._flights else self._next
        return self._next - oldest < self._credits

    def _may_leave(self) -> bool:
        waiting, settings = self._waiting, self._settings
        is_full = len(waiting.lines) >= settings.batch_events_max or waiting.bytes >= settings.batch_bytes_max
        return is_full or (bool(waiting.lines) and not self._flights)

    def _load(self) -> _Flight:
        taken = self._waiting.take(self._settings.batch_events_max, self._settings.batch_bytes_max)
        settled = self._held.take_settled(self._number)
        reading = self._reading
        batch = Batch(
            self._name, self._next, taken.numbers, taken.lines, taken.skews_ms, taken.times, [], settled,
            reading.partition, reading.below, self._alone.to_tell(),
        )  # fmt: skip
        self._next += 1
        return _Flight(batch, taken.owners, ())

    def _load_held(self) -> _Flight | None:
        """A batch of lines that come again, if there are any for this shard now."""
        now_s, settings = asyncio.get_running_loop().time(), self._settings
        held = self._held.load(self._number, now_s, settings.batch_events_max, settings.batch_bytes_max)
        if not held:
            return None
        batch = Batch(
            self._name,
            self._next,
            [each.number for each in held],
            [each.line for each in held],
            [each.skew_ms for each in held] if any(each.skew_ms for each in held) else [],
            [each.time for each in held if each.time is not None],
            [each.again for each in held],
            self._held.take_settled(self._number),
            self._reading.partition,
            self._reading.below,
        )
        self._next += 1
        return _Flight(batch, [], held)

    async def _send(self, flight: _Flight) -> None:
        answer = await self._ask(flight)
        if flight not in self._flights:
            self.pump()  # it was answered when it was sent again, or given up
        elif answer is not None and answer.expected is None:
            self._settle(flight, answer)
            self.pump()
        elif not self._recovering:
            self._recovering = True
            await self._send_again()

    async def _ask(self, flight: _Flight) -> Answer | None:
        """The shard's answer; None if it could not be reached, or if the batch is not under way any more."""
        sent_s = self._alone.now_s()
        try:
            answer = await self._port.ask(TakeBatch(flight.batch))
        except ShardUnavailable:
            self.reachable.clear()
            return None
        except Exception as error:  # noqa: BLE001  # whatever it is, those who handed the lines in have to know
            self.reachable.set()
            if flight in self._flights:
                self._break_off(error)
            return None
        self.reachable.set()
        self._alone.hear(answer, sent_s)
        return answer

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
        self.pump()

    def _break_off(self, error: Exception) -> None:
        """Nobody can tell what became of the batches under way: fail them, and go on under another name.

        Numbers count without a gap under each name, and these are not sent again.
        """
        flights, self._flights = self._flights, deque()
        for lost in self._held.lose(self._number, [each for flight in flights for each in flight.held]):
            lost.owner[0].fail(error)
        self._breaks += 1
        self._name, self._next = f"{self._router}-{self._breaks}", 1
        for flight in flights:
            for taken, _ in flight.owners:
                taken.fail(error)

    def _settle(self, flight: _Flight, answer: Answer) -> None:
        self._flights.remove(flight)
        self.refuses = answer.refuses
        most = self._settings.batches_in_flight_max
        self._credits = most if answer.credits is None else min(answer.credits, most)
        if self.refuses is not None and not self._asks:
            self._asks = True
            spawn(self._wait_until_wanted(), self._tasks)
        if answer.deferred or flight.held:
            self._settle_held(flight, answer)
            return
        reasons, start = iter(answer.reasons), 0
        for taken, places in flight.owners:
            taken.count(answer.outcomes[start : start + len(places)], places, reasons)
            start += len(places)

    def _settle_held(self, flight: _Flight, answer: Answer) -> None:
        """Some lines of the batch have to come again, or did."""
        now_s, batch = asyncio.get_running_loop().time(), flight.batch
        told, reasons = {each.place: each for each in answer.deferred}, iter(answer.reasons)
        for place, held in enumerate(flight.held):
            if place in told:
                self._held.defer(self._number, held, told[place], now_s)
            else:
                self._held.settle(held)
                taken, owned = held.owner
                taken.count(answer.outcomes[place : place + 1], [owned], reasons)
        start = 0
        for taken, places in flight.owners:
            of_batch = range(start, start + len(places))
            start += len(places)
            for place, owned in zip(of_batch, places, strict=True):
                if place in told:
                    number, line = batch.line_numbers[place], batch.lines[place]
                    skew_ms = batch.skews_ms[place] if batch.skews_ms else 0
                    time = batch.times[place] if batch.times else None
                    held = HeldLine(number, line, (taken, owned), self._number, now_s, skew_ms, time)
                    self._held.defer(self._number, held, told[place], now_s)
            answered = [place for place in of_batch if place not in told]
            outcomes = bytes(answer.outcomes[place] for place in answered)
            taken.count(outcomes, [places[place - of_batch.start] for place in answered], reasons)
        self._on_held()

    async def _wait_until_wanted(self) -> None:
        """Ask whether events are wanted again: no batch leaves meanwhile whose answer could tell."""
        while self.refuses is not None:
            await asyncio.sleep(REFUSED_PAUSE_S)
            with suppress(ParcoursError):  # one that cannot be reached now may refuse them still
                self.refuses = (await self._port.ask(GetStatus())).refuses
        self._asks = False

    async def all_answered(self, within_s: float) -> None:
        """Wait until all that is under way has been answered, for so long at most."""
        await asyncio.wait(set(self._tasks), timeout=within_s)

    async def close(self) -> None:
        """Nothing leaves any more; whoever waits for an answer, or for room, is told."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        error = ShardUnavailable("the engine was closed before the shard answered")
        self._break_off(error)
        self._waiting.fail(error)
        self.room.set()
        self.reachable.set()
