"""Entries in one piece of bytes, in the order of their places: most of what is done with them unpacks none.

The piece is a sequence of MessagePack's binary values, without the header of an array before it: to add an entry at the
end, or to drop the first, is to join or to cut bytes, and the decoder of msgspec takes all of them apart at once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator
from itertools import accumulate
from struct import Struct

import msgspec

PLACE_BYTES = 16
"""An entry begins with its place, and is ordered by it."""

_ARRAY, _BINARY = 0xDD, 0xC6
"""What the two begin with; the number or the length follows, in four bytes."""

_HEAD = Struct(">BI")
_HEAD_BYTES = _HEAD.size
_FIRST_PLACE = slice(_HEAD_BYTES, _HEAD_BYTES + PLACE_BYTES)

_decoder = msgspec.msgpack.Decoder(list[bytes])


class PackedEntries(msgspec.Struct, array_like=True, gc=False):
    """
    number  how many there are
    last    the place of the last one, empty if there is none
    data    all of them
    """

    number: int = 0
    last: bytes = b""
    data: bytes = b""

    @property
    def first(self) -> bytes:
        """The place of the first one, empty if there is none."""
        return self.data[_FIRST_PLACE]

    def unpacked(self) -> list[bytes]:
        """All entries."""
        if not self.number:
            return []
        return _decoder.decode(_HEAD.pack(_ARRAY, self.number) + self.data)

    def add(self, entry: bytes) -> None:
        """Add an entry at its place, which no other has."""
        framed, place = _HEAD.pack(_BINARY, len(entry)) + entry, entry[:PLACE_BYTES]
        if place > self.last:  # almost always
            self.data, self.last = self.data + framed, place
        else:
            entries = self.unpacked()
            at = sum(_HEAD_BYTES + len(each) for each in entries[: bisect_right(entries, entry)])
            self.data = self.data[:at] + framed + self.data[at:]
        self.number += 1

    def drop_first(self) -> None:
        """Drop the first entry."""
        self.data = self.data[_HEAD_BYTES + int.from_bytes(self.data[1:_HEAD_BYTES], "big") :]
        self.number -= 1
        if not self.number:
            self.last = b""

    def drop_before(self, place: bytes) -> None:
        """Drop the entries whose places are less than this."""
        while self.number and self.data[_FIRST_PLACE] < place:
            self.drop_first()

    def drop(self, indexes: Collection[int]) -> None:
        """Drop these entries."""
        if len(indexes) == self.number:
            self.number, self.last, self.data = 0, b"", b""
            return
        entries = self.unpacked()
        ends = list(accumulate(_HEAD_BYTES + len(each) for each in entries))
        kept = [index for index in range(len(entries)) if index not in indexes]
        self.data = b"".join(self.data[ends[index - 1] if index else 0 : ends[index]] for index in kept)
        self.number, self.last = len(kept), entries[kept[-1]][:PLACE_BYTES] if kept else b""

    def holding(self, text: bytes) -> Iterator[tuple[int, bytes]]:
        """The entries in which these bytes are found, the last one first, each with its index."""
        found = self.data.rfind(text)
        if found < 0:
            return
        if self.number == 1:
            yield 0, self.data[_HEAD_BYTES:]
            return
        entries = self.unpacked()
        ends = list(accumulate(_HEAD_BYTES + len(each) for each in entries))
        while found >= 0:
            index = bisect_right(ends, found)  # what reaches into the next entry begins in this one
            yield index, entries[index]
            found = self.data.rfind(text, 0, ends[index - 1]) if index else -1
