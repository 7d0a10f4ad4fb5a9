"""The request: something that a shard is asked, which says itself what answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost

A = TypeVar("A")


class Request(msgspec.Struct, Generic[A], frozen=True, array_like=True):
    """Something that a shard is asked; `A` is the type of the answer."""

    async def put_to(self, host: ShardHost) -> A:
        """The host's answer."""
        raise NotImplementedError
