"""Recovery: how does a shard's memory come back from its store? As each slot's image, and the records behind it."""

from __future__ import annotations

from typing import NamedTuple

from parcours.shard.ids.seen import SeenIds
from parcours.shard.imaging import Imaging
from parcours.shard.slots import Slots
from parcours.shard.totals import ShardTotals
from parcours.store.store import Store


class Place(NamedTuple):
    """Where the journal ends: the number of the newest record, and its stamp in ms. Of a new store both are 0."""

    sequence: int
    stamp_ms: int


def recover(store: Store, slots: Slots, seen: SeenIds, totals: ShardTotals, imaging: Imaging) -> Place:
    """Fill the slots, the totals and the place of the image work; they are new ones."""
    place = Place(0, 0)
    for image in store.images():
        slots.restore(image)
    totals.restore(slots.own.profiles)
    reached = min(imaging.restore(), seen.restore())
    for record in store.records(after=max(0, reached - 1)):  # the newest is always there, for its stamp
        slots.replay(record)
        seen.replay(record)
        imaging.replay(record)
        totals.replay(record, slots.own.profiles)
        place = Place(record.sequence, record.stamp_ms)
    totals.restored(slots.own.profiles)
    return place
