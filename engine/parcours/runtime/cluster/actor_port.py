"""How is a shard in another process reached? By calls of its actor, with bytes both ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ray.exceptions import RayError, RayTaskError

from parcours.channel import Receipt
from parcours.core.fact import Fact
from parcours.core.profile import Profile
from parcours.errors import ShardUnavailable
from parcours.journey.publish.publications import Publications
from parcours.shard.messages import (
    Answer,
    Batch,
    Claims,
    Holding,
    Known,
    Reading,
    Recalled,
    Receipts,
    Status,
    decode,
    encode,
)


class ActorPort:
    """Satisfies `ShardPort`. A dead or restarting actor is ShardUnavailable, never anything of Ray's."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    async def take(self, batch: Batch) -> Answer:
        return decode(await answer_of(self._actor.take.remote(encode(batch))), Answer)

    async def pass_time(self, now_ms: int) -> None:
        await answer_of(self._actor.pass_time.remote(now_ms))

    async def claim(self, channel: str, most: int, by: str) -> Claims:
        return decode(await answer_of(self._actor.claim.remote(channel, most, by)), Claims)

    async def settle(self, receipts: Sequence[Receipt]) -> None:
        await answer_of(self._actor.settle.remote(encode(Receipts(list(receipts)))))

    async def give_up(self, by: str) -> None:
        await answer_of(self._actor.give_up.remote(by))

    async def read(self, reading: Reading) -> None:
        await answer_of(self._actor.read.remote(encode(reading)))

    async def members(self, audience: str, at: int) -> list[str]:
        return decode(await answer_of(self._actor.members.remote(audience, at)), list[str])

    async def holding(self) -> Holding:
        return decode(await answer_of(self._actor.holding.remote()), Holding)

    async def hold(self) -> Holding:
        return decode(await answer_of(self._actor.hold.remote()), Holding)

    async def release(self) -> None:
        await answer_of(self._actor.release.remote())

    async def publish(self, publications: Publications) -> None:
        await answer_of(self._actor.publish.remote(encode(publications)))

    async def runs(self) -> list[tuple[str, int, int]]:
        return decode(await answer_of(self._actor.runs.remote()), list[tuple[str, int, int]])

    async def profile(self, person: str) -> Profile | None:
        return decode(await answer_of(self._actor.profile.remote(person)), Known).profile

    async def recall(self, person: str, after: int, through: int | None) -> Recalled:
        return decode(await answer_of(self._actor.recall.remote(person, after, through)), Recalled)

    async def status(self) -> Status:
        return decode(await answer_of(self._actor.status.remote()), Status)

    async def collect_facts(self) -> list[Fact]:
        return decode(await answer_of(self._actor.collect_facts.remote()), list[Fact])

    async def close(self) -> None:
        await answer_of(self._actor.close.remote())


async def answer_of(reference: Any) -> Any:
    """What a call of an actor comes to: its result, the error that it raised as that error, or ShardUnavailable."""
    try:
        return await reference
    except RayTaskError as error:
        raise error.cause from None
    except RayError as error:
        raise ShardUnavailable(f"the actor does not answer: {type(error).__name__}") from error
