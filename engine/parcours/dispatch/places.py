"""The places of a channel: which shard may claim how many deliveries now, so that no more are claimed than can start.

A delivery has a place from its claim until the commit that settles it. Receipts travel with the next claim, and one
commit takes both, so the place of what has been answered for is free for that very claim. Where several shards wait
each has its share of the places, and what others leave over; where there are more shards than places they take turns.
Pure: whoever asks a shard notes it here before and after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice


class Places:
    """Counts what is claimed, or may be by a request under way, by shard."""

    def __init__(self) -> None:
        self._held: Counter[int] = Counter()
        self._asked: Counter[int] = Counter()

    def free(self, capacity: int, shard: int, settled: int, waiting: Sequence[int]) -> int:
        """How many this shard may hand over with the request that brings it `settled` receipts.

        waiting  the shards that have deliveries ready, the one first that has waited longest
        """
        own = self._held[shard] - settled
        others = sum(self._booked(each) for each in self._held.keys() | self._asked.keys() if each != shard)
        room = capacity - others - own
        share = max(1, capacity // max(1, len(waiting)))
        kept = sum(max(0, share - self._booked(each)) for each in islice(waiting, capacity) if each != shard)
        return max(0, room - kept)

    def _booked(self, shard: int) -> int:
        return self._held[shard] + self._asked[shard]

    def ask(self, shard: int, settled: int, most: int) -> None:
        """A request for `most` deliveries is under way, with so many receipts. It is the shard's only one."""
        self._asked[shard] = max(0, most - settled)

    def answer(self, shard: int, settled: int, claimed: int) -> None:
        """The shard has taken the receipts and handed over so many deliveries."""
        self._asked[shard] = 0
        self._held[shard] += claimed - settled

    def fail(self, shard: int) -> None:
        """The shard has not answered. What it may have claimed is found when it is asked again."""
        self._asked[shard] = 0
