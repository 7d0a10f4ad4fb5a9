"""Stores in memory: `MemoryStore`, the reference for tests, and `VolatileStore`, which keeps no records.

`MemoryStore` is the reference: it makes every promise of the store except outliving the process, and to
open it again is to use the same object. `VolatileStore` does not even keep records: for virtual time,
where a run that was interrupted is simply run again.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from os import SEEK_END
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from parcours.errors import BackupFailed
from parcours.store.codec import decode_image, decode_record, encode_image, encode_record, whole
from parcours.store.fencing import check_record, next_epoch
from parcours.store.store import SCRATCH_BYTES, Record, SlotImage, Write

IN_MEMORY = "a store in memory has no copy: use a store on disk"


class MemoryStore:
    """Keeps encoded bytes, as a store on disk does, so that nobody can change a record after `append`."""

    def __init__(self) -> None:
        self._writing = threading.Lock()  # two owners may use it from two threads, and one of them is fenced off
        self._epoch = 0
        self._newest = 0
        self._read_through = 0
        self._records: dict[int, bytes] = {}  # in the order of their numbers
        self._images: dict[int, bytes] = {}
        self._scratch = bytearray(SCRATCH_BYTES)
        self._files: dict[str, bytearray] = {}

    def acquire(self, expected_epoch: int | None) -> int:
        with self._writing:
            self._epoch = next_epoch(expected_epoch, self._epoch)
            return self._epoch

    def images(self) -> Iterator[SlotImage]:
        for slot, sealed in sorted(self._images.items()):
            yield decode_image(sealed, f"the image of slot {slot} in memory")

    def image(self, slot: int) -> SlotImage | None:
        sealed = self._images.get(slot)
        return None if sealed is None else decode_image(sealed, f"the image of slot {slot} in memory")

    def records(self, after: int = 0) -> Iterator[Record]:
        for sequence in range(max(self.oldest(), after + 1), self._newest + 1):
            if sequence in self._records:  # or it has been trimmed meanwhile
                yield decode_record(self._records[sequence], f"record {sequence} in memory")

    def append(self, record: Record) -> int:
        encoded = encode_record(record)
        with self._writing:
            check_record(record, self._newest, self._epoch)
            self._records[record.sequence] = encoded
            self._newest = record.sequence
        return len(encoded)

    def save_image(self, image: SlotImage) -> int:
        assert image.sequence <= self._newest, "an image is of records that are in the journal"
        self._images[image.slot] = encode_image(image)
        return len(self._images[image.slot])

    def read_through(self, sequence: int) -> None:
        assert sequence <= self._newest, "nobody reads what is not in the journal"
        self._read_through = max(sequence, self._read_through)

    def trim(self, through: int) -> bool:
        oldest = next(iter(self._records), None)
        if oldest is None or oldest > min(through, self._read_through, self._newest - 1):
            return False
        del self._records[oldest]
        return True

    def oldest(self) -> int:
        return next(iter(self._records), self._newest + 1)

    def scrub(self) -> None:
        """What has been trimmed is gone."""

    def scratch(self) -> memoryview:
        return memoryview(self._scratch)

    def copy_to(self, folder: Path) -> Generator[Write, None, None]:
        raise BackupFailed(IN_MEMORY)

    def size_bytes(self) -> int:
        return sum(map(len, self._records.values()))

    def extend_file(self, name: str, data: bytes) -> None:
        self._files.setdefault(name, bytearray()).extend(data)

    def read_file(self, name: str, start: int, size: int) -> bytes:
        found = bytes(self._files.get(name, b"")[start : start + size])
        return whole(found, size, name, "a store in memory")

    def delete_file(self, name: str) -> None:
        self._files.pop(name, None)

    def file_names(self) -> set[str]:
        return set(self._files)

    def close(self) -> None:
        """Nothing to give back: the data stay with the object."""


class VolatileStore:
    """Remembers the newest record's number, and of files what lies in them: in files that nobody else sees."""

    def __init__(self) -> None:
        self._epoch = 0
        self._newest = 0
        self._files: dict[str, BinaryIO] = {}

    def acquire(self, expected_epoch: int | None) -> int:
        self._epoch = next_epoch(expected_epoch, self._epoch)
        return self._epoch

    def images(self) -> Iterator[SlotImage]:
        return iter(())

    def image(self, slot: int) -> SlotImage | None:
        return None

    def records(self, after: int = 0) -> Iterator[Record]:
        return iter(())

    def append(self, record: Record) -> int:
        check_record(record, self._newest, self._epoch)
        self._newest = record.sequence
        return 0

    def save_image(self, image: SlotImage) -> int:
        """Not kept."""
        return 0

    def read_through(self, sequence: int) -> None:
        """Nothing is kept for readers."""

    def trim(self, through: int) -> bool:
        """Nothing to trim."""
        return False

    def oldest(self) -> int:
        return self._newest + 1

    def scrub(self) -> None:
        """Nothing lies anywhere."""

    def scratch(self) -> memoryview:
        return memoryview(bytearray(SCRATCH_BYTES))

    def copy_to(self, folder: Path) -> Generator[Write, None, None]:
        raise BackupFailed(IN_MEMORY)

    def size_bytes(self) -> int:
        return 0

    def extend_file(self, name: str, data: bytes) -> None:
        if name not in self._files:
            self._files[name] = TemporaryFile()  # noqa: SIM115 - closed with the store, or deleted
        self._files[name].seek(0, SEEK_END)
        self._files[name].write(data)

    def read_file(self, name: str, start: int, size: int) -> bytes:
        if name not in self._files:
            return whole(b"", size, name, "a volatile store")
        self._files[name].seek(start)
        return whole(self._files[name].read(size), size, name, "a volatile store")

    def delete_file(self, name: str) -> None:
        if name in self._files:
            self._files.pop(name).close()

    def file_names(self) -> set[str]:
        return set(self._files)

    def close(self) -> None:
        for name in self.file_names():
            self.delete_file(name)
