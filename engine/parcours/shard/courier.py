"""A courier: it carries one shard's messages to one peer, and decides nothing.

When it is introduced it says hello: it asks the peer what it has for this shard, until nothing is left. Before that it
carries nothing, so the shard knows first how far the peer is. From then on it goes whenever a commit has left messages,
one batch at a time, and comes back with the answer. A peer that is away is tried again after a pause, for ever; one
that says hello itself is there again, so the pause is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Final, Protocol, TypeVar, overload

from parcours.background import spawn
from parcours.shard.peer_messages import PeerAnswer, PeerBatch
from parcours.shard.peer_requests import Hello, TakePeerMessages

T = TypeVar("T")

PAUSE_S: Final = 0.05
"""Pause before a peer is tried again that did not answer."""

PAUSE_MAX_S: Final = 1.0
"""The pause doubles up to this."""


class PeerPort(Protocol):
    """A shard for a courier."""

    @overload
    async def ask(self, request: TakePeerMessages, /) -> PeerAnswer: ...
    @overload
    async def ask(self, request: Hello, /) -> PeerBatch: ...


class Home(Protocol):
    """The shard whose messages are carried. What fails here ends the courier: the shard has to be opened again."""

    @property
    def number(self) -> int: ...

    def batch(self, peer: int) -> PeerBatch | None:
        """What is to be carried now."""

    def taken(self, peer: int) -> int:
        """How many messages have been taken of the peer."""

    async def take(self, batch: PeerBatch) -> PeerAnswer:
        """Take what the peer has for this shard."""

    async def answered(self, peer: int, answer: PeerAnswer) -> bool:
        """The peer has answered; whether that is news."""

    def greeted(self, peer: int) -> None:
        """The peer has said all that it has for this shard."""

    def stopped(self, error: Exception) -> None:
        """The shard has failed at one of these."""


class Courier:
    """Goes when it is woken, and comes to rest when everything is answered."""

    def __init__(self, home: Home, peer: int, port: PeerPort) -> None:
        self._home = home
        self._peer = peer
        self._port = port
        self._greeted = False
        self._pause_s = PAUSE_S
        self._goes = False
        self._nudged = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.trouble: str | None = None
        """Why the peer cannot be reached, None if it can."""

    def wake(self) -> None:
        """There may be something to carry. A pause is not cut short by it: the peer is no nearer than it was."""
        if not self._goes:
            self._goes = True
            spawn(self._go(), self._tasks)

    def peer_is_back(self) -> None:
        """The peer has said hello, so it is tried at once."""
        self._nudged.set()
        self.wake()

    async def _go(self) -> None:
        try:
            if not self._greeted:
                await self._greet()
            while (batch := self._home.batch(self._peer)) is not None:
                self._nudged.clear()
                answer = await self._answer_to(self._port.ask(TakePeerMessages(batch)))
                if answer is not None and await self._home.answered(self._peer, answer):
                    self._pause_s = PAUSE_S
                else:
                    await self._pause()
        except Exception as error:  # noqa: BLE001  # nobody waits for it
            self._home.stopped(error)
        finally:
            self._goes = False

    async def _greet(self) -> None:
        """Ask for what the peer has, and take it, until there is nothing more."""
        while not self._greeted:
            self._nudged.clear()
            batch = await self._answer_to(self._port.ask(Hello(self._home.number, self._home.taken(self._peer))))
            if batch is None or (await self._home.take(batch)).taken < batch.first - 1:
                await self._pause()
            else:
                self._greeted = not batch.messages
        self._pause_s = PAUSE_S
        self._home.greeted(self._peer)

    async def _answer_to(self, asked: Awaitable[T]) -> T | None:
        """What the peer answers; None where it does not, whatever the reason is."""
        try:
            answer = await asked
        except Exception as error:  # noqa: BLE001  # whatever it is, it may be over at the next attempt, and is told
            self.trouble = f"shard {self._peer} does not answer shard {self._home.number}: {error}"
            return None
        self.trouble = None
        return answer

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause_s):
                await self._nudged.wait()
        self._pause_s = min(2 * self._pause_s, PAUSE_MAX_S)

    async def close(self) -> None:
        """Carry nothing any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
