"""The part of the contract suite of stores that is about their files (store_contract.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from parcours.errors import StoreBroken
from parcours.store.store import Store

Open = Callable[[], Store]


@contextmanager
def opened(open_store: Open) -> Iterator[Store]:
    store = open_store()
    try:
        yield store
    finally:
        store.close()


class StoreFilesContract:
    """Give `new_data`; the tests are inherited."""

    def new_data(self) -> Open:
        """A function that opens a store, empty at first; each call opens the data that the one before left."""
        raise NotImplementedError

    def test_a_file_grows_by_what_is_added_and_is_read_in_pieces(self) -> None:
        open_store = self.new_data()
        with opened(open_store) as store:
            store.extend_file("1-1.ids", b"begin")
            store.extend_file("1-1.ids", b"ning")
            store.extend_file("1-2.ids", b"other")
            assert store.read_file("1-1.ids", 3, 4) == b"inni"
            store.extend_file("1-1.ids", b", end")
            assert store.read_file("1-1.ids", 0, 14) == b"beginning, end"

    def test_a_file_stays_until_it_is_deleted(self) -> None:
        open_store = self.new_data()
        with opened(open_store) as store:
            assert store.file_names() == set()
            store.delete_file("1-1.ids")
            store.extend_file("1-1.ids", b"one")
            store.extend_file("1-2.ids", b"two")
            store.read_file("1-1.ids", 0, 3)
            store.delete_file("1-1.ids")
            assert store.file_names() == {"1-2.ids"}

    @pytest.mark.parametrize("name, start", [("1-1.ids", 1), ("1-2.ids", 0)])  # more than there is, no such file
    def test_what_a_file_does_not_have_is_refused(self, name: str, start: int) -> None:
        with opened(self.new_data()) as store:
            store.extend_file("1-1.ids", b"one")

            with pytest.raises(StoreBroken, match=name):
                store.read_file(name, start, 3)
