"""Which lines of a router have to wait, so that those of one name are applied in their order?

A line whose person is moving is not consumed: it is deferred, and the router sends it again. Batches that were under
way meanwhile hold later lines of the same name, which may not overtake it. So from the first deferral of a name on,
its lines are deferred as well, unless they are marked `again`: those the router sends oldest first.

With each name stays the number of the newest line that was deferred. The router says up to which line all have been
dealt with, and only if that is the newest is the name free: a later one is on its way back, and must not be overtaken
either. There are `deferred_names_max` names of a router; beyond it all others of its lines count as one name.
"""

from __future__ import annotations

from collections.abc import Mapping

from parcours.shard.messages import ALL_OTHERS, Batch, Deferred, Verdict


class Deferrals:
    """Those of one router, while one of its batches is taken.

    waiting   the names that are deferred, and of each the newest line
    deferred  the lines of this batch that are, by place
    """

    def __init__(self, waiting: Mapping[str, int], batch: Batch, names_max: int) -> None:
        self.waiting = dict(waiting)
        self.deferred: list[Deferred] = []
        self._batch = batch
        self._again = len(batch.again)
        self._names_max = names_max
        self._held_here: set[str] = set()
        for settled in batch.settled:
            if self.waiting.get(settled.name, settled.line + 1) <= settled.line:
                del self.waiting[settled.name]

    def has_to_wait(self, place: int, name: str) -> bool:
        """Whether a line of this name may not be applied, as an earlier one has not been."""
        if place < self._again:
            return name in self._held_here
        return name in self.waiting or ALL_OTHERS in self.waiting

    def defer(self, place: int, name: str, verdict: Verdict, owner: str | None = None) -> None:
        """The line is not consumed. Lines are deferred in the order of the batch."""
        key, number = self._key(name), self._batch.line_numbers[place]
        self.waiting[key] = max(number, self.waiting.get(key, 0))
        self._held_here.add(name)
        self.deferred.append(Deferred(place, name, verdict, owner, with_others=key == ALL_OTHERS))

    def _key(self, name: str) -> str:
        if name in self.waiting:
            return name
        return ALL_OTHERS if ALL_OTHERS in self.waiting or len(self.waiting) >= self._names_max else name
