"""The part of a shard's host that answers about one person, and sees to it that looks at people are committed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from parcours.clock import Clock
from parcours.core.profile import Profile
from parcours.shard.messages import Look, Recalled
from parcours.shard.person_facts import recall
from parcours.shard.person_requests import Held
from parcours.shard.shard import Shard
from parcours.shard.turns import Turns
from parcours.store.store import Store


class PersonHost:
    """What changes nothing is answered at once, as by the host."""

    def __init__(self, shard: Shard, store: Store, clock: Clock, turns: Turns) -> None:
        self._shard = shard
        self._store = store
        self._clock = clock
        self._turns = turns
        self._waiting: list[asyncio.Future[None]] = []
        self._keeping: asyncio.Task[None] | None = None
        shard.commits.looks_kept = self._kept

    async def profile(self, person: str, look: Look | None) -> Profile | None:
        profile = self._shard.persons.profile(person)
        if look is not None and profile is not None:
            await self.note_look([person], look)
        return profile

    async def find(self, channel: str, address: str) -> list[str]:
        return self._shard.persons.find(channel, address)

    async def note_look(self, people: Sequence[str], look: Look) -> None:
        """Return once it is on disk: whoever has the turn takes it along, and all that wait share one commit."""
        self._shard.persons.note_look(people, look, self._clock.now_ms())
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append(kept)
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.ensure_future(self._keep_looks())
            self._keeping.add_done_callback(_heard)
        keeping = self._keeping
        await asyncio.wait((kept, keeping), return_when=asyncio.FIRST_COMPLETED)
        if not kept.done():
            keeping.result()  # its error, if it has one

    async def held(self, person: str) -> Held:
        return self._shard.persons.held(person)

    async def recall(self, person: str, after: int, through: int | None, *, lines: bool = False) -> Recalled:
        if through is None:
            after = self._shard.erasing.untold_through(person, after)
            through = self._shard.newest
        return recall(self._store, person, after, through, lines=lines)

    async def _keep_looks(self) -> None:
        """Commit what waits at its turn, unless a commit has taken it along by then."""
        async with self._turns:
            self._shard.persons.keep_looks(self._clock.now_ms())

    def _kept(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():  # its request may have been given up
                each.set_result(None)

    async def close(self) -> None:
        """Commit what waits. Called before there are no more turns."""
        if self._shard.commits.looks and not self._shard.commits.is_broken:
            async with self._turns.even_if_held:
                self._shard.persons.keep_looks(self._clock.now_ms())


def _heard(task: asyncio.Task[None]) -> None:
    """Whoever waits is told of an error; nobody may wait any more."""
    if not task.cancelled():
        task.exception()
