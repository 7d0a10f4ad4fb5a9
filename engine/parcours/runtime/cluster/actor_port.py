"""The port to a shard in another process: requests to its actor, with bytes both ways."""

from __future__ import annotations

from typing import Any

from ray.exceptions import RayError, RayTaskError

from parcours.errors import ShardUnavailable
from parcours.shard.requests import A, Request, decode_answer, encode_request


class ActorPort:
    """Satisfies `ShardPort`. A dead or restarting actor is ShardUnavailable, never anything of Ray's."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    async def ask(self, request: Request[A], /) -> A:
        return decode_answer(request, await answer_of(self._actor.ask.remote(encode_request(request))))

    async def close(self) -> None:
        """Let the actor close its shard's store."""
        await answer_of(self._actor.close.remote())


async def answer_of(reference: Any) -> Any:
    """What a call of an actor comes to: its result, the error that it raised as that error, or ShardUnavailable."""
    try:
        return await reference
    except RayTaskError as error:
        raise error.cause from None
    except RayError as error:
        raise ShardUnavailable(f"the actor does not answer: {type(error).__name__}") from error
