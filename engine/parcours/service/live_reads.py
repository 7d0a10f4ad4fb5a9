"""Live reads of audiences: whoever they let in, at the instants that the published journeys name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from parcours.clock import Clock
from parcours.errors import ParcoursError, ShardUnavailable
from parcours.journey.program import Journey, Program, ReadEntry
from parcours.routing.audience_reads import instants, read_audience
from parcours.routing.ports import ShardPort, until_answered
from parcours.service.journey_control import JourneyControl
from parcours.shard.host import ALARM_MAX_S
from parcours.shard.messages import Reading
from parcours.shard.requests import GetStatus, LetIn

log = logging.getLogger("parcours")

READ_PAUSE_S = 1.0
"""Pause before a read is tried again for which a shard was missing."""


class LiveReads:
    """Lives on the loop of its host."""

    def __init__(self, ports: Sequence[ShardPort], control: JourneyControl, clock: Clock) -> None:
        self._ports = ports
        self._control = control
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []
        self._reading: set[tuple[str, int]] | None = None
        self.troubles: list[str] = []

    def renew(self, program: Program) -> None:
        """The reads are those of this program from now on."""
        for task in self._tasks:
            task.cancel()
        reading = [(journey, journey.entry) for journey in program.journeys if isinstance(journey.entry, ReadEntry)]
        before, self._reading = self._reading, {(journey.name, journey.version) for journey, _ in reading}
        self._tasks = []
        for journey, entry in reading:
            known = before is None or (journey.name, journey.version) in before
            since_ms = None if known else self._control.publications.ledger.at
            self._tasks.append(asyncio.ensure_future(self._read(journey, entry, program.timezone, since_ms)))

    async def stop(self) -> None:
        """Read no more; a read under way is made again when the store is opened."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self, journey: Journey, entry: ReadEntry, timezone: str, since_ms: int | None) -> None:
        """Wait for each instant of a read; those that passed while nobody was there are made up for.

        What passed before this version was published, or while it took nobody, is nothing of its own. A store that
        fails ends this: the engine has to be opened again, and makes up for it then.

        since_ms  from when on it takes people again, None if it has done so all along
        """
        name = f"{journey.name}@{journey.version}"
        if since_ms is not None:
            passed = Reading(journey.name, journey.version, since_ms - 1, [])
            for port in self._ports:
                await until_answered(partial(port.ask, LetIn(passed)))
        statuses = [await until_answered(partial(port.ask, GetStatus())) for port in self._ports]
        published_ms = self._control.publications.ledger.journeys[journey.name].newest.at
        after_ms = max(min(status.reads.get(name, -1) for status in statuses), published_ms - 1)
        for at_ms in instants(entry, timezone):
            if at_ms <= after_ms:
                continue
            await self._until(at_ms)
            try:
                async with self._control.undisturbed():  # a read that is cut off would let half of the people in
                    await self._read_once(journey, entry, at_ms)
            except ParcoursError as error:
                self.troubles.append(f"the journey {journey.name!r} reads no more: {error}")
                log.warning("%s", self.troubles[-1])
                return

    async def _until(self, at_ms: int) -> None:
        """Return when the clock, which may jump, shows this time; others have their turn in any case."""
        wait_ms = 1
        while wait_ms > 0:
            wait_ms = max(0, at_ms - self._clock.now_ms())
            await asyncio.sleep(min(wait_ms / 1000, ALARM_MAX_S))

    async def _read_once(self, journey: Journey, entry: ReadEntry, at_ms: int) -> None:
        """Read the audience, again and again where a shard is missing."""
        while True:
            try:
                return await read_audience(self._ports, journey, entry, at_ms)
            except ShardUnavailable:
                await asyncio.sleep(READ_PAUSE_S)
