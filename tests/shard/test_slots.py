"""Which messages are recognised as seen before, and what does a slot hold?"""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from parcours.config import DAY_MS
from parcours.core.effect import Outgoing
from parcours.core.identity import SLOTS
from parcours.shard.slots import SeenIds, Slots
from parcours.store.store import Head, Record, SlotImage

MANY = 1_000_000


def seen_ids(most: int = MANY) -> SeenIds:
    return SeenIds(Slots(0, 1), DAY_MS, most)


def test_a_message_is_remembered_for_a_day_exactly() -> None:
    seen = seen_ids()
    assert seen.add(3, b"m", 1_000)

    assert not seen.add(3, b"m", 1_000 + DAY_MS - 1)
    assert seen.add(3, b"m", 1_000 + DAY_MS)
    assert not seen.add(3, b"m", 1_001 + DAY_MS)  # remembered from then on


def test_a_repeated_message_does_not_count_as_newer() -> None:
    seen = seen_ids()
    seen.add(3, b"m", 1_000)
    seen.add(3, b"m", DAY_MS)

    assert seen.add(3, b"m", 1_000 + DAY_MS)


def test_no_more_are_remembered_than_allowed_and_the_oldest_go_first() -> None:
    seen = seen_ids(most=2)
    for at, digest in enumerate([b"a", b"b", b"c"]):
        seen.add(at, digest, at)

    seen.forget(3)

    assert len(seen) == 2
    assert seen.add(0, b"a", 4)
    assert not seen.add(1, b"b", 4)
    assert not seen.add(2, b"c", 4)


@given(
    st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c", b"d"]), st.integers(1, DAY_MS)), max_size=40),
    st.integers(1, 4),
    st.integers(0, 40),
)
def test_what_is_remembered_is_the_same_whether_or_not_the_shard_came_back_in_between(
    messages: list[tuple[bytes, int]], most: int, back_at: int
) -> None:
    slots = Slots(0, 1)
    seen, at = SeenIds(slots, DAY_MS, most), 0
    remembered: dict[bytes, int] = {}  # as the rule says it, oldest first
    for number, (digest, pause_ms) in enumerate(messages):
        at += pause_ms
        remembered = {each: then for each, then in remembered.items() if then > at - DAY_MS}
        if number == back_at:
            seen = SeenIds(slots, DAY_MS, most)
            seen.restore(at)

        assert seen.add(slot_of(digest), digest, at) == (digest not in remembered)

        remembered.setdefault(digest, at)
        seen.forget(at)
        remembered = dict(list(remembered.items())[-most:])


def slot_of(digest: bytes) -> int:
    return digest[0] % SLOTS


def test_a_record_changes_only_slots_whose_image_is_older() -> None:
    slots = Slots(0, 1)
    slots.restore(SlotImage(1, 5, {"anna": b"new"}, {b"m": 1}, {"k": b"entry"}))
    record = Record(5, 1, Head(), [(1, b"n", 2)], [(1, "anna", b"old"), (2, "bert", b"old")], [(1, "k", None)], b"")

    slots.replay(record)

    assert slots[1].profiles == {"anna": b"new"}
    assert slots[1].seen == {b"m": 1}
    assert slots[1].outbox == {"k": b"entry"}
    assert slots[2].profiles == {"bert": b"old"}


def test_every_slot_belongs_to_one_shard() -> None:
    for shards in (1, 2, 7):
        owned = [number for shard in range(shards) for number in Slots(shard, shards).owned]

        assert owned == list(range(SLOTS))


def test_outbox_entries_come_in_the_order_of_their_decisions() -> None:
    slots = Slots(0, 1)
    for slot, at in ((1, 30), (2, 10), (3, 20)):
        entry = Outgoing(f"k{at}", "anna", "j", 1, 1, "s", "email", "m", "marketing", "a@b.example", at, {})
        slots[slot].outbox[entry.key] = msgspec.msgpack.encode(entry)

    assert [entry.at for _, entry in slots.outbox_entries()] == [10, 20, 30]
