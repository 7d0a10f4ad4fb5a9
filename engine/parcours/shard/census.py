"""Who is in a shard, and how many runs are open there? Told slot by slot, so that others have their turn in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from parcours.shard.commits import Commits
from parcours.shard.published import Published
from parcours.shard.slots import Slots
from parcours.shard.timekeeping import Timekeeping


class Census:
    """Of one shard."""

    def __init__(self, slots: Slots, commits: Commits, published: Published, time: Timekeeping) -> None:
        self._slots = slots
        self._commits = commits
        self._published = published
        self._time = time

    def people(self, slot: int) -> Collection[bytes]:
        """Everybody in one of the shard's slots, as they are stored."""
        self._commits.check()
        return self._slots[slot].profiles.values() if slot in self._slots.owned else ()

    def by_name(self, slot: int) -> list[tuple[str, bytes]]:
        """The same, each with the name under which she is stored."""
        self._commits.check()
        return list(self._slots[slot].profiles.items()) if slot in self._slots.owned else []

    def runs(self, slot: int) -> Counter[tuple[str, int]]:
        """How many runs are open in each version of each journey, in one of the shard's slots (`Published.count`)."""
        return self._published.count(self.people(slot), self._time.reached_ms(self._commits.stamp_ms))
