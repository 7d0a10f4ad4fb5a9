"""Who is in an audience now, or would get which offer? As of one instant, taken from all shards while they go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from parcours.clock import Clock
from parcours.insight.people_question import PeopleQuestion
from parcours.journey.program import Program
from parcours.routing.passing_scans import PassingScans
from parcours.routing.ports import ShardPort
from parcours.routing.scans import collect
from parcours.shard.scans import Asked, Scan

T = TypeVar("T")


class PeopleLooks:
    """Lives on the loop of its host. One question is answered at a time.

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
        self._slice_people = slice_people
        self._scans = PassingScans("look", ports, undisturbed, clock)
        self._program: Program | None = None

    def renew(self, program: Program) -> None:
        """This program holds from now on."""
        self._program = program

    async def look(self, question: PeopleQuestion[T], owner: str | None = None) -> T:
        """The answer to a question.

        owner  the name under which the person lives whom alone it is about
        Raises CallerError for what there is not, ShardUnavailable, EngineClosed.
        """
        programs: list[Program] = []

        def asked() -> list[Asked]:
            assert self._program is not None, "renew comes first"
            programs.append(self._program)
            return [question.asked(self._program, owner)]

        async def answer(at: int, scans: Sequence[Scan]) -> T:
            counted, (scan,), (program,) = question.count(), scans, programs
            for port in self._ports:
                async for rows in collect(port, scan.name, self._slice_people):
                    counted.add(rows)
            return counted.shown(program, at)

        return await self._scans.during(asked, answer)

    async def stop(self) -> None:
        """Whoever waits for an answer is told that the engine is closed."""
        await self._scans.stop()
