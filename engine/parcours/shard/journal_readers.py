"""Who reads the facts of a shard's journal, and how far is each? What all of them have read may be trimmed."""

from __future__ import annotations

from parcours.store.store import Store


class JournalReaders:
    """Those that somebody has named hold the journal from the first record on, until they are heard of."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._through: dict[str, int] = {}

    def wait_for(self, reader: str) -> None:
        """Nothing is trimmed before this one has read it."""
        self._through.setdefault(reader, 0)

    def read(self, reader: str, through: int) -> None:
        """This one needs nothing up to this record any more, and that is durable."""
        self._through[reader] = through
        if everybody := min(self._through.values()):
            self._store.read_through(everybody)
