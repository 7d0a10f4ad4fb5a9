"""The table of people as a file of each day: taken once, at the first look of a day in UTC, if the project wants it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Final

from parcours.background import in_thread, spawn
from parcours.clock import Clock
from parcours.config import DAY_MS, MINUTE_MS
from parcours.errors import ParcoursError
from parcours.insight.exporter.done import facts_folder
from parcours.insight.exporter.listing import read_listing
from parcours.insight.exporter.opening import open_people
from parcours.journey.program import Program
from parcours.service.people_table import PeopleTable, told_paths
from parcours.store.exports import PEOPLE_SHARD

log = logging.getLogger("parcours")

LOOK_EVERY_S: Final = 300.0
"""Pause before each look, also the first one: an engine that is open for a moment asks nobody."""

LAST_MS: Final = MINUTE_MS
"""So near to its end nothing is begun on a day: shards may not agree on an instant before the next one."""


class PeopleFacts:
    """Lives on the loop of its host. `store` is the folder of the store."""

    def __init__(self, store: Path, people: PeopleTable, clock: Clock, look_every_s: float = LOOK_EVERY_S) -> None:
        self._store = store
        self._people = people
        self._clock = clock
        self._look_every_s = look_every_s
        self._program: Program | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._trouble: str | None = None

    def troubles(self) -> list[str]:
        """What is not in order now, a sentence each."""
        return [] if self._trouble is None else [self._trouble]

    def renew(self, program: Program) -> None:
        """This program holds from now on; the first one starts it all."""
        if self._program is None:
            spawn(self._follow(), self._tasks)
        self._program = program

    async def stop(self) -> None:
        """End at once; of what is under way nothing is kept."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._look_every_s)
            try:
                await self.look()
            except (ParcoursError, OSError) as error:
                self._note(f"the table of people of this day is not exported: {error}")
            else:
                self._note(None)

    async def look(self) -> bool:
        """Take the table of this day, if it is wanted and not there yet; whether it has been taken.

        Raises ParcoursError, OSError; it is tried again then, and of the attempt nothing is left.
        """
        program, now_ms = self._program, self._clock.now_ms()
        assert program is not None, "renew comes first"
        day = now_ms // DAY_MS
        if program.insight.people == "never" or (now_ms + LAST_MS) // DAY_MS != day:
            return False
        if await asyncio.to_thread(self._newest) >= day:
            return False
        traits = {path: program.disclosure.kinds[path] for path in told_paths(program)}
        file = await in_thread(partial(open_people, self._store, day, traits))
        try:
            async with aclosing(self._people.rows()) as slices:
                async for rows in slices:
                    await in_thread(partial(file.add, rows))
            await in_thread(file.finish)
        except BaseException:
            file.abandon()
            raise
        return True

    def _newest(self) -> int:
        """The newest day of which there is a table."""
        return read_listing(facts_folder(self._store), PEOPLE_SHARD).through.get(PEOPLE_SHARD, 0)

    def _note(self, trouble: str | None) -> None:
        if trouble != self._trouble:
            log.warning("%s", trouble or "the table of people is exported again")
        self._trouble = trouble
