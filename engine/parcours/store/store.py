"""What survives: the promise that every store makes to the shard that writes to it.

One store belongs to one shard and has one writer. It holds

- a **journal** of records, one for each commit of the shard, numbered 1, 2, 3 ... without a gap;
- an **image** of each hash slot, taken at some record's number. A slot is a number and nothing more to a store:
  beside the hash slots of people, a shard has one for what it keeps for itself;
- **files** by name, which hold what is too much for images. A file is nobody's until a record speaks of it.

A shard comes back as each slot's image plus the records after that image: post-images, so nothing is
run again and a record that is applied twice changes nothing. `append` returns when the record is on
disk; a crash before that leaves either the whole record or none of it. Records are trimmed only
through a number that both the images and the readers of facts have passed, and the newest always stays:
it tells how far the time of the shard is. Nothing is in a record but what its commit changed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Protocol, TypeAlias

import msgspec

RECORD_ENTRY_BYTES = 40
"""About what an entry of a record takes beside its data: a name, a slot, and their headers."""

SCRATCH_BYTES = 8 * 1024
"""Length of a shard's scratch bytes."""


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One commit: everything that one micro-batch changed.

    sequence  the record's number
    epoch     the epoch under which it was written
    stamp_ms  the effective time of the newest input
    seen      (effective time, keys one after the other) of the messages consumed, in their order
    profiles  (slot, person, encoded profile) of each person changed
    outbox    (slot, delivery key, encoded entry or None where it left the outbox)
    facts     an encoded block of facts, which begins with a number of its own for its format
    inputs    an encoded block of those inputs that are kept, likewise; empty where none are
    reached   (slot, hash of an address, encoded names of those reached there; empty where there are none any more)
    addresses the same of those whose address it is
    """

    sequence: int
    epoch: int
    stamp_ms: int
    seen: list[tuple[int, bytes]]
    profiles: list[tuple[int, str, bytes]]
    outbox: list[tuple[int, str, bytes | None]]
    facts: bytes
    inputs: bytes = b""
    reached: list[tuple[int, bytes, bytes]] = []
    addresses: list[tuple[int, bytes, bytes]] = []

    def size_bytes(self) -> int:
        """About how many bytes it takes when it is encoded, found without encoding it."""
        written = sum([len(data) for part in (self.profiles, self.reached, self.addresses) for _, _, data in part])
        entries = len(self.profiles) + len(self.outbox) + len(self.seen) + len(self.reached) + len(self.addresses) + 1
        return (
            RECORD_ENTRY_BYTES * entries
            + sum([len(keys) for _, keys in self.seen])
            + written
            + len(self.facts)
            + len(self.inputs)
        )


class SlotImage(msgspec.Struct, frozen=True, array_like=True):
    """All of one hash slot as it stood when record `sequence` had been applied."""

    slot: int
    sequence: int
    profiles: dict[str, bytes]
    outbox: dict[str, bytes]
    reached: dict[bytes, bytes] = {}
    addresses: dict[bytes, bytes] = {}


Write: TypeAlias = Callable[[], None]
"""A piece of a copy that has been read: writes it, from any thread, before the next piece is asked for."""


class Store(Protocol):
    """Called by one shard, from one thread. A failure raises StoreBroken, and the shard then stops."""

    def acquire(self, expected_epoch: int | None) -> int:
        """Fence off whoever had the store: raise the epoch by one, and return it. Durable when it returns.

        It is a single atomic step, so no two callers are ever given the same epoch. From now on records of this
        epoch alone can be appended. A new store holds epoch 0. With an expected epoch it succeeds only if that is
        the one held, and raises StoreBusy otherwise: somebody else has been given the shard meanwhile. Without
        one, whatever is there is taken over.
        """

    def images(self) -> Iterator[SlotImage]:
        """The newest image of each slot that has one."""

    def image(self, slot: int) -> SlotImage | None:
        """The newest image of this slot, None if it has none."""

    def records(self, after: int = 0) -> Iterator[Record]:
        """The records with a number above `after`, in order. A broken hash chain raises StoreBroken."""

    def append(self, record: Record) -> int:
        """Make the record durable, and return its size in bytes.

        Its number has to be the next one, its epoch the one held.
        """

    def save_image(self, image: SlotImage) -> int:
        """Make the image durable and forget the slot's older one; returns its size in bytes."""

    def read_through(self, sequence: int) -> None:
        """Whoever exports facts has them up to this record; it may be trimmed."""

    def trim(self, through: int) -> bool:
        """Delete the oldest record if its number is at most `through` and its facts have been read. One a call.

        Returns whether there was one.
        """

    def oldest(self) -> int:
        """The number of the oldest record, that of the next one where there is none."""

    def scrub(self) -> None:
        """Leave nothing of what has been trimmed, and is followed by a record, in any file. May take a while."""

    def scratch(self) -> memoryview:
        """`SCRATCH_BYTES` bytes to write into, zeros in a new store.

        What is written there outlives the process at once, but not for certain the machine; whoever opens the store
        next on the same machine finds it. Usable until the store is closed.
        """

    def copy_to(self, folder: Path) -> Generator[Write, None, None]:
        """Copy everything into the folder of a backup, or what has been added since it was copied there last.

        In pieces, each of bounded size: the shard may go on between them, and nothing is trimmed meanwhile. The copy
        holds at least what was appended before. Raises BackupFailed, from a piece too, and the store goes on.
        """

    def size_bytes(self) -> int:
        """About how much the journal takes."""

    def extend_file(self, name: str, data: bytes) -> None:
        """Add these bytes to the end of a file, which is begun if there is none. Durable when it returns."""

    def read_file(self, name: str, start: int, size: int) -> bytes:
        """So many bytes of a file, from this place on. Raises StoreBroken if it does not have them all."""

    def delete_file(self, name: str) -> None:
        """Nothing happens if there is no such file, nor while the store is copied: it has to be asked for again."""

    def file_names(self) -> set[str]:
        """Every file that there is, those included that a crash has left unfinished."""

    def close(self) -> None:
        """Give the files back. Everything appended is already safe."""
