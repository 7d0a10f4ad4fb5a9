"""Live reads of audiences: each is made once its instant has passed, however much later that is.

The shards know the instants and what everybody was then (shard/reads.py), so nothing has to be remembered here, and
whoever starts again finds out by asking. A read is a list, slice by slice; then the places; then one time from which
people enter: for that alone the shards stand still, as for a change of what is published, because none of them may
have passed it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial

from parcours.clock import Clock
from parcours.core.time_text import time_text
from parcours.errors import ParcoursError
from parcours.journey.program import Program
from parcours.routing.audience_reads import list_everywhere, place_members
from parcours.routing.change_protocol import at_one_time, see_through
from parcours.routing.ports import ShardPort, until_answered
from parcours.shard.host import ALARM_MAX_S
from parcours.shard.messages import AudienceRead, DueRead
from parcours.shard.requests import GetDueReads, LetIn, SkipRead

log = logging.getLogger("parcours")


class LiveReads:
    """Lives on the loop of its host.

    undisturbed   keeps what is published from changing, and numbers attempts to make all shards stand still
    slice_people  how many people a shard looks at in one call
    """

    def __init__(
        self,
        ports: Sequence[ShardPort],
        undisturbed: Callable[[], AbstractAsyncContextManager[int]],
        clock: Clock,
        slice_people: int,
    ) -> None:
        self._ports = ports
        self._undisturbed = undisturbed
        self._clock = clock
        self._slice_people = slice_people
        self._program: Program | None = None
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._starting: asyncio.Task[None] | None = None
        self._gone: AudienceRead | None = None
        self.troubles: list[str] = []

    def renew(self, program: Program) -> None:
        """This program holds from now on; the first one starts it all."""
        self._program = program
        self._news.set()
        if self._task is None:
            self._task = asyncio.ensure_future(self._go_on())

    async def stop(self) -> None:
        """Make no more reads; one under way is made anew when the store is opened."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._starting is not None:
            await see_through([self._starting])

    async def _go_on(self) -> None:
        """A store that fails ends this: the engine has to be opened again, and makes up for it then."""
        journey: str | None = None
        try:
            while True:
                due, next_ms = await self._due()
                for each in due:
                    journey = each.read.journey
                    await self._take_up(each)
                journey = None
                if not due:
                    await self._until(next_ms)
        except ParcoursError as error:
            who = "no journey reads any more" if journey is None else f"the journey {journey!r} reads no more"
            self.troubles.append(f"{who}: {error}")
            log.warning("%s", self.troubles[-1])

    async def _due(self) -> tuple[list[DueRead], int | None]:
        """The reads to be made, of each journey the newest, and the first instant that has not passed."""
        self._news.clear()
        answers = [await until_answered(partial(port.ask, GetDueReads())) for port in self._ports]
        newest: dict[str, DueRead] = {}
        for due in (each for answer in answers for each in answer.due):
            known = newest.get(due.read.journey, due)
            newest[due.read.journey] = max(known, due, key=lambda each: (each.read.at, each.missed))
        coming = [answer.next_ms for answer in answers if answer.next_ms is not None]
        return sorted(newest.values(), key=lambda each: each.read.at), min(coming, default=None)

    async def _until(self, at_ms: int | None) -> None:
        """Return once this time is past on the clock, which may jump, or another program holds."""
        while not self._news.is_set() and (at_ms is None or self._clock.now_ms() <= at_ms):
            wait_s = ALARM_MAX_S if at_ms is None else (at_ms + 1 - self._clock.now_ms()) / 1000
            try:
                async with asyncio.timeout(min(max(wait_s, 0), ALARM_MAX_S)):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _take_up(self, due: DueRead) -> None:
        """Make a read, unless it let nobody in at its instant and would do so only now."""
        read = due.read
        assert self._program is not None, "renew has started this"
        takes_entries = any(journey.name == read.journey for journey in self._program.journeys)
        if not takes_entries or (due.paused and read.journey not in self._program.paused):
            return await self._skip(read)
        listed = await list_everywhere(self._ports, read, self._slice_people)
        if listed is None:  # a later instant has passed in some shard; or else it was about to be skipped everywhere
            self._gone, before = read, self._gone
            return await self._skip(read) if before == read else None
        if due.missed:
            log.warning(
                "the journey %r has missed %d reads of its audience; the one of %s is made up for",
                read.journey,
                due.missed,
                time_text(read.at),
            )
        people = await place_members(self._ports, read, listed, self._slice_people)
        self._starting = asyncio.ensure_future(self._let_in(read, people))
        return await asyncio.shield(self._starting)  # shards that stand still are not left alone

    async def _skip(self, read: AudienceRead) -> None:
        for port in self._ports:
            await until_answered(partial(port.ask, SkipRead(read.journey, read.at)))

    async def _let_in(self, read: AudienceRead, people: int) -> None:
        """Have everybody enter from one time on, which no shard has passed."""
        async with self._undisturbed() as attempt:
            await at_one_time(
                self._ports,
                self._clock.now_ms(),
                attempt,
                lambda entries_from: LetIn(attempt, read.journey, read.at, entries_from, people),
            )
