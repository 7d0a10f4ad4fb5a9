"""Requests about dead letters: what was set aside, and how it is applied once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parcours.shard.dead_letters import DeadLetter, Resent
from parcours.shard.messages import Answer
from parcours.shard.request import Request

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost


class ListDeadLetters(Request[list[DeadLetter]], frozen=True, tag="dead_letters"):
    """What the shard could not apply, the oldest first."""

    async def put_to(self, host: ShardHost) -> list[DeadLetter]:
        return await host.dead_letters()


class ResendDeadLetters(Request[Resent], frozen=True, tag="resend"):
    """Apply the dead letters of these numbers as if they came only now, and take them off the list."""

    numbers: list[int]

    async def put_to(self, host: ShardHost) -> Resent:
        return await host.resend(self.numbers)


class ApplyDeadLetters(Request[Answer], frozen=True, tag="apply_letters"):
    """Apply dead letters of other shards, whose names have moved here; what has been applied before is known again."""

    letters: list[DeadLetter]

    async def put_to(self, host: ShardHost) -> Answer:
        return await host.apply_letters(self.letters)


class DropDeadLetters(Request[None], frozen=True, tag="drop_letters"):
    """Take the dead letters of these numbers off the list: the shard to which their names have moved has had them."""

    numbers: list[int]

    async def put_to(self, host: ShardHost) -> None:
        await host.drop_letters(self.numbers)
