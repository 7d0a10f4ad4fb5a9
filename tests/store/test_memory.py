"""Do the stores without a disk keep what they promise?"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from parcours.errors import StoreBusy
from parcours.store.memory import MemoryStore, VolatileStore
from parcours.store.store import Store
from parcours.testing.store_contract import StoreContract, a_record, an_image


class TestMemoryStore(StoreContract):
    def new_data(self) -> Callable[[], Store]:
        store = MemoryStore()
        return lambda: store


def test_the_volatile_store_remembers_the_newest_number_alone() -> None:
    store = VolatileStore()

    store.append(a_record(1))
    store.append(a_record(2))
    store.save_image(an_image(slot=0, sequence=2))

    assert list(store.records()) == []
    assert list(store.images()) == []
    assert store.size_bytes() == 0
    store.append(a_record(3))


def test_the_volatile_store_is_as_strict_about_numbers_and_epochs() -> None:
    store = VolatileStore()
    store.acquire(None)
    store.acquire(1)
    store.append(a_record(1, epoch=2))

    with pytest.raises(AssertionError):
        store.append(a_record(3, epoch=2))
    with pytest.raises(StoreBusy):
        store.append(a_record(2, epoch=1))
    with pytest.raises(StoreBusy):
        store.acquire(1)
