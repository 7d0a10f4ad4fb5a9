"""How much work do the files of message ids make, and how much room do they take?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.shard.id_doors import SMALL, Door, key_of

from parcours.config import Settings
from parcours.shard.ids.bounds import bounds_of
from parcours.shard.ids.key import PARTS
from parcours.shard.ids.seen import SLICE_MAX
from parcours.store.memory import MemoryStore

DAY_OF_LOAD = 24 * 3_600 * 2_000
"""Ids of a day at 2,000 events a second."""


class WeighingStore(MemoryStore):
    """Counts the bytes of files that are written and read."""

    written = read = 0

    def extend_file(self, name: str, data: bytes) -> None:
        self.written += len(data)
        super().extend_file(name, data)

    def read_file(self, name: str, start: int, size: int) -> bytes:
        self.read += size
        return super().read_file(name, start, size)


def test_a_commit_does_no_more_than_a_slice_of_the_work_on_files() -> None:
    store = WeighingStore()
    door = Door(lambda: store, replace(SMALL, young_max=100_000))
    for number in range(50):
        door.take(1_000, *(key_of(f"{number} {each}") for each in range(2_000)))
    slices = []
    while door.seen.through == 0:
        before = store.written
        door.take(1_000)
        slices.append((store.written - before) / 20)

    assert len(slices) > 3
    assert max(slices) <= SLICE_MAX + 2 * 100_000 / PARTS + 52_429  # what waits to be written: a megabyte


def test_ids_of_one_person_are_spread_over_all_parts() -> None:
    door = Door(MemoryStore, replace(SMALL, young_max=1_000_000))
    door.take(1_000, *(key_of(str(number)) for number in range(64_000)))

    assert all(800 < len(seen) < 1_200 for seen in door.seen.young)


def test_where_the_journal_grows_by_other_things_it_is_not_held_up_by_a_few_ids() -> None:
    door = Door(MemoryStore, replace(SMALL, young_max=1_000, behind_max=100))
    door.take(1_000, key_of("m"))
    for _ in range(5):
        door.commit([], size_bytes=101)
    door.settle()

    assert door.seen.through > 1
    for _ in range(5):  # and not by none
        door.commit([], size_bytes=101)
    assert door.seen.through >= door.sequence - 2
    assert len(door.store.file_names()) == 1


@pytest.mark.parametrize("behind_max", [1, 1_000_000])  # files of one id, and full ones
def test_there_are_few_files_of_the_newest_ids(behind_max: int) -> None:
    door = Door(MemoryStore, replace(SMALL, young_max=50, behind_max=behind_max))
    most = 0
    for number in range(1_000 if behind_max > 1 else 300):
        door.take(1_000, *(key_of(f"{number} {each}") for each in range(50 if behind_max > 1 else 1)))
        door.settle(20)
        most = max(most, len(door.store.file_names()))

    assert most <= PARTS + 8 + 8 + 1


def test_to_open_a_shard_reads_no_ids() -> None:
    store = WeighingStore()
    door = Door(lambda: store, replace(SMALL, young_max=1_000))
    for number in range(3 * PARTS):
        door.take(1_000, *(key_of(f"{number} {each}") for each in range(1_000)))
        door.settle(3)
    ids = len(door.seen)

    store.read = 0
    door.reopen()

    assert ids == 3 * PARTS * 1_000
    assert store.read < 2 * ids  # filters and indexes; all of them are 20 bytes each


def test_by_default_there_is_room_for_a_day_at_2000_events_a_second() -> None:
    assert bounds_of(Settings()).ids_max >= DAY_OF_LOAD


@pytest.mark.parametrize("setting", ["message_ids_bytes_max", "message_ids_disk_max"])
def test_a_smaller_bound_of_either_kind_means_fewer_ids(setting: str) -> None:
    given = Settings()
    bounds = bounds_of(given.model_copy(update={setting: getattr(given, setting) // 4}))

    assert DAY_OF_LOAD // 8 < bounds.ids_max < DAY_OF_LOAD // 2
    assert bounds.setting == setting


@pytest.mark.parametrize("setting", ["message_ids_bytes_max", "message_ids_disk_max"])
def test_the_smallest_bounds_leave_room_for_some(setting: str) -> None:
    bounds = bounds_of(Settings(**{setting: 1024 * 1024}))

    assert bounds.ids_max > 10_000
    assert bounds.young_max < bounds.ids_max
