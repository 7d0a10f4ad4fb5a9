"""The contract suite of stores, which Parcours' own and all others pass.

    class TestMyStore(StoreContract):
        def new_data(self) -> Callable[[], Store]:
            folder = Path(tempfile.mkdtemp(dir=self.folder))
            return lambda: MyStore(folder)

It needs pytest and hypothesis. A store is always closed before the same data are opened again, but where two
openings race: one of them may be refused with StoreBusy.
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parcours.errors import StoreBusy
from parcours.store.store import SCRATCH_BYTES, Record, SlotImage, Store
from parcours.testing.store_files_contract import Open, StoreFilesContract, opened

RACERS = 8
"""Owners that race for a store: enough to find it out now and then where reading and raising are two steps."""


def a_record(sequence: int, epoch: int = 0, size_bytes: int = 10) -> Record:
    """A record with something in every field, different for each number."""
    return Record(
        sequence=sequence,
        epoch=epoch,
        stamp_ms=1_000 * sequence,
        seen=[(1_000 * sequence, sequence.to_bytes(28, "big"))],
        profiles=[(7, f"é-{sequence}", b"\xff" * size_bytes), (1_023, "empty", b""), (1_024, "own", b"x")],
        outbox=[(7, f"queued{sequence}", b"entry"), (7, f"left{sequence - 1}", None)],
        facts=b"\x90",
    )


def an_image(slot: int, sequence: int) -> SlotImage:
    """An image with something in every field, different for each number."""
    return SlotImage(
        slot=slot,
        sequence=sequence,
        profiles={f"é-{sequence}": b"\xff\x00", "empty": b""},
        outbox={f"queued{sequence}": b"entry"},
    )


@dataclass
class ReferenceStore:
    """The reference model: the simplest store that keeps the contract, with which others are compared."""

    epoch: int = 0
    newest: int = 0
    read: int = 0
    records: dict[int, Record] = field(default_factory=dict)
    images: dict[int, SlotImage] = field(default_factory=dict)

    def trim(self, through: int) -> None:
        oldest = min(self.records, default=0)
        if 0 < oldest <= min(through, self.read, self.newest - 1):
            del self.records[oldest]


STEPS = st.one_of(
    st.tuples(st.just("append"), st.integers(0, 3_000)),
    st.tuples(st.just("acquire"), st.integers(0, 2)),
    st.tuples(st.just("image"), st.integers(0, 3)),
    st.tuples(st.just("read"), st.integers(0, 3)),
    st.tuples(st.just("trim"), st.integers(0, 3)),
    st.tuples(st.just("reopen"), st.just(0)),
)


class StoreContract(StoreFilesContract):
    """Give `new_data`; the tests are inherited."""

    def test_a_new_store_is_empty(self) -> None:
        with opened(self.new_data()) as store:
            assert list(store.images()) == []
            assert store.image(7) is None
            assert list(store.records()) == []
            assert store.acquire(0) == 1

    def test_records_come_back_whole_and_in_order(self) -> None:
        open_store = self.new_data()
        written = [a_record(1), a_record(2, size_bytes=100_000), a_record(3, size_bytes=0)]
        with opened(open_store) as store:
            append_all(store, written)
            assert list(store.records()) == written

        with opened(open_store) as store:
            assert list(store.records()) == written

    def test_records_can_be_asked_for_from_a_number_on(self) -> None:
        with opened(self.new_data()) as store:
            append_all(store, [a_record(1), a_record(2), a_record(3)])

            assert numbers(store, after=1) == [2, 3]
            assert numbers(store, after=3) == []

    def test_records_may_be_appended_while_others_are_read(self) -> None:
        with opened(self.new_data()) as store:
            append_all(store, [a_record(1), a_record(2)])

            reading = store.records()
            first = next(reading)
            store.append(a_record(3))

            assert [first.sequence, next(reading).sequence] == [1, 2]

    def test_a_record_cannot_be_changed_any_more(self) -> None:
        with opened(self.new_data()) as store:
            record = a_record(1)
            store.append(record)

            record.profiles.clear()

            assert list(store.records()) == [a_record(1)]

    @pytest.mark.parametrize("wrong", [1, 2, 4, 0])  # the first again, the newest again, a gap, none at all
    def test_a_number_out_of_turn_is_refused_and_harms_nothing(self, wrong: int) -> None:
        with opened(self.new_data()) as store:
            append_all(store, [a_record(1), a_record(2)])

            with pytest.raises(AssertionError):
                store.append(a_record(wrong))

            store.append(a_record(3))
            assert numbers(store) == [1, 2, 3]

    def test_each_owner_raises_the_epoch_by_one_and_the_store_keeps_it(self) -> None:
        open_store = self.new_data()
        with opened(open_store) as store:
            assert [store.acquire(None), store.acquire(None), store.acquire(2)] == [1, 2, 3]

        with opened(open_store) as store:
            assert store.acquire(3) == 4

    @pytest.mark.parametrize("expected", [0, 1, 3])  # long over, just over, not there yet
    def test_another_epoch_than_the_expected_one_is_refused_and_stays(self, expected: int) -> None:
        with opened(self.new_data()) as store:
            store.acquire(None)
            store.acquire(None)

            with pytest.raises(StoreBusy):
                store.acquire(expected)

            store.append(a_record(1, epoch=2))
            assert store.acquire(2) == 3

    @pytest.mark.parametrize("expected", [0, None])
    def test_openings_that_race_never_get_the_same_epoch(self, expected: int | None) -> None:
        open_store = self.new_data()

        given, stores = race(open_store, expected)
        for store in stores:
            store.close()

        with opened(open_store) as store:
            assert sorted([*given, store.acquire(None)]) == list(range(1, len(given) + 2))
        assert expected is None or len(given) <= 1

    def test_who_was_overtaken_cannot_append(self) -> None:
        with opened(self.new_data()) as store:
            store.acquire(None)
            store.append(a_record(1, epoch=1))
            store.acquire(None)

            with pytest.raises(StoreBusy):
                store.append(a_record(2, epoch=1))

            assert numbers(store) == [1]
            store.append(a_record(2, epoch=2))
            assert numbers(store) == [1, 2]

    def test_an_epoch_has_to_be_acquired_before_it_is_used(self) -> None:
        with opened(self.new_data()) as store, pytest.raises(AssertionError):
            store.append(a_record(1, epoch=1))

    def test_an_image_takes_the_place_of_the_older_one_of_its_slot(self) -> None:
        open_store = self.new_data()
        with opened(open_store) as store:
            append_all(store, [a_record(1), a_record(2)])
            store.save_image(an_image(slot=1_024, sequence=1))
            store.save_image(an_image(slot=0, sequence=1))
            store.save_image(an_image(slot=1_024, sequence=2))

        with opened(open_store) as store:
            found = sorted(store.images(), key=lambda image: image.slot)

            assert found == [an_image(0, 1), an_image(1_024, 2)]

    def test_an_image_cannot_be_ahead_of_the_journal(self) -> None:
        with opened(self.new_data()) as store, pytest.raises(AssertionError):
            store.save_image(an_image(slot=0, sequence=1))

    def test_trimming_takes_the_oldest_record_once_it_has_been_read(self) -> None:
        with opened(self.new_data()) as store:
            append_all(store, [a_record(1), a_record(2), a_record(3)])
            store.trim(through=3)
            assert numbers(store) == [1, 2, 3]  # nobody has read the first

            store.read_through(2)
            store.trim(through=0)
            assert numbers(store) == [1, 2, 3]  # nor allowed it
            store.trim(through=3)
            assert numbers(store) == [2, 3]  # one a call
            store.trim(through=3)
            store.trim(through=3)
            assert numbers(store) == [3]  # nobody has read the last

    def test_the_newest_record_stays(self) -> None:
        with opened(self.new_data()) as store:
            append_all(store, [a_record(1)])
            store.read_through(1)

            store.trim(through=1)

            assert numbers(store) == [1]

    def test_a_trimmed_journal_goes_on_where_it_stood(self) -> None:
        open_store = self.new_data()
        with opened(open_store) as store:
            append_all(store, [a_record(1), a_record(2), a_record(3)])
            store.read_through(3)
            store.trim(through=3)
            store.trim(through=3)

        with opened(open_store) as store:
            store.append(a_record(4))
            store.trim(through=3)  # that the third was read is remembered

            assert list(store.records()) == [a_record(4)]

    def test_what_has_been_read_stays_read(self) -> None:
        with opened(self.new_data()) as store:
            append_all(store, [a_record(1), a_record(2), a_record(3)])
            store.read_through(2)
            store.read_through(1)

            store.trim(through=3)
            store.trim(through=3)

            assert numbers(store) == [3]

    def test_scratch_bytes_are_found_again(self) -> None:
        open_store = self.new_data()
        with opened(open_store) as store:
            scratch = store.scratch()
            assert bytes(scratch) == bytes(SCRATCH_BYTES)
            scratch[5:8] = b"abc"
            assert bytes(store.scratch()[5:8]) == b"abc"

        with opened(open_store) as store:
            assert bytes(store.scratch()[4:9]) == b"\0abc\0"

    def test_the_size_follows_the_records(self) -> None:
        open_store = self.new_data()
        with opened(open_store) as store:
            store.append(a_record(1, size_bytes=50_000))
            large = store.size_bytes()
            store.append(a_record(2, size_bytes=1_000))
            larger = store.size_bytes()
            store.read_through(1)
            store.trim(through=1)
            small = store.size_bytes()

        assert 50_000 <= large < larger
        assert 1_000 <= small < 50_000
        with opened(open_store) as store:
            assert store.size_bytes() == small

    def test_closing_twice_is_harmless(self) -> None:
        store = self.new_data()()

        store.close()
        store.close()

    # One test inherited by several classes is meant to run in each.
    @settings(suppress_health_check=[HealthCheck.differing_executors])
    @given(steps=st.lists(STEPS, max_size=30))
    def test_whatever_is_done_it_holds_what_the_model_holds(self, steps: list[tuple[str, int]]) -> None:
        open_store = self.new_data()
        model = ReferenceStore()
        store = open_store()
        try:
            for step, number in steps:
                if step == "reopen":
                    store.close()
                    store = open_store()
                else:
                    take_step(store, model, step, number)
                assert numbers(store) == sorted(model.records)
            assert list(store.records()) == [model.records[number] for number in sorted(model.records)]
            assert {image.slot: image for image in store.images()} == model.images
            assert {slot: image for slot in range(4) if (image := store.image(slot))} == model.images
            assert store.acquire(model.epoch) == model.epoch + 1
        finally:
            store.close()


def take_step(store: Store, model: ReferenceStore, step: str, number: int) -> None:
    """Do the same to the store and to the model, and compare; `number` parametrises the step."""
    match step:
        case "append":
            record = a_record(model.newest + 1, model.epoch, size_bytes=number)
            store.append(record)
            model.newest, model.records[record.sequence] = record.sequence, record
        case "acquire":
            expected = None if number == 2 else model.epoch - number
            if expected in (None, model.epoch):
                model.epoch += 1
                assert store.acquire(expected) == model.epoch
            else:
                with pytest.raises(StoreBusy):
                    store.acquire(expected)
        case "image":
            image = an_image(slot=number, sequence=model.newest)
            store.save_image(image)
            model.images[number] = image
        case "read":
            store.read_through(max(0, model.newest - number))
            model.read = max(model.read, model.newest - number)
        case "trim":
            store.trim(model.newest - number)
            model.trim(model.newest - number)
        case _:
            raise AssertionError(step)


def race(open_store: Open, expected: int | None) -> tuple[list[int], list[Store]]:
    """Let several owners open the same data and acquire them at once: the epochs given, and the stores still open."""
    start = threading.Barrier(RACERS)
    given: list[int] = []
    stores: list[Store] = []

    def own() -> None:
        start.wait()
        with suppress(StoreBusy):
            store = open_store()
            stores.append(store)
            given.append(store.acquire(expected))

    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns in the middle of things
    try:
        with ThreadPoolExecutor(RACERS) as threads:
            for racer in [threads.submit(own) for _ in range(RACERS)]:
                racer.result()
    finally:
        sys.setswitchinterval(interval_s)
    return given, stores


def append_all(store: Store, records: list[Record]) -> None:
    for record in records:
        store.append(record)


def numbers(store: Store, after: int = 0) -> list[int]:
    return [record.sequence for record in store.records(after)]
