"""Attempts: does a call that makes a shard stand still, or go on, still count, or has it come too late?

Whoever makes all shards stand still for a moment, for a change of what is published or to let people in, does it one
attempt after the other and numbers them from 1; each of its calls carries the number. A call may be carried out long
after its caller has asked again, or twice. What belongs to an attempt before the newest one that the shard has heard of
counts no more: it would let a shard go on that stands still for another reason. Nor does a `Hold` of an attempt that is
over: the shard would stand still until the next one.

All of this lies in memory: a call is carried out by the host that it was sent to or by none, for a shard that has been
opened again is another owner of its store. Each life of the engine opens its shards anew, and counts from 1 again.
"""

from __future__ import annotations

from typing import Final

NO_ATTEMPT: Final = 0
"""The number where nobody was made to stand still: a life of the engine begins so."""


class Attempts:
    """What one shard has heard of them."""

    def __init__(self) -> None:
        self._newest = NO_ATTEMPT
        self._is_over = False

    def holds(self, attempt: int) -> bool:
        """A `Hold` has come: whether the shard has to stand still for it."""
        if attempt > self._newest:
            self._newest, self._is_over = attempt, False
        return attempt == self._newest and not self._is_over

    def ends(self, attempt: int) -> bool:
        """A call has come after which the shard goes on: whether it is carried out."""
        if attempt < self._newest:
            return False
        self._newest, self._is_over = attempt, True
        return True
