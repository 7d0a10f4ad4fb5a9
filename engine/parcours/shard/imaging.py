"""Imaging: which slot's image is renewed next, and when? It bounds what a shard has to read again when it opens.

A shard comes back as the images of its slots and the records behind them. Once more than `journal_bytes_max` of the
journal lies behind the oldest image, images are renewed, the oldest first, for as many bytes as commits write
meanwhile. So image work costs at most as much as the journal does, however large the slots are and whether or not
anything can be trimmed; and behind the oldest image lies at most `journal_bytes_max` and about as much as all images
take. A record that no image needs is trimmed once its message ids lie in a file and its facts have been read.
"""

from __future__ import annotations

from collections import defaultdict, deque

from parcours.config import Settings
from parcours.shard.slots import OWN, Slots
from parcours.shard.totals import ShardTotals
from parcours.store.store import Record, Store

WRITE_BYTES = 16 * 1024
"""What a write to the disk costs beside its bytes, in bytes: an fsync and the rest of a page."""

IMAGES_MAX = 4
"""Images renewed with one commit, whose callers wait for them."""


class Imaging:
    """The image work of one shard. Sizes are in bytes as they are encoded."""

    def __init__(self, slots: Slots, totals: ShardTotals, store: Store, settings: Settings) -> None:
        self._slots = slots
        self._totals = totals
        self._store = store
        self._behind_max = settings.journal_bytes_max
        self._oldest_first = deque[int]()
        self._imaged_at = defaultdict[int, int](int)
        self._to_be_met = defaultdict[int, list[int]](list)
        self._written = 0
        self._credit = 0
        self._of_ms: dict[int, int] = {}
        self._begins_ms: int | None = None

    def restore(self) -> int:
        """The images have been read; returns the record up to which all of them reach."""
        self._oldest_first = deque(sorted(self._slots.numbers(), key=lambda number: self._slots[number].sequence))
        for number in self._oldest_first:
            self._to_be_met[self._slots[number].sequence].append(number)
        return self._oldest

    def replay(self, record: Record) -> None:
        """A record behind the oldest image has been read."""
        self._written += record.size_bytes()
        self._begins_ms = record.stamp_ms if self._begins_ms is None else self._begins_ms
        for number in self._to_be_met.pop(record.sequence, ()):
            self._imaged_at[number] = self._written
            self._of_ms[number] = record.stamp_ms

    def committed(self, sequence: int, size_bytes: int, ids_through: int, stamp_ms: int) -> None:
        """Record `sequence` has been written: renew images for as many bytes, if there is need, and trim.

        ids_through  up to this record, message ids lie in files of their own
        """
        self._written += size_bytes
        self._begins_ms = stamp_ms if self._begins_ms is None else self._begins_ms
        if self._written - self._imaged_at[self._oldest_first[0]] < self._behind_max:
            self._credit = 0
        else:
            self._credit += WRITE_BYTES + size_bytes
            for _ in range(IMAGES_MAX):
                if self._credit <= 0:
                    break
                self._of_ms[self._renew(sequence)] = stamp_ms
        needed_after = min(self._oldest, ids_through)
        if self._store.trim(needed_after):
            self._store.trim(needed_after)  # two for one that was written, or a backlog would never go

    def renew_before(self, needed: int, sequence: int, most: int, stamp_ms: int) -> bool:
        """Renew images that are older than record `needed`, at most so many; returns whether there were any."""
        renewed = False
        for _ in range(most):
            if self._oldest >= needed:
                break
            self._of_ms[self._renew(sequence)] = stamp_ms
            renewed = True
        return renewed

    def trim(self, through: int, most: int) -> bool:
        """Trim records up to this one that no image needs, at most so many; returns whether there were any."""
        needed_after = min(self._oldest, through)
        return sum(self._store.trim(needed_after) for _ in range(most)) > 0

    def _renew(self, sequence: int) -> int:
        """Renew the oldest image; returns its slot."""
        number = self._oldest_first[0]
        if number == OWN:
            self._slots.own.profiles.update(self._totals.entries(sequence))
        self._credit -= WRITE_BYTES + self._store.save_image(self._slots.image(number, sequence))
        self._slots[number].sequence = sequence
        self._imaged_at[number] = self._written
        self._oldest_first.rotate(-1)
        return number

    @property
    def behind_bytes(self) -> int:
        """How much of the journal lies behind the oldest image, which an opening would have to read."""
        return self._written - self._imaged_at[self._oldest_first[0]] if self._oldest_first else 0

    @property
    def behind_ms(self) -> int | None:
        """The effective time at which the journal behind the oldest image begins; None where there is none."""
        return self._of_ms.get(self._oldest_first[0], self._begins_ms) if self.behind_bytes else None

    @property
    def _oldest(self) -> int:
        return self._slots[self._oldest_first[0]].sequence
