"""Where people live: in two shards of many, for a shard with a few slots opens fast and renews its images soon."""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import Final

from parcours.core.identity import SLOTS, SlotMap


class _Layout(SlotMap):
    """A slot map that remembers what it has found: shards are opened all the time here."""

    @cache  # noqa: B019  # there is one
    def owned_by(self, shard: int) -> list[int]:
        return super().owned_by(shard)


SLOT_MAP: Final = _Layout(SLOTS // 16)

SHARDS: Final = (7, 50)
"""The numbers of the two shards that are simulated; nobody lives in the others."""


def _people(shard: int, many: int) -> list[str]:
    names = (f"p{number}" for number in count())
    return [next(name for name in names if SLOT_MAP.shard(name) == shard) for _ in range(many)]


PEOPLE: Final = tuple(name for names in zip(*(_people(shard, 3) for shard in SHARDS), strict=True) for name in names)
"""People of the two shards by turns."""
