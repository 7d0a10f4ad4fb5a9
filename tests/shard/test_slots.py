"""What does a slot hold?"""

from __future__ import annotations

import msgspec

from parcours.core.effect import Outgoing
from parcours.core.identity import SLOTS, SlotMap
from parcours.shard.slots import Slots
from parcours.store.store import Record, SlotImage


def test_a_record_changes_only_slots_whose_image_is_older() -> None:
    slots = Slots(0, SlotMap(1))
    slots.restore(SlotImage(1, 5, {"anna": b"new"}, {"k": b"entry"}))
    record = Record(5, 1, 0, [], [(1, "anna", b"old"), (2, "bert", b"old")], [(1, "k", None)], b"")

    slots.replay(record)

    assert slots[1].profiles == {"anna": b"new"}
    assert slots[1].outbox == {"k": b"entry"}
    assert slots[2].profiles == {"bert": b"old"}


def test_every_slot_belongs_to_one_shard() -> None:
    for shards in (1, 2, 7):
        owned = [number for shard in range(shards) for number in Slots(shard, SlotMap(shards)).owned]

        assert owned == list(range(SLOTS))


def test_outbox_entries_come_in_the_order_of_their_decisions() -> None:
    slots = Slots(0, SlotMap(1))
    for slot, at in ((1, 30), (2, 10), (3, 20)):
        entry = Outgoing(f"k{at}", "anna", "j", 1, 1, "s", "email", "m", "marketing", "a@b.example", at, {})
        slots[slot].outbox[entry.key] = msgspec.msgpack.encode(entry)

    assert [entry.at for _, entry in slots.outbox_entries()] == [10, 20, 30]
