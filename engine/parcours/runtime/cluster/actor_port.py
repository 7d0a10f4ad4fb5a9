"""The port to a shard in another process: requests to its actor, with bytes both ways.

Whoever keeps the engine puts another actor in the place of one that has ended. So whoever has a port to a shard looks
where that is now when it does not answer, before it is asked again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from ray.exceptions import RayActorError, RayError, RayTaskError

from parcours.background import in_thread
from parcours.clock import stopwatch_ms
from parcours.errors import ShardUnavailable
from parcours.runtime.cluster.naming import check_connected, find
from parcours.shard.requests import A, Request, decode_answer, encode_request
from parcours.store.address import claims_at, is_durable
from parcours.store.claims import Claims

LOOK_EVERY_MS: Final = 200
"""So often the store is asked at most where the shards are."""


class ActorGone(ShardUnavailable):
    """The process of an actor has ended, or has been ended."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """By what the shards of an engine are found: the address of its store, and the namespace of its actors."""

    store: str
    shards: int
    namespace: str

    def finder(self) -> ShardFinder | None:
        """None where nobody is put in anybody's place: what lay in memory is lost with its process."""
        return ShardFinder(claims_at(self.store, self.shards), self.namespace) if is_durable(self.store) else None


class ShardFinder:
    """Asks the store for the names of the shards' actors, for all ports of a process."""

    def __init__(self, claims: Claims, namespace: str) -> None:
        self._claims = claims
        self._namespace = namespace
        self._names: list[str | None] = []
        self._looked_ms = -float(LOOK_EVERY_MS)
        self._turn = asyncio.Lock()

    async def find(self, number: int) -> Any:
        """The actor of a shard. Raises ShardUnavailable where there is none, and where the store does not tell."""
        async with self._turn:
            if stopwatch_ms() - self._looked_ms >= LOOK_EVERY_MS:
                try:
                    self._names = [held.actor for held in await in_thread(self._claims.shards)]
                except Exception as error:
                    raise ShardUnavailable(f"nobody knows where shard {number} is: {error}") from error
                self._looked_ms = stopwatch_ms()
        name = self._names[number]
        if name is None:
            raise ShardUnavailable(f"shard {number} has no actor yet")
        return await in_thread(find, name, self._namespace)


class ActorPort:
    """Satisfies `ShardPort`. A dead or restarting actor is ShardUnavailable, never anything of Ray's."""

    def __init__(self, number: int, actor: Any, finder: ShardFinder | None, keeper: int | None = None) -> None:
        """What to ask, and how to find it when that has gone.

        actor   None: it is found when it is asked first
        keeper  the epoch under which the engine is kept for which it is asked; None where that is all the same
        """
        self._number = number
        self._actor = actor
        self._finder = finder
        self._keeper = keeper

    def be(self, actor: Any) -> None:
        """Ask this one from now on."""
        self._actor = actor

    async def ask(self, request: Request[A], /) -> A:
        check_connected()
        if self._actor is None:
            assert self._finder is not None, "without a finder there is an actor"
            self._actor = await self._finder.find(self._number)
        try:
            answer = await answer_of(self._actor.ask.remote(encode_request(request), self._keeper))
        except ShardUnavailable:
            if self._finder is not None:
                self._actor = None
            raise
        return decode_answer(request, answer)

    async def close(self) -> None:
        """Let the actor close its shard's store."""
        if self._actor is not None:
            await answer_of(self._actor.close.remote())


async def answer_of(reference: Any) -> Any:
    """What a call of an actor comes to: its result, the error that it raised as that error, or ShardUnavailable."""
    try:
        return await reference
    except RayTaskError as error:
        raise error.cause from None
    except RayActorError as error:
        raise ActorGone("its process has ended, and is started anew") from error
    except RayError as error:
        raise ShardUnavailable(f"the actor does not answer: {type(error).__name__}") from error
