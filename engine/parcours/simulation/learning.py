"""Rankings of offers that learn, under virtual time: what they know changes at ticks, at which everybody is held.

Time goes from tick to tick in which anything happens at all: a lesson needs the counts of everybody before its tick,
and is known to everybody after it. So it is the same for any number of shards. Where nothing has changed nobody is
told, and where no ranking learns there are no ticks.
"""

from __future__ import annotations

from collections.abc import Sequence

from parcours.config import Settings
from parcours.core.offers.lessons import Lessons
from parcours.journey.program import Program
from parcours.routing.lessons import Teacher, Ticks
from parcours.routing.ports import ShardPort
from parcours.shard.requests import CountOffers, GetOutstanding, Learn


class LearningInTime:
    """Of one simulation.

    ticks     when rankings learn
    is_on     whether any does, here and not by told lines
    """

    def __init__(self, ports: Sequence[ShardPort], program: Program, settings: Settings) -> None:
        self._ports = ports
        self._settings = settings
        self._teacher = Teacher(settings)
        self._reached_ms: int | None = None
        self._is_told = False
        self.renew(program)

    def renew(self, program: Program) -> None:
        """This program holds from now on."""
        self._offers = program.offers
        self.ticks = Ticks(program.offers, self._settings)

    def be_told(self) -> None:
        """What rankings know is among the inputs."""
        self._is_told = True

    @property
    def is_on(self) -> bool:
        return self.ticks.there_are and not self._is_told

    @property
    def under_way_until_ms(self) -> int:
        """The tick before which everything is that has happened so far, 0 where nothing has."""
        return 0 if self._reached_ms is None else self.ticks.next(self._reached_ms)

    async def next_due_ms(self) -> int | None:
        """When the first timer of all people is due."""
        due = [(await port.ask(GetOutstanding())).next_ms for port in self._ports]
        return min((at for at in due if at is not None), default=None)

    async def reach(self, at: int) -> None:
        """The next thing happens at this instant, and everything before it is over: learn at the ticks until then.

        Nothing has happened since the first of them, so besides that only the newest one matters, for whoever learns
        more rarely.
        """
        before, newest = self._reached_ms, self.ticks.newest(at)
        if before is not None and newest <= before:
            return
        self._reached_ms = newest
        counted = [await port.ask(CountOffers()) for port in self._ports]
        self._teacher.begin(counted)
        for tick in [newest] if before is None else sorted({self.ticks.next(before), newest}):
            subjects = self._teacher.lesson(counted, self._offers, tick)
            if subjects is not None:
                await self.tell(Lessons(tick, subjects))

    async def tell(self, lessons: Lessons) -> None:
        """Everybody knows this, who is held at its instant."""
        for port in self._ports:
            await port.ask(Learn(None, lessons))
