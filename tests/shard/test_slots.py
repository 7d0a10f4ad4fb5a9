"""Which messages are recognised as seen before, and what does a slot hold?"""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from parcours.config import DAY_MS
from parcours.core.effect import Outgoing
from parcours.core.identity import SLOTS, SlotMap
from parcours.shard.slots import SeenIds, Slots
from parcours.store.store import Record, SlotImage

MANY = 1_000_000


class Door:
    """Takes messages as a shard does, one a batch."""

    def __init__(self, most: int = MANY) -> None:
        self.slots = Slots(0, SlotMap(1))
        self.seen = SeenIds(self.slots, DAY_MS, most)

    def is_new(self, slot: int, digest: bytes, at: int) -> bool:
        messages = self.slots[slot].seen
        if digest in messages and not self.seen.has_expired(slot, digest, at):
            return False
        messages[digest] = at
        self.seen.note([(slot, digest, at)])
        return True


def test_a_message_is_remembered_for_a_day_exactly() -> None:
    door = Door()
    assert door.is_new(3, b"m", 1_000)

    assert not door.is_new(3, b"m", 1_000 + DAY_MS - 1)
    assert door.is_new(3, b"m", 1_000 + DAY_MS)
    assert not door.is_new(3, b"m", 1_001 + DAY_MS)  # remembered from then on


def test_a_repeated_message_does_not_count_as_newer() -> None:
    door = Door()
    door.is_new(3, b"m", 1_000)
    door.is_new(3, b"m", DAY_MS)

    assert door.is_new(3, b"m", 1_000 + DAY_MS)


def test_no_more_are_remembered_than_allowed_and_the_oldest_go_first() -> None:
    door = Door(most=2)
    for at, digest in enumerate([b"a", b"b", b"c"]):
        door.is_new(at, digest, at)

    door.seen.forget(3)

    assert len(door.seen) == 2
    assert door.is_new(0, b"a", 4)
    assert not door.is_new(1, b"b", 4)
    assert not door.is_new(2, b"c", 4)


def test_a_message_that_expires_and_comes_again_within_one_batch_is_remembered_from_its_second_time() -> None:
    door = Door()
    first, again = (3, b"m", 1_000), (3, b"m", 1_000 + DAY_MS)
    door.slots[3].seen[b"m"] = 1_000  # put there by the batch that is still being read
    assert door.seen.has_expired(*again)
    door.slots[3].seen[b"m"] = 1_000 + DAY_MS

    door.seen.note([first, again])
    door.seen.forget(1_000 + DAY_MS)

    assert not door.is_new(3, b"m", 2 * DAY_MS)
    assert door.is_new(3, b"m", 1_000 + 2 * DAY_MS)


@given(
    st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c", b"d"]), st.integers(1, DAY_MS)), max_size=40),
    st.integers(1, 4),
    st.integers(0, 40),
)
def test_what_is_remembered_is_the_same_whether_or_not_the_shard_came_back_in_between(
    messages: list[tuple[bytes, int]], most: int, back_at: int
) -> None:
    door, at = Door(most), 0
    remembered: dict[bytes, int] = {}  # as the rule says it, oldest first
    for number, (digest, pause_ms) in enumerate(messages):
        at += pause_ms
        remembered = {each: then for each, then in remembered.items() if then > at - DAY_MS}
        if number == back_at:
            door.seen = SeenIds(door.slots, DAY_MS, most)
            door.seen.restore(at)

        assert door.is_new(slot_of(digest), digest, at) == (digest not in remembered)

        remembered.setdefault(digest, at)
        door.seen.forget(at)
        remembered = dict(list(remembered.items())[-most:])


def slot_of(digest: bytes) -> int:
    return digest[0] % SLOTS


def test_a_record_changes_only_slots_whose_image_is_older() -> None:
    slots = Slots(0, SlotMap(1))
    slots.restore(SlotImage(1, 5, {"anna": b"new"}, {b"m": 1}, {"k": b"entry"}))
    record = Record(5, 1, 0, [(1, b"n", 2)], [(1, "anna", b"old"), (2, "bert", b"old")], [(1, "k", None)], b"")

    slots.replay(record)

    assert slots[1].profiles == {"anna": b"new"}
    assert slots[1].seen == {b"m": 1}
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
