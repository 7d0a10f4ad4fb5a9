"""Which messages are recognised as consumed before, for how long, and after which accidents?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.shard.id_doors import SMALL, Door, key_of
from tests.shard.recorded_batches import recorded_batch

from parcours.config import DAY_MS, HOUR_MS, Settings
from parcours.core.identity import SlotMap
from parcours.errors import StoreBroken
from parcours.journey.program import Program
from parcours.shard.ids.key import PARTS
from parcours.shard.messages import LineOutcome
from parcours.shard.shard import Shard
from parcours.shard.timekeeping import VirtualTime
from parcours.store.memory import MemoryStore, VolatileStore
from parcours.store.sqlite import SqliteStore
from parcours.store.store import Store

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World


def in_memory() -> Callable[[], MemoryStore]:
    store = MemoryStore()
    return lambda: store


def files_of(door: Door) -> set[str]:
    return door.store.file_names()


def put_into_files(door: Door, *keys: bytes, at: int) -> None:
    """Take these messages, and so many others that all of them leave memory and lie in the files of their parts."""
    assert all(door.take(at, *keys))
    for number in range(PARTS + 1):
        assert all(door.take(at, *(key_of(f"filler {number} {each}") for each in range(SMALL.young_max))))
        door.settle(2)
    assert not any(key in seen for key in keys for seen in door.seen.young)


@pytest.mark.parametrize("in_files", [False, True])
def test_a_message_is_remembered_for_a_day_exactly(in_files: bool) -> None:
    door, key = Door(in_memory()), key_of("m")
    if in_files:
        put_into_files(door, key, at=1_000)
    else:
        assert door.take(1_000, key) == [True]

    assert door.take(1_000 + DAY_MS - 1, key) == [False]
    assert door.take(1_000 + DAY_MS, key) == [True]
    assert door.take(1_001 + DAY_MS, key) == [False]  # remembered from then on


def test_a_repeated_message_does_not_count_as_newer() -> None:
    door = Door(in_memory())
    door.take(1_000, key_of("m"))
    door.take(DAY_MS, key_of("m"))

    assert door.take(1_000 + DAY_MS, key_of("m")) == [True]


def test_a_message_that_expires_and_comes_again_within_one_batch_is_remembered_from_its_second_time() -> None:
    door, key = Door(in_memory()), key_of("m")
    door.take(1_000, key)

    assert door.take(1_000 + DAY_MS, key, key) == [True, False]
    assert door.take(2 * DAY_MS, key) == [False]
    assert door.take(1_000 + 2 * DAY_MS, key) == [True]


def test_the_same_message_id_of_another_person_is_another_message() -> None:
    door = Door(in_memory())
    put_into_files(door, key_of("m", "anna"), at=1_000)

    assert door.take(2_000, key_of("m", "bert"), key_of("m", "anna")) == [True, False]


def test_beyond_the_bounds_the_oldest_are_forgotten_and_it_is_said_for_how_long_they_are_remembered() -> None:
    door = Door(in_memory(), replace(SMALL, ids_max=40))
    numbers = count()
    for hour in range(30):
        door.take(hour * HOUR_MS, *(key_of(str(next(numbers))) for _ in range(4)))
        door.settle(3)
    at = 30 * HOUR_MS
    door.take(at)

    assert 9 * HOUR_MS <= door.seen.window_ms() <= 11 * HOUR_MS
    assert door.take(at, *(key_of(str(number)) for number in range(88, 120))) == [False] * 32  # of the last 8 hours
    assert door.take(at, key_of("0"), key_of("40")) == [True, True]
    assert door.seen.troubles() == [
        "message ids are remembered for 11.0 hours: there is no room for more (message_ids_disk_max)"
    ]
    newest = door.limits[-1]
    assert (newest.setting, newest.why) == (
        "message_ids_disk_max",
        "message ids are remembered for 10.0 hours: there is no room for more",
    )


def test_where_there_is_room_nothing_is_said() -> None:
    door = Door(in_memory())
    put_into_files(door, key_of("m"), at=1_000)

    assert not door.limits
    assert not door.seen.troubles()
    assert door.seen.window_ms() == DAY_MS


def test_what_has_expired_leaves_memory_and_disk() -> None:
    door = Door(in_memory())
    put_into_files(door, key_of("m"), at=1_000)
    door.take(1_000, key_of("young"))
    assert files_of(door)

    door.take(1_000 + DAY_MS, key_of("later"))
    door.settle()

    assert not files_of(door)
    assert not door.seen.older
    assert sum(len(seen) for seen in door.seen.young[:PARTS]) == 1


def test_where_a_day_passes_between_two_commits_the_second_one_leaves_nothing_of_the_first_in_memory() -> None:
    door = Door(in_memory(), replace(SMALL, young_max=10_000))
    door.take(1_000, *(key_of(str(number)) for number in range(500)))

    door.take(1_000 + DAY_MS, key_of("later"))

    assert sum(len(seen) for seen in door.seen.young[:PARTS]) == 1


def test_files_that_nobody_needs_are_deleted() -> None:
    door = Door(in_memory())
    for number in range(5 * PARTS):
        door.take(1_000, *(key_of(f"{number} {each}") for each in range(4)))
        door.settle(3)

    assert len(files_of(door)) <= 2 * PARTS + 1


MESSAGES = [key_of(str(number), person) for number in range(8) for person in ("anna", "bert")]


@given(
    batches=st.lists(
        st.tuples(st.lists(st.sampled_from(MESSAGES), max_size=6), st.integers(0, DAY_MS // 3)), max_size=40
    ),
    back_at=st.sets(st.integers(0, 40), max_size=5),
    bounds=st.builds(replace, st.just(SMALL), young_max=st.integers(1, 5), behind_max=st.sampled_from([1, 1_000_000])),
)
def test_what_is_remembered_is_what_the_rule_says_whenever_the_shard_comes_back(
    batches: list[tuple[list[bytes], int]], back_at: set[int], bounds: object
) -> None:
    assert isinstance(bounds, type(SMALL))
    door, at = Door(in_memory(), bounds), 1_000
    consumed_at: dict[bytes, int] = {}
    for number, (keys, pause_ms) in enumerate(batches):
        at += pause_ms
        if number in back_at:
            door.reopen()
        expected = []
        for key in keys:
            expected.append(key not in consumed_at or consumed_at[key] <= at - DAY_MS)
            if expected[-1]:
                consumed_at[key] = at

        assert door.take(at, *keys) == expected


class Crash(Exception):
    """The process ends."""


class CrashingStore(MemoryStore):
    """Ends at one of its writes, before or after it is done."""

    writes_left = -1
    done_first = False

    def extend_file(self, name: str, data: bytes) -> None:
        if self._ends():
            if self.done_first:
                super().extend_file(name, data)
            raise Crash
        super().extend_file(name, data)

    def delete_file(self, name: str) -> None:
        if self._ends():
            if self.done_first:
                super().delete_file(name)
            raise Crash
        super().delete_file(name)

    def _ends(self) -> bool:
        self.writes_left -= 1
        return self.writes_left == 0


@pytest.mark.parametrize("done_first", [False, True])
def test_whenever_the_process_ends_no_message_is_forgotten_and_none_is_invented(done_first: bool) -> None:
    crashes = 0
    for writes in range(1, 60):
        store = CrashingStore()
        store.done_first = done_first
        door = Door(lambda store=store: store)  # type: ignore[misc]
        store.writes_left = writes
        taken: list[bytes] = []
        for number in range(40):
            keys = [key_of(f"{number} {each}") for each in range(3)]
            try:
                assert door.take(1_000 + number, *keys) == [True] * 3
            except Crash:  # after the commit, which is before anything else is written
                crashes += 1
                door.reopen()
            taken += keys
        store.writes_left = -1

        assert door.take(2_000, *taken) == [False] * len(taken)
        assert door.take(2_000, *(key_of(f"other {number}") for number in range(100))) == [True] * 100
    assert crashes > 50


def test_the_files_of_a_process_that_ended_half_way_are_deleted() -> None:
    store = MemoryStore()
    door = Door(lambda: store)
    store.extend_file("1-1.ids", b"half a file")

    door.reopen()

    assert not store.file_names()


def on_disk(folder: Path) -> Door:
    opened: list[SqliteStore] = []

    def open_store() -> Store:
        for store in opened:
            store.close()
        opened.append(SqliteStore(folder, shard=0))
        return opened[-1]

    return Door(open_store)


@pytest.mark.parametrize("damage", ["missing", "cut", "changed"])
def test_a_file_that_is_not_as_it_was_written_is_refused_when_the_shard_opens(tmp_path: Path, damage: str) -> None:
    door = on_disk(tmp_path)
    put_into_files(door, key_of("m"), at=1_000)
    path = max((tmp_path / "shard-0000.files").iterdir())
    match damage:
        case "missing":
            path.unlink()
        case "cut":
            path.write_bytes(path.read_bytes()[:-1])
        case _:
            path.write_bytes(path.read_bytes()[:-1] + b"?")

    with pytest.raises(StoreBroken, match=path.name):
        door.reopen()
    door.store.close()


def test_a_block_that_has_changed_is_refused_when_it_is_read(tmp_path: Path) -> None:
    door, key = on_disk(tmp_path), key_of("m")
    put_into_files(door, key, at=1_000)
    for path in (tmp_path / "shard-0000.files").iterdir():
        path.write_bytes(path.read_bytes().replace(key, b"?" * len(key)))
    door.reopen()

    with pytest.raises(StoreBroken, match="does not fit its check"):
        door.take(2_000, key)
    door.store.close()


def test_ids_on_disk_are_recognised_after_the_shard_came_back(tmp_path: Path) -> None:
    door = on_disk(tmp_path)
    keys = [key_of(f"m{number}") for number in range(3)]
    put_into_files(door, *keys, at=1_000)

    door.reopen()

    assert door.take(2_000, *keys, key_of("new")) == [False] * 3 + [True]
    door.store.close()


def test_all_ids_of_one_name_can_be_listed_wherever_they_lie() -> None:
    door = Door(in_memory())
    old = [key_of(f"old {number}") for number in range(20)]
    put_into_files(door, *old, key_of("m", "bert"), at=1_000)
    newest = [key_of(f"newest {number}") for number in range(6)]
    door.take(2_000, *newest[:4])
    door.settle(3)
    door.take(3_000, *newest[4:], key_of("n", "bert"))

    found = door.seen.of_name(7, b"bert", 3_000)
    everything = door.seen.of_name(7, b"anna", 3_000)

    assert found == {key_of("m", "bert"): 1_000, key_of("n", "bert"): 3_000}
    assert {key: at for key, at in everything.items() if key in {*old, *newest}} == {
        **dict.fromkeys(old, 1_000), **dict.fromkeys(newest[:4], 2_000), **dict.fromkeys(newest[4:], 3_000)
    }  # fmt: skip
    assert not door.seen.of_name(8, b"anna", 3_000)
    assert not door.seen.of_name(7, b"bert", 3_000 + DAY_MS)


def test_a_shard_recognises_what_it_took_wherever_the_ids_lie_and_after_a_restart(
    new_world: Callable[..., World], lines: Lines
) -> None:
    world = new_world(settings=Settings(message_ids_bytes_max=1024 * 1024))
    batches = [
        [lines.track(f"p{number % 97}", "Looked", message_id=f"{turn} {number}") for number in range(700)]
        for turn in range(8)
    ]
    for batch in batches:
        assert set(world.take(*batch).outcomes) == {LineOutcome.ACCEPTED}
    assert world.store.file_names()

    world.reopen()

    for batch in batches:
        assert set(world.take(*batch).outcomes) == {LineOutcome.DUPLICATE}
    assert world.shard.status().message_ids_window_ms == DAY_MS


def test_under_virtual_time_a_message_is_remembered_from_its_own_time_on(program: Program) -> None:
    store = VolatileStore()
    settings = Settings(message_ids_bytes_max=1024 * 1024)
    shard = Shard(0, SlotMap(1), program, store, settings, time=VirtualTime())
    shard.open(0)

    def take(number: int, hour: int) -> bytes:
        """A batch of a thousand other messages that come within the second, and one that comes again."""
        others = [(f"{number} {each}", each) for each in range(1_000)]
        times = [f"2026-01-{1 + hour // 24:02}T{hour % 24:02}:00:00.{at:03}Z" for _, at in [*others, ("m", 999)]]
        batch = [
            msgspec.json.encode(
                {"type": "track", "userId": "anna", "event": "Looked", "messageId": name, "timestamp": time}
            )
            for (name, _), time in zip([*others, ("m", 999)], times, strict=True)
        ]
        return shard.take(recorded_batch("r", number, list(range(len(batch))), batch), 0).outcomes

    outcomes = [take(number, hour)[-1] for number, hour in enumerate([0, 1, 5, 12, 23, 24, 25, 47, 48], start=1)]
    new, again = LineOutcome.ACCEPTED, LineOutcome.DUPLICATE
    assert outcomes == [new, again, again, again, again, new, again, again, new]
    assert store.file_names()
    store.close()
