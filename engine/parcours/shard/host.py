"""The host of one shard: it answers requests, tells the time, sets the alarm, and wakes dispatchers.

The same host runs in one process and inside an actor. All its methods run on one event loop. What changes the shard has
a turn (turns.py), so each change is carried out whole before the next begins; what changes nothing is answered at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from msgspec.structs import replace

from parcours.background import spawn
from parcours.clock import BEHIND_MAX_MS, Clock, SystemClock, behind
from parcours.core.fact import Fact
from parcours.core.identity import SLOTS
from parcours.core.remarks import RemarkCounter, RemarkCounts
from parcours.core.totals import Totals
from parcours.errors import StoreBroken
from parcours.journey.publish.publications import Publications
from parcours.shard.attempts import Attempts
from parcours.shard.credits import Credits
from parcours.shard.dead_letters import DeadLetter, Resent, resent
from parcours.shard.erasures import Erased
from parcours.shard.export_host import ExportHost
from parcours.shard.figures import ShardFigures, here
from parcours.shard.foreseeing import Foreseen, foresee
from parcours.shard.leases import Leases
from parcours.shard.limit_warnings import LimitWarnings
from parcours.shard.messages import (
    Answer,
    Batch,
    Claims,
    DueReads,
    Holding,
    InboxesChanged,
    Status,
)
from parcours.shard.pacing import Pacing
from parcours.shard.peer_host import PeerHost
from parcours.shard.person_host import PersonHost
from parcours.shard.requests import A, ExchangeDeliveries, Request
from parcours.shard.shard import Shard
from parcours.shard.step_host import StepHost
from parcours.shard.turns import Turns, for_a_slice, in_slices
from parcours.store.store import Store

log = logging.getLogger("parcours")

CHECK_PEOPLE = 200
"""People in one slice of the check of totals: about 2 ms, as long as a small batch takes."""

CHECK_PAUSE_S = 0.05
"""Pause between two such slices. Nobody waits for the check; over a million people it takes some minutes."""

ROUNDS_BETWEEN = 8
"""Rounds of the loop before a slice of what is due. They take microseconds, and whatever has come meanwhile gets as far
as to ask for a turn: without, it would be a slice later with each round.
"""

ALARM_MAX_S = 1.0
"""Longest sleep between two looks at the clock: it may jump ahead, as after a machine was suspended, and the alarm
counts by another one that does not.
"""


class ShardHost:
    """Satisfies `ShardPort`. While the shard is held for a change, whatever would move its time waits.

    wake     is told the name of a channel that has deliveries ready
    remarks  where the remarks on the shard's recorded deliveries are counted, None if they are not
    stopped  is told the error if the shard stops while nobody asks it for anything
    people   what it answers about one person
    steps    what it answers about who waits at a step, and about the newest facts
    peers    what it says to other shards, and they to it
    exports  what it hands over of what is told
    pacing   when slices of scans have their turn
    leases   of routers that answer by themselves what nothing listens to
    """

    def __init__(
        self,
        shard: Shard,
        store: Store,
        clock: Clock,
        wake: Callable[[str], None],
        remarks: RemarkCounter | None = None,
        stopped: Callable[[Exception], None] | None = None,
        alarm_max_s: float = ALARM_MAX_S,
    ) -> None:
        self._shard = shard
        self._store = store
        self._clock = clock
        self._wake = wake
        self._remarks = remarks
        self._stopped = stopped or _leave_word
        self._alarm_max_s = alarm_max_s
        self._woken: set[str] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._will_fire = False
        self._check: asyncio.TimerHandle | None = None
        self._limits = LimitWarnings()
        self._turns = Turns(held=shard.holding().held)
        self._attempts = Attempts()
        self._credits = Credits(shard.settings.batches_in_flight_max)
        self.leases = Leases(is_new=shard.holding().fresh)
        self.pacing = Pacing(self._turns, shard.reading.taken, by_the_clock=shard.wakes_itself)
        self.people = PersonHost(shard, store, clock, self._turns, self.look)
        self.steps = StepHost(shard)
        self.exports = ExportHost(shard, clock, self._turns)
        self.peers = PeerHost(shard.exchanging, clock, self._turns, self.look, self._stopped)
        self._tasks: set[asyncio.Task[None]] = set()
        self._inboxes_changed = asyncio.Event()
        self._shard.commits.inboxes.listens = self._inboxes_changed.set

    @property
    def is_broken(self) -> bool:
        """Whether the shard has stopped and has to be opened again from its store."""
        return self._shard.commits.is_broken

    @property
    def epoch(self) -> int:
        """The epoch under which the shard writes."""
        return self._shard.commits.epoch

    def look(self) -> None:
        """See what the shard needs next: dispatchers, under the real clock an alarm, and somebody to be warned."""
        for channel in self._shard.ready():
            if channel not in self._woken:
                self._woken.add(channel)
                self._wake(channel)
        self.peers.look()
        if reached := self._shard.totals.take_limits():
            self._limits.hear(reached, self._clock.now_ms())
        if self._shard.wakes_itself and not self._turns.held:
            self._set_alarm(self._shard.next_ms())
        if self._check is None and not self._shard.totals.is_checked:
            self._check = asyncio.get_running_loop().call_later(CHECK_PAUSE_S, self._check_totals)

    def _check_totals(self) -> None:
        self._check = None
        try:
            for difference in self._shard.totals.check(CHECK_PEOPLE):
                log.warning("the totals of a shard were wrong and have been put right: %s", difference)
            self.look()
        except StoreBroken as error:
            self._stopped(error)

    def _set_alarm(self, next_ms: int | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if next_ms is not None:
            wait_s = max(0, next_ms + 1 - self._clock.now_ms()) / 1000  # a timer fires once its time is past
            self._alarm = asyncio.get_running_loop().call_later(min(wait_s, self._alarm_max_s), self._ring)

    def _ring(self) -> None:
        if self._will_fire or self._turns.held or self._turns.taken:
            return  # whoever has the turn looks again at its end, and so does who lets the shard go on
        try:
            now_ms, next_ms = self._clock.now_ms(), self._shard.next_ms()
        except StoreBroken as error:
            self._stopped(error)
            return
        if next_ms is not None and next_ms < now_ms:
            self._will_fire = True
            spawn(self._fire_due(), self._tasks)
        else:
            self._set_alarm(next_ms)

    async def _fire_due(self) -> None:
        """A slice of what is due, in a commit of its own, so that others have their turn in between."""
        for _ in range(ROUNDS_BETWEEN):
            await asyncio.sleep(0)
        try:
            async with self._turns:
                self._will_fire = False
                await in_slices(self._shard.passing(self._clock.now_ms(), for_a_slice()))
                self.look()
        except Exception as error:  # noqa: BLE001  # nobody waits for it
            self._stopped(error)

    async def ask(self, request: Request[A], /) -> A:
        """Answer whatever can be asked."""
        return await request.put_to(self)

    async def take(self, batch: Batch) -> Answer:
        with self._credits.batch_of(batch.router):
            waiting = self.leases.waiting()
            async with self._turns:
                waited_s = waiting()
                answer = await in_slices(self._shard.taking(batch, self._clock.now_ms()))
                self.look()
            return self.leases.granted_by(self._credits.told_with(answer, self._shard.standing.refuses()), waited_s)

    async def pass_time(self, now_ms: int) -> None:
        async with self._turns:
            await in_slices(self._shard.passing(now_ms))
            self.look()

    def halt_moves(self, for_ms: int) -> int:
        return self._shard.halt_moves(self._clock.now_ms() + for_ms if for_ms else 0)

    async def exchange(self, asked: ExchangeDeliveries) -> Claims:
        async with self._turns:
            claims = self._shard.exchange(asked, self._clock.now_ms())
            if asked.most:
                self._woken.discard(asked.channel)
                if claims.more:
                    self._woken.add(asked.channel)  # the dispatcher knows, and comes again
            self.look()  # timers that fired first may have made others ready
            return claims

    async def give_up(self, by: str) -> None:
        """The dispatcher is gone with what it had claimed, and whoever follows has to be woken anew."""
        async with self._turns:
            self._woken.clear()
            self._shard.give_up(by, self._clock.now_ms())
            self.look()

    async def give_up_all(self) -> None:
        """All dispatchers that have claimed anything are gone."""
        for by in self._shard.claimants():
            await self.give_up(by)

    async def dead_letters(self) -> list[DeadLetter]:
        return self._shard.dead_letters.listed()

    async def resend(self, numbers: Sequence[int]) -> Resent:
        async with self._turns:
            self._shard.dead_letters.acquit(numbers)
            letters = self._shard.dead_letters.numbered(numbers)
            answer = self._shard.apply_letters(letters, self._clock.now_ms(), are_ours=True)
            self.look()
            return resent(letters, answer)

    async def apply_letters(self, letters: Sequence[DeadLetter]) -> Answer:
        async with self._turns:
            answer = self._shard.apply_letters(letters, self._clock.now_ms(), are_ours=False)
            self.look()
            return answer

    async def drop_letters(self, numbers: Sequence[int]) -> None:
        async with self._turns:
            self._shard.drop_letters(numbers)

    async def due_reads(self) -> DueReads:
        return self._shard.reading.due_reads(self._clock.now_ms())

    async def step(self, step: Callable[[Shard, int], A]) -> A:
        """A step of a read, a scan or a campaign, at the time of the clock."""
        async with self._turns:
            answer = step(self._shard, self._clock.now_ms())
            self.look()
            return answer

    async def begin(self, attempt: int | None, step: Callable[[Shard], None]) -> None:
        """A step by which a shard that is held goes on, unless there is a newer attempt (attempts.py)."""
        async with self._turns.even_if_held:
            if attempt is None or self._attempts.ends(attempt):
                step(self._shard)
                self._go_on()

    async def step_erasures(self) -> bool:
        async with self._turns:
            return self._shard.erasing.step(self._clock.now_ms())

    async def erasures(self) -> Erased:
        return self._shard.erasing.told()

    async def end_erased(self, names: list[str]) -> None:
        async with self._turns:
            self._shard.erasing.exported(names, self._clock.now_ms())

    async def reached(self, channel: str, address: str) -> list[str]:
        return self._shard.standing.reached(channel, address)

    async def hear_inboxes(self, epoch: int, after: int, wait_ms: int) -> InboxesChanged:
        news = self._shard.commits.inboxes
        if epoch == self.epoch and after == news.newest:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_ms / 1_000):
                    self._inboxes_changed.clear()
                    await self._inboxes_changed.wait()
        return InboxesChanged(self.epoch, news.newest, news.after(after) if epoch == self.epoch else None)

    async def status(self) -> Status:
        status = self._shard.status(self._clock.now_ms())
        trouble = self._clock_trouble(status.stamp_ms) if self._shard.wakes_itself else None
        told = [*([] if trouble is None else [trouble]), *self.peers.troubles()]
        return replace(status, troubles=[*told, *status.troubles]) if told else status

    def _clock_trouble(self, stamp_ms: int) -> str | None:
        """What is wrong with the clock by which the shard goes."""
        if isinstance(self._clock, SystemClock):
            return self._clock.trouble()
        ahead_ms = stamp_ms - self._clock.now_ms()
        return behind(ahead_ms) if ahead_ms > BEHIND_MAX_MS else None

    async def holding(self) -> Holding:
        return self._shard.holding()

    async def hold(self, attempt: int) -> Holding:
        async with self._turns.even_if_held:
            if self._attempts.holds(attempt):
                self._turns.hold(held=True)
                if not self._shard.holding().held:
                    self._shard.hold(held=True)
            return self._shard.holding()

    async def release(self, attempt: int) -> None:
        async with self._turns.even_if_held:
            if self._attempts.ends(attempt):
                if self._shard.holding().held:
                    self._shard.hold(held=False)
                self._go_on()

    async def publish(self, attempt: int, publications: Publications) -> None:
        async with self._turns.even_if_held:
            if self._attempts.ends(attempt):
                self._shard.publish(publications)
                self._go_on()

    def _go_on(self) -> None:
        self._turns.hold(held=False)
        self.look()

    async def runs(self) -> list[tuple[str, int, int]]:
        counted: Counter[tuple[str, int]] = Counter()
        for slot in range(SLOTS):
            counted.update(self._shard.census.runs(slot))
            await asyncio.sleep(0)  # slot by slot, with room for others in between
        return [(journey, version, count) for (journey, version), count in sorted(counted.items())]

    async def open_runs(self) -> dict[str, int]:
        opened: Counter[str] = Counter()
        if not self._shard.wakes_itself:  # no totals are kept under virtual time
            for journey, _, many in await self.runs():
                opened[journey] += many
        for (journey, _, _), (inflow, gone_on, ended) in self._shard.totals.totals().steps:
            opened[journey] += inflow - gone_on - ended
        return dict(opened)

    async def foresee(self, journey: str) -> Foreseen:
        runs = making_up = deliveries = 0
        for slot in range(SLOTS):
            seen = foresee(self._shard.census.people(slot), journey, self._clock.now_ms())
            runs, making_up, deliveries = runs + seen.runs, making_up + seen.making_up, deliveries + seen.deliveries
            await asyncio.sleep(0)
        return Foreseen(runs, making_up, deliveries)

    async def totals(self) -> Totals:
        return self._shard.totals.totals()

    async def figures(self) -> ShardFigures:
        return self._shard.standing.figures(await self.status(), self._clock.now_ms(), here())

    async def collect_facts(self) -> list[Fact]:
        return self._shard.collect_facts()

    async def collect_remarks(self) -> RemarkCounts:
        return [] if self._remarks is None else self._remarks.counts()

    async def copy_store(self, folder: str) -> None:
        with closing(self._store.copy_to(Path(folder))) as pieces:
            for write in pieces:
                await asyncio.to_thread(write)  # the shard goes on meanwhile

    async def close(self) -> None:
        """Stop the alarm and the check, let whoever has the turn finish, and give the store back.

        Whoever waits for a turn gets ShardUnavailable.
        """
        await self.people.close()
        await self.peers.close()
        self._turns.end()
        self._inboxes_changed.set()
        for handle in (self._alarm, self._check):
            if handle is not None:
                handle.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        async with self._turns.even_if_held:
            self._store.close()


def _leave_word(error: Exception) -> None:
    """Whoever asks the shard for anything from now on is told."""
    if not isinstance(error, StoreBroken):
        log.error("a shard has stopped", exc_info=error)
