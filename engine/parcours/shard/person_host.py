"""The part of a shard's host that answers about one person, and sees to it that looks at people are committed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from parcours.background import spawn
from parcours.clock import Clock
from parcours.core.input import AskedAt, DecisionAsked
from parcours.core.offers.requests import answer_to, pushes_out
from parcours.core.profile import Profile, is_unknown
from parcours.errors import ParcoursError
from parcours.shard.erasures import Erasure
from parcours.shard.found import DecisionsTried, InboxFound, Located, OffersFound, ProfileFound
from parcours.shard.messages import Look, Recalled
from parcours.shard.person_facts import recall
from parcours.shard.person_requests import Erase, EraseTraces, Held, KnownNames
from parcours.shard.shard import Shard
from parcours.shard.turns import Turns
from parcours.store.store import Store

log = logging.getLogger("parcours")

LOOKS_WITHIN_S: Final = 1.0
"""Within this time looks are committed, if no other commit takes them along."""

ANSWER_POLL_S: Final = 0.002
"""Between two looks whether it is known by now what somebody got: a fraction of what an answer takes."""

LOOKS_MAX: Final = 1_000
"""Looks that wait for a commit; whoever asks beyond it waits for one."""


class PersonHost:
    """What changes nothing is answered at once, as by the host."""

    def __init__(self, shard: Shard, store: Store, clock: Clock, turns: Turns, look: Callable[[], None]) -> None:
        """`look` sees what the shard needs next."""
        self._shard = shard
        self._store = store
        self._clock = clock
        self._turns = turns
        self._look = look
        self._alarm: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def profile(self, name: str, look: Look | None) -> ProfileFound:
        found = self._shard.persons.find_owner(name)
        if not found.is_here:
            return ProfileFound(found.owner, is_here=False)
        profile = self._shard.persons.known(found.owner)
        if look is not None and profile is not None:
            await self.note_look([found.owner], look)
        return ProfileFound(found.owner, is_here=True, profile=profile)

    async def locate(self, name: str) -> Located:
        return self._shard.persons.locate(name)

    async def inbox(self, name: str) -> InboxFound:
        found = self._shard.persons.find_owner(name)
        profile = self._shard.persons.known(found.owner) if found.is_here else None
        now_ms = self._clock.now_ms() if self._shard.wakes_itself else 0
        entries = [] if profile is None else [entry for entry in profile.inbox if now_ms <= entry.expires]
        return InboxFound(found.owner, found.is_here, entries)

    async def offers(self, name: str, request: str) -> OffersFound:
        """What she got by a request, once that is known: nobody waits longer for it than for a decision."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._shard.settings.decision_timeout_ms / 1_000
        found = self._shard.persons.find_owner(name)
        while found.is_here and self._may_change(found.owner) and loop.time() < until:
            await asyncio.sleep(ANSWER_POLL_S)
            found = self._shard.persons.find_owner(name)
        if not found.is_here:
            return OffersFound(found.owner, is_here=False)
        profile = self._shard.persons.known(found.owner) or Profile()
        answered = answer_to(profile.offers, request)
        asked, given = (None, []) if answered is None else (answered[0].asked, answered[1])
        is_known = not is_unknown(profile) or self._shard.erasing.erasures.forgotten_through(found.owner) > 0
        is_full = profile.offers is not None and pushes_out(profile.offers, self._shard.settings)
        return OffersFound(found.owner, True, is_known, is_full, asked, given, profile.traits)

    def _may_change(self, person: str) -> bool:
        """Whether a decision of hers waits for total caps, or what somebody got who becomes her is under way."""
        return self._shard.asking.waits(person) or self._shard.persons.is_joined(person)

    async def try_decisions(
        self, name: str, asked: tuple[AskedAt, ...], context: dict[str, object], *, is_passing: bool
    ) -> DecisionsTried:
        found = self._shard.persons.find_owner(name)
        if not found.is_here:
            return DecisionsTried(found.owner, is_here=False)
        given = DecisionAsked(self._clock.now_ms(), "", asked, context)
        decided, traits = self._shard.persons.tried(found.owner, given, self._shard.settings, is_passing=is_passing)
        return DecisionsTried(found.owner, is_here=True, decided=decided, traits=traits)

    def names(self, person: str) -> KnownNames:
        return self._shard.persons.names(person)

    async def erase(self, asked: Erase) -> Erasure | None:
        async with self._turns:
            erasure = self._shard.erasing.erase(
                asked.person, asked.name, asked.salt, asked.by, self._clock.now_ms(), asked.names, asked.ids
            )
        self._look()  # destinations may have to be told
        return erasure

    async def erase_traces(self, asked: EraseTraces) -> bool:
        async with self._turns:
            return self._shard.erasing.erase_traces(
                asked.slot, asked.person, asked.names, asked.name, asked.salt, asked.by, self._clock.now_ms()
            )

    async def erase_again(self, slot: int, name: str, salt: bytes, hashed: bytes) -> None:
        async with self._turns:
            self._shard.erasing.erase_again(slot, name, salt, hashed, self._clock.now_ms())

    async def find(self, channel: str, address: str) -> list[str]:
        return self._shard.persons.find(channel, address)

    async def note_look(self, people: Sequence[str], look: Look) -> None:
        waiting = self._shard.persons.note_look(people, look, self._clock.now_ms())
        if waiting >= LOOKS_MAX:
            await self._keep_looks()
        elif self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(LOOKS_WITHIN_S, self._ring)

    async def held(self, person: str) -> Held:
        return self._shard.persons.held(person)

    async def recall(self, people: Sequence[str], after: int, through: int | None, *, lines: bool = False) -> Recalled:
        if through is None:
            await self._keep_looks()
            after = self._shard.erasing.untold_through(after)
            through = self._shard.commits.sequence
        forgotten = self._shard.erasing.erasures.forgotten_through
        told = {person: max(after, forgotten(person)) for person in people}
        return recall(self._store, told, through, lines=lines)

    def _ring(self) -> None:
        self._alarm = None
        spawn(self._try_to_keep_looks(), self._tasks)

    async def _try_to_keep_looks(self) -> None:
        try:
            await self._keep_looks()
        except ParcoursError as error:  # it stops for whoever asks next, who tells its runtime
            log.warning("who has looked at whom was not recorded: %s", error)

    async def _keep_looks(self) -> None:
        if self._shard.commits.looks:
            async with self._turns:
                self._shard.persons.keep_looks(self._clock.now_ms())

    async def close(self) -> None:
        """Commit what waits. Called before there are no more turns."""
        if self._alarm is not None:
            self._alarm.cancel()
        if self._shard.commits.looks and not self._shard.commits.is_broken:
            async with self._turns.even_if_held:
                self._shard.persons.keep_looks(self._clock.now_ms())
        await asyncio.gather(*self._tasks, return_exceptions=True)
