"""For how long may routers answer by themselves what nothing listens to? A shard grants them leases, and ends them.

A router asks with a batch, and the shard that takes it grants the lease by its answer: under the ledger by which the
batch was taken, for `LEASE_S` from when that was begun. The router reckons from when it sent the batch, and the shard
tells how long that has waited there for its turn, which may be long under load. So a router that has been cut off, or
whose engine has been taken over, soon answers nothing by itself. Before something is published that may listen to more,
every shard is told to grant none, and all that run are waited for (routing/leases.py). What a shard has granted it
remembers in memory alone: one that has been opened reckons that one runs that was granted before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import ceil
from typing import Final

from msgspec.structs import replace

from parcours.config import SECOND_MS
from parcours.shard.messages import Answer

LEASE_S: Final = 1.0
"""So long a router may go by a lease: some times as long as a batch takes under load, and no longer than a publication
can wait for."""

RUNS_S: Final = LEASE_S + 0.1
"""So long a shard takes it to run from its answer on: the stopwatches of two machines do not agree to the last."""


class Leases:
    """Of one shard; lives on its loop."""

    def __init__(self, *, is_new: bool) -> None:
        """is_new: nobody has had the shard before."""
        self._run_until_s = 0.0 if is_new else None
        self._none_until_s = 0.0

    def waiting(self) -> Callable[[], float]:
        """A batch waits for its turn; what is returned tells for how long it has, in seconds."""
        loop = asyncio.get_running_loop()
        since_s = loop.time()
        return lambda: loop.time() - since_s

    def granted_by(self, answer: Answer, waited_s: float) -> Answer:
        """The answer to a batch that had waited for so long, without the lease where none is granted now."""
        now_s, run_until_s = self._times_s()
        if answer.lease is None:
            return answer
        if now_s < self._none_until_s:
            return replace(answer, lease=None)
        self._run_until_s = max(run_until_s, now_s + RUNS_S)
        return replace(answer, lease=replace(answer.lease, waited_s=waited_s))

    def end(self, for_ms: int) -> int:
        """Grant none for this long; for how long may some still run, in ms, rounded up?"""
        now_s, run_until_s = self._times_s()
        self._none_until_s = now_s + for_ms / SECOND_MS
        return max(0, ceil((run_until_s - now_s) * SECOND_MS))

    def _times_s(self) -> tuple[float, float]:
        """Now, and until when leases may run; those of before are reckoned from the first look on."""
        now_s = asyncio.get_running_loop().time()
        if self._run_until_s is None:
            self._run_until_s = now_s + RUNS_S
        return now_s, self._run_until_s
