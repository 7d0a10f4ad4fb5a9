"""Live lessons: at each tick rankings of offers learn what has become of them, if that is news.

The counts are asked of all shards while these go on. Only to tell all of them from when on it holds, they stand still
for a moment, as for a change of what is published; so a lesson has one time, and a repetition of what was handed in
decides the same. A shard that does not answer soon is not waited for: the next tick has its counts as well.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from parcours.clock import Clock
from parcours.config import Settings
from parcours.core.offers.lessons import Lesson, Lessons
from parcours.errors import ParcoursError, ShardUnavailable
from parcours.journey.offers import Offers
from parcours.journey.program import Program
from parcours.routing.change_protocol import at_one_time, see_through
from parcours.routing.lessons import Teacher, Ticks
from parcours.routing.patience import Patience
from parcours.routing.ports import ShardPort
from parcours.shard.host import ALARM_MAX_S
from parcours.shard.learning_requests import OffersCounted
from parcours.shard.requests import CountOffers, Learn

log = logging.getLogger("parcours")

PATIENCE_S: Final = 2.0
"""How long the others stand still for a shard that does not."""


class LiveLessons:
    """Lives on the loop of its host. `undisturbed` is as for reads (live_reads.py)."""

    def __init__(
        self,
        ports: Sequence[ShardPort],
        undisturbed: Callable[[], AbstractAsyncContextManager[int]],
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._ports = ports
        self._undisturbed = undisturbed
        self._clock = clock
        self._settings = settings
        self._offers = Offers()
        self._ticks = Ticks(self._offers, settings)
        self._teacher = Teacher(settings)
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None
        self.troubles: list[str] = []

    def renew(self, program: Program) -> None:
        """This program holds from now on. Nothing goes on here as long as no ranking of it learns."""
        self._offers, self._ticks = program.offers, Ticks(program.offers, self._settings)
        self._news.set()
        if self._task is None and self._ticks.there_are:
            self._task = asyncio.ensure_future(self._go_on())

    async def stop(self) -> None:
        """Learn nothing more; what is being told to shards is told to all, or when the store is opened again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._telling is not None:
            await see_through([self._telling])

    async def _go_on(self) -> None:
        """A store that fails ends this: the engine has to be opened again."""
        try:
            tick = await self._until_next()
            while True:
                try:
                    await self._learn(tick)
                except ShardUnavailable as error:
                    log.warning("no ranking of offers has learned at this tick: %s", error)
                tick = await self._until_next()
        except ParcoursError as error:
            self.troubles.append(f"no ranking of offers learns any more: {error}")
            log.warning("%s", self.troubles[-1])

    async def _until_next(self) -> int:
        """Return once a tick is past on the clock, which may jump: that tick, in ms."""
        since = self._clock.now_ms()
        while True:
            self._news.clear()
            now = self._clock.now_ms()
            if self._ticks.there_are and now >= self._ticks.next(since):
                return self._ticks.newest(now)
            wait_s = (self._ticks.next(since) - now) / 1_000 if self._ticks.there_are else ALARM_MAX_S
            try:
                async with asyncio.timeout(min(wait_s, ALARM_MAX_S)):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _learn(self, tick: int) -> None:
        """Tell all shards what there is to be known after a tick. Raises ShardUnavailable."""
        counted = await self._counted()
        self._teacher.begin(counted)
        if not all(each.has_room for each in counted):
            log.warning("no ranking of offers learns until all shards have done what is due (lessons_kept_max)")
            return
        subjects = self._teacher.lesson(counted, self._offers, tick)
        if subjects is not None:
            self._telling = asyncio.ensure_future(self._tell(subjects))
            await asyncio.shield(self._telling)  # shards that stand still are not left alone

    async def _counted(self) -> list[OffersCounted]:
        """What each shard has counted. Raises ShardUnavailable."""
        patience = Patience(PATIENCE_S)
        return [
            await patience.answer(number, lambda port=port: port.ask(CountOffers()))  # type: ignore[misc]
            for number, port in enumerate(self._ports)
        ]

    async def _tell(self, subjects: dict[str, Lesson]) -> None:
        """Rankings know this from one time on, which no shard has reached. Raises ShardUnavailable."""
        try:
            async with self._undisturbed() as attempt:
                await at_one_time(
                    self._ports,
                    self._clock.now_ms(),
                    attempt,
                    lambda at: Learn(attempt, Lessons(at + 1, subjects)),
                    Patience(PATIENCE_S),
                )
        except BaseException:
            self._teacher = Teacher(self._settings)  # the next tick is every ranking's, as nothing came of this one
            raise
