"""How much image work is done, and how much is left to be read when a shard opens?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.shard.imaging import IMAGES_MAX, WRITE_BYTES, Imaging
from parcours.shard.slots import Slots
from parcours.shard.totals import ShardTotals
from parcours.store.codec import encode_record
from parcours.store.memory import MemoryStore
from parcours.store.store import Record, SlotImage

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

BEHIND_MAX = 100_000


class CountingStore(MemoryStore):
    """Counts what is written to it, in bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.image_bytes = self.newest_images = 0
        self.appended: list[int] = []

    def append(self, record: Record) -> int:
        self.appended.append(super().append(record))
        self.newest_images = 0
        return self.appended[-1]

    def save_image(self, image: SlotImage) -> int:
        size_bytes = super().save_image(image)
        self.image_bytes += size_bytes + WRITE_BYTES
        self.newest_images += 1
        return size_bytes


class Shelf:
    """Slots of a shard whose image work is done by `Imaging`, and nothing else."""

    def __init__(self, slot_bytes: int = 0) -> None:
        self.store = CountingStore()
        self.store.acquire(None)
        self.settings = Settings(journal_bytes_max=BEHIND_MAX)
        self.slots = Slots(0, SlotMap(16))
        for slot in self.slots.owned.values():
            slot.profiles["somebody"] = bytes(slot_bytes)
        self.sequence = self.lives = 0
        self.open()

    def open(self) -> None:
        self.lives += 1
        self.imaging = Imaging(self.slots, ShardTotals(self.settings), self.store, self.settings)
        reached = self.imaging.restore()
        for record in self.store.records(after=max(0, reached - 1)):
            self.imaging.replay(record)

    def commit(self, size_bytes: int, at_ms: int = 0) -> None:
        self.sequence += 1
        record = Record(self.sequence, 1, at_ms, [], [(0, "somebody", bytes(size_bytes))], [], b"")
        self.imaging.committed(self.sequence, self.store.append(record), self.sequence, at_ms)

    def begins_ms(self) -> int | None:
        return self.imaging.behind_ms

    def behind_bytes(self) -> int:
        """What a shard that opens now has to read again."""
        oldest = min(self.slots[number].sequence for number in self.slots.numbers())
        return sum(self.store.appended[oldest:])


def test_no_image_is_renewed_while_little_of_the_journal_lies_behind_them() -> None:
    shelf = Shelf()

    for _ in range(9):
        shelf.commit(10_000)

    assert shelf.store.image_bytes == 0
    shelf.commit(10_000)
    assert shelf.store.image_bytes > 0


def test_the_journal_behind_the_oldest_image_begins_when_that_was_made() -> None:
    shelf = Shelf()
    assert shelf.begins_ms() is None

    shelf.commit(10_000, at_ms=1_000)
    assert shelf.begins_ms() == 1_000
    for number in range(2, 200):
        shelf.commit(10_000, at_ms=1_000 * number)

    oldest = min(shelf.slots[number].sequence for number in shelf.slots.numbers())
    assert oldest > 1 and shelf.begins_ms() == 1_000 * oldest
    shelf.open()
    assert shelf.begins_ms() == 1_000 * oldest, "an opening finds it in the journal"


@given(
    slot_bytes=st.sampled_from([0, 1_000, 30_000]),
    sizes=st.lists(st.sampled_from([1, 300, 5_000, 60_000]), min_size=1, max_size=4),
    reopened=st.booleans(),
)
def test_image_work_is_bounded_by_what_is_written_and_so_is_what_lies_behind_it(
    slot_bytes: int, sizes: list[int], reopened: bool
) -> None:
    shelf = Shelf(slot_bytes)
    all_images = sum(slot_bytes + WRITE_BYTES + 200 for _ in shelf.slots.numbers())

    for number in range(800):
        shelf.commit(sizes[number % len(sizes)])
        if reopened and number % 97 == 0:
            shelf.open()
        assert shelf.store.newest_images <= IMAGES_MAX
        assert shelf.behind_bytes() <= BEHIND_MAX + 2 * max(sizes) + all_images
        written = sum(shelf.store.appended) + WRITE_BYTES * len(shelf.store.appended)
        overdrawn = slot_bytes + WRITE_BYTES + 200  # by one image at most, in each life
        assert shelf.store.image_bytes <= written + shelf.lives * overdrawn


def test_records_that_no_image_needs_are_trimmed_once_they_have_been_read() -> None:
    shelf = Shelf()
    for _ in range(300):
        shelf.commit(20_000)
        shelf.store.read_through(shelf.sequence)

    left = [record.sequence for record in shelf.store.records()]

    assert left[-1] == 300
    assert 200 < left[0] <= min(shelf.slots[number].sequence for number in shelf.slots.numbers()) + 1


@pytest.mark.parametrize("event", ["Looked", "Started"])
def test_a_record_carries_what_changed_and_no_more(new_world: Callable[..., World], lines: Lines, event: str) -> None:
    # given a shard that knows many people, with runs, deliveries, rejected lines and message ids
    world = new_world()
    for number in range(300):
        started = lines.track(f"p{number}", "Started", message_id=f"m{number}")
        world.take(lines.identify(f"p{number}"), started, b"{", started)
    world.pass_ms(30_000)
    world.claim()

    world.take(lines.track("p7", event, "c2"))

    *_, newest = world.store.records()
    profile = msgspec.msgpack.encode(world.shard.profile("p7"))
    own = sum(len(data) for slot, _, data in newest.profiles if slot == 1_024)
    assert [person for slot, person, _ in newest.profiles if slot < 1_024] == ["p7"] * (event == "Started")
    assert own < 100, "the router's place and the counters of lines"
    assert len(encode_record(newest)) < 300 + (len(profile) + len(newest.facts)) * (event == "Started")
