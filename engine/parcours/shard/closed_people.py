"""All people of a store that no engine has open, for one shard of another life: read only, and into memory.

Whoever opens a shard with what is found here can let time pass and ask what would be: the store never hears of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.errors import StoreBroken
from parcours.journey.publish.publications import Publications
from parcours.shard.ids.seen import SeenIds
from parcours.shard.imaging import Imaging
from parcours.shard.peers import MESSAGE
from parcours.shard.published import stored_publications, together
from parcours.shard.recovery import Place, recover
from parcours.shard.slots import Slots
from parcours.shard.totals import ShardTotals
from parcours.store.address import open_store, shards_of
from parcours.store.memory import VolatileStore
from parcours.store.place import shown_address
from parcours.store.store import Record, SlotImage

UNFINISHED = "something was begun in it and not finished: open it once with its engine, and close it"


class ClosedPeople(VolatileStore):
    """A store for one shard that begins with the people of another one.

    stamp_ms  the newest instant of any of its shards
    """

    def __init__(self, slots: Slots, stamp_ms: int) -> None:
        super().__init__()
        self._slots = slots
        self._newest = 1
        self.stamp_ms = stamp_ms

    @property
    def publications(self) -> Publications:
        found = stored_publications(self._slots.own.profiles)
        assert found is not None, "nobody reads a store in which nothing is published"
        return found

    def images(self) -> Iterator[SlotImage]:
        return (self._slots.image(number, 1) for number in self._slots.numbers())

    def image(self, slot: int) -> SlotImage | None:
        return self._slots.image(slot, 1)

    def records(self, after: int = 0) -> Iterator[Record]:
        """One, with nothing in it but the time."""
        return iter([Record(1, 0, self.stamp_ms, [], [], [], b"")] if after < 1 else [])


def read_people(address: str, project: str) -> ClosedPeople:
    """The people of the project's store at this address.

    Raises SettingInvalid if there is none, StoreBusy while an engine uses it, StoreBroken if it is not whole, or if a
    change, or somebody's way from one shard to another, is only half done in it.
    """
    shards, slots, stamp_ms = shards_of(address, project), Slots(0, SlotMap(1)), 0
    owns: list[dict[str, bytes]] = []
    for number in range(shards):
        theirs, place = _read(address, number, SlotMap(shards))
        slots.owned.update(theirs.owned)
        owns.append(theirs.own.profiles)
        stamp_ms = max(stamp_ms, place.stamp_ms)
    published = together(owns)
    if published is None or any(name.startswith(MESSAGE) for own in owns for name in own):
        raise StoreBroken(f"the store {shown_address(address)} cannot be looked into: {UNFINISHED}")
    slots.own.profiles |= published
    return ClosedPeople(slots, stamp_ms)


def _read(address: str, number: int, slot_map: SlotMap) -> tuple[Slots, Place]:
    slots, settings = Slots(number, slot_map), Settings()
    with closing(open_store(address, number)) as store:
        totals = ShardTotals(settings)
        return slots, recover(
            store, slots, SeenIds(slots.own, store, settings), totals, Imaging(slots, totals, store, settings)
        )
