"""One sorted sequence of several: the same part of the ids of some files, a little at a time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from parcours.shard.ids.file import READ_BLOCKS, IdFile, entries_in

END = b"\xff" * 64
"""Comes after every entry."""


class _Cursor:
    """A place in one part of a file. `last` is how far what has been read reaches."""

    def __init__(self, file: IdFile, part: int, blocks: int) -> None:
        self._reading = file.read(part, blocks)
        self._entries: list[bytes] = []
        self._place = 0
        self.read_on()

    def read_on(self) -> None:
        self._entries, self._place = list(entries_in(next(self._reading, b""))), 0
        self.last = self._entries[-1] if self._entries else END

    def take(self, through: bytes) -> list[bytes]:
        """The entries up to this one, as far as they have been read."""
        start, self._place = self._place, bisect_right(self._entries, through, self._place)
        return self._entries[start : self._place]


def merged(large: IdFile | None, small: Sequence[IdFile], part: int) -> Iterator[list[bytes]]:
    """The entries of a part of all these files in order, some thousand at a time."""
    cursors = [_Cursor(file, part, 1) for file in small]
    if large is not None:
        cursors.append(_Cursor(large, part, READ_BLOCKS))
    while (through := min((cursor.last for cursor in cursors), default=END)) != END:
        entries: list[bytes] = []
        for cursor in cursors:
            entries += cursor.take(through)
            if cursor.last <= through:
                cursor.read_on()
        entries.sort()  # which finds the sequences that are in order already
        yield entries
