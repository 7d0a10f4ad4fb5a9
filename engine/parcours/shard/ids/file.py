"""A sorted file of message ids, written once and never changed: how it is laid out, written, and looked into.

    blocks   up to 200 entries each, and a CRC of them; an entry is a key and its time, 20 bytes
    index    how many entries each part has, the first key of each block, a filter if there is one; sealed

The entries of a part lie together, in order. The index is held in memory, so that one block has to be read to find a
key, or to know that it is not there. Its seal and place are told by whoever knows the file; a block is checked each
time that it is read.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain
from struct import Struct
from zlib import crc32

import msgspec
from rbloom import Bloom

from parcours.shard.ids.key import KEY_BYTES, NAME_BYTES
from parcours.store.codec import damaged
from parcours.store.store import Store

TIME_BYTES = 6
ENTRY_BYTES = KEY_BYTES + TIME_BYTES

BLOCK_ENTRIES = 200
"""Four kilobytes, as much as a disk reads at once."""

FULL_BYTES = BLOCK_ENTRIES * ENTRY_BYTES
"""Of the entries of a block that is full."""

CHECK_BYTES = 4
BLOCK_BYTES = FULL_BYTES + CHECK_BYTES

READ_BLOCKS = 40
"""Blocks read at once where a file is read from its beginning to its end."""

WRITE_BYTES = 1024 * 1024
"""Bytes made durable at once: it takes a disk some milliseconds."""

FENCE_BYTES = 8
"""Of the first key of each block so much is held in memory."""

TIME_ZERO = 1 << 8 * TIME_BYTES - 1
"""Added to a time, so that those before 1970 sort first."""

as_number = int.from_bytes
"""Makes a number of a key. A filter compares this function by identity, so there has to be one of it."""

_keys_in = Struct(f"{KEY_BYTES}s{TIME_BYTES}x").iter_unpack
_entries_in = Struct(f"{ENTRY_BYTES}s").iter_unpack


def encode_time(at: int) -> bytes:
    """Milliseconds as bytes that sort in the order of time."""
    return (at + TIME_ZERO).to_bytes(TIME_BYTES)


def time_in(entry: bytes) -> int:
    return as_number(entry[KEY_BYTES:]) - TIME_ZERO


class IdFileInfo(msgspec.Struct, frozen=True, array_like=True):
    """What whoever wants to look into a file has to know of it.

    number     files are numbered in the order in which they were begun; the name says the epoch too
    newest_ms  the time of the newest entry
    index_at   where the index begins
    seal       the digest of the index
    """

    name: str
    number: int
    entries: int
    newest_ms: int
    index_at: int
    index_bytes: int
    seal: bytes


class IdFileIndex(msgspec.Struct, frozen=True, array_like=True):
    """The number of entries of each part that has some, the beginnings of the blocks, the bytes of the filter."""

    counts: dict[int, int]
    fences: bytes
    filter: bytes


_decode_index = msgspec.msgpack.Decoder(IdFileIndex).decode


class IdFileWriter:
    """Writes one file, from its first part to its last."""

    def __init__(self, store: Store, name: str, number: int, id_filter: Bloom | None = None) -> None:
        self._store = store
        self._name = name
        self._number = number
        self._filter = id_filter
        self._counts: dict[int, int] = {}
        self._part = -1
        self._open = b""
        self._fences = array("Q")
        self._waiting: list[bytes] = []
        self._waiting_bytes = self._written_bytes = 0
        self._newest = b""

    def add(self, part: int, entries: list[bytes]) -> None:
        """Write these entries of a part after those before, which all come before them in the order."""
        if part != self._part:
            self._end_part(part)
        self._counts[part] += len(entries)
        added = b"".join(entries)
        if self._filter is not None:
            self._filter.update(keys_in(added))
        waiting = self._open + added
        full = len(waiting) - len(waiting) % FULL_BYTES
        for start in range(0, full, FULL_BYTES):
            self._write_block(waiting[start : start + FULL_BYTES])
        self._open = waiting[full:]

    def finish(self, newest_ms: int) -> IdFileInfo:
        """The file is whole and durable when this returns."""
        self._end_part(-1)
        self._write_out()
        entries = sum(self._counts.values())
        id_filter = b"" if self._filter is None else self._filter.save_bytes()
        index = msgspec.msgpack.encode(IdFileIndex(self._counts, self._fences.tobytes(), id_filter))
        self._store.extend_file(self._name, index)
        return IdFileInfo(self._name, self._number, entries, newest_ms, self._written_bytes, len(index), _seal(index))

    def _end_part(self, following: int) -> None:
        if self._open:
            self._write_block(self._open)
            self._open = b""
        self._part = following
        if following >= 0:
            self._counts[following] = 0

    def _write_block(self, block: bytes) -> None:
        self._fences.append(as_number(block[:FENCE_BYTES]))
        self._waiting += (block, crc32(block).to_bytes(CHECK_BYTES))
        self._waiting_bytes += len(block) + CHECK_BYTES
        if self._waiting_bytes >= WRITE_BYTES:
            self._write_out()

    def _write_out(self) -> None:
        if self._waiting:
            self._store.extend_file(self._name, b"".join(self._waiting))
        self._written_bytes += self._waiting_bytes
        self._waiting, self._waiting_bytes = [], 0


class IdFile:
    """A file that is whole. Raises StoreBroken, here or later, if it is missing or not as it was written."""

    def __init__(self, store: Store, info: IdFileInfo) -> None:
        self.info = info
        self._store = store
        encoded = store.read_file(info.name, info.index_at, info.index_bytes)
        if _seal(encoded) != info.seal:
            raise damaged(f"the file of message ids {info.name}", "its index does not fit its digest")
        index = _decode_index(encoded)
        self.filter = Bloom.load_bytes(index.filter, as_number) if index.filter else None
        self._fences = array("Q", index.fences)
        self._parts: dict[int, tuple[int, int, int, int]] = {}
        """Of each part: where it begins, its size in bytes, its first block and the one after its last."""
        self.counts = {part: count for part, count in index.counts.items() if count}
        offset = block = 0
        for part, count in index.counts.items():
            end = block + -(-count // BLOCK_ENTRIES)
            size = count * ENTRY_BYTES + (end - block) * CHECK_BYTES
            self._parts[part] = offset, size, block, end
            offset, block = offset + size, end

    def find(self, part: int, key: bytes) -> int | None:
        """The newest time at which the message of this key was consumed, None if the file does not have it."""
        if part not in self._parts:
            return None
        _, _, first, end = self._parts[part]
        fence = as_number(key[:FENCE_BYTES])
        for block in range(bisect_right(self._fences, fence, first, end) - 1, first - 1, -1):
            entries = self._block(part, block)
            place = entries.rfind(key)
            while place >= 0 and place % ENTRY_BYTES:  # those bytes, but not where a key begins
                place = entries.rfind(key, 0, place + KEY_BYTES - 1)
            if place >= 0:
                return time_in(entries[place : place + ENTRY_BYTES])
            if self._fences[block] < fence:
                return None  # else what comes before may begin in the same way
        return None

    def read(self, part: int, blocks: int = READ_BLOCKS) -> Iterator[bytes]:
        """All entries of a part in order, some blocks at a time."""
        if part in self._parts:
            _, _, first, end = self._parts[part]
            for block in range(first, end, blocks):
                found = self._blocks(part, block, min(block + blocks, end))
                yield b"".join(
                    [self._checked(found[at : at + BLOCK_BYTES]) for at in range(0, len(found), BLOCK_BYTES)]
                )

    def of_name(self, part: int, name: bytes) -> Iterator[bytes]:
        """The entries of a part whose keys begin with a name's bytes."""
        if part not in self._parts:
            return
        _, _, first, end = self._parts[part]
        lowest = as_number(name.ljust(FENCE_BYTES, b"\0"))
        for block in range(max(first, bisect_right(self._fences, lowest, first, end) - 1), end):
            if self._fences[block].to_bytes(FENCE_BYTES)[:NAME_BYTES] > name:
                return
            for entry in entries_in(self._block(part, block)):
                if entry.startswith(name):
                    yield entry

    def _blocks(self, part: int, block: int, end: int) -> bytes:
        """Some blocks of a part as they lie in the file."""
        offset, size, first, _ = self._parts[part]
        start = (block - first) * BLOCK_BYTES
        return self._store.read_file(self.info.name, offset + start, min(size, (end - first) * BLOCK_BYTES) - start)

    def _block(self, part: int, block: int) -> bytes:
        """The entries of one block."""
        return self._checked(self._blocks(part, block, block + 1))

    def _checked(self, block: bytes) -> bytes:
        """The entries of a block, once its check is seen to fit."""
        entries = block[:-CHECK_BYTES]
        if crc32(entries) != as_number(block[-CHECK_BYTES:]):
            raise damaged(f"the file of message ids {self.info.name}", "a block does not fit its check")
        return entries


def counts_of(files: Iterable[IdFile], through: Sequence[int]) -> list[int]:
    """How many entries of each part these files have: of one only those files that come after its number."""
    counts = [0] * len(through)
    for file in files:
        for part, count in file.counts.items():
            if file.info.number > through[part]:
                counts[part] += count
    return counts


def keys_in(entries: bytes) -> Iterable[bytes]:
    """The keys of entries that lie together."""
    return chain.from_iterable(_keys_in(entries))


def entries_in(entries: bytes) -> Iterable[bytes]:
    """Entries that lie together, each for itself."""
    return chain.from_iterable(_entries_in(entries))


def _seal(index: bytes) -> bytes:
    return blake2b(index, digest_size=32).digest()
