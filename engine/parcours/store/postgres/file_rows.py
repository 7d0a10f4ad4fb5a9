"""The files of one shard as rows: each row is a piece, from where it begins in its file."""

from __future__ import annotations

from typing import Final, NamedTuple

from psycopg import Binary
from psycopg.types.numeric import Int8

from parcours.store.codec import whole
from parcours.store.postgres.image_rows import HELD, PIECE_BYTES
from parcours.store.postgres.journal_rows import JournalRows
from parcours.store.postgres.session import Session

EXTEND: Final = (
    HELD + "INSERT INTO file_pieces SELECT shard, %s, coalesce((SELECT start + octet_length(data) FROM file_pieces "
    "AS last WHERE last.shard = held.shard AND last.name = %s ORDER BY start DESC LIMIT 1), 0), %b FROM held "
    "RETURNING start"
)

READ: Final = (
    "SELECT substring(data FROM greatest(%s - start, 0)::int + 1 FOR (%s - greatest(start, %s))::int) "
    "FROM file_pieces WHERE shard = %s AND name = %s AND start > %s AND start < %s ORDER BY start"
)

DELETE: Final = (
    HELD + ", gone AS (DELETE FROM file_pieces USING held WHERE file_pieces.shard = held.shard AND name = %s) "
    "SELECT shard FROM held"
)

AHEAD_BYTES: Final = 512 * 1024
"""Read at once of a file that is read from its beginning to its end, however little is asked for at a time."""

AHEAD_FILES_MAX: Final = 16
"""Files of which something has been read ahead: about as many as are merged at a time."""

SIZES: Final = (
    "SELECT name, max(start + octet_length(data)) FROM file_pieces WHERE shard = %s GROUP BY name ORDER BY name"
)


class Ahead(NamedTuple):
    """What has been read ahead of a file: `data`, from `start` on. The last reading of it ended at `read_to`."""

    start: int
    read_to: int
    data: bytes


class FileRows:
    """Errors of PostgreSQL pass through, for the store to put into words."""

    def __init__(self, session: Session, journal: JournalRows, shard: int) -> None:
        self._session = session
        self._journal = journal
        self._shard = shard
        self._ahead: dict[str, Ahead] = {}

    def sizes(self) -> dict[str, int]:
        """How long each file is."""
        return {name: int(size) for name, size in self._session.run(SIZES, self._shard)}

    def extend(self, name: str, data: bytes) -> None:
        """Durable when it returns. Raises StoreBusy if the epoch is not held any more."""
        held = self._shard, Int8(self._journal.epoch)
        for start in range(0, len(data), PIECE_BYTES):
            piece = Binary(data[start : start + PIECE_BYTES])
            if not self._session.run(EXTEND, *held, name, name, piece):
                self._journal.refuse()

    def read(self, name: str, start: int, size: int) -> bytes:
        """So many bytes from there on. Raises StoreBroken if there are fewer.

        Whoever goes on where the last reading has ended is likely to do so again, and is read for ahead.
        """
        ahead = self._ahead.pop(name, Ahead(0, 0, b""))
        offset = start - ahead.start
        if 0 <= offset <= len(ahead.data) - size:
            data = ahead.data[offset : offset + size]
        elif start == ahead.read_to and size < AHEAD_BYTES:
            ahead = Ahead(start, 0, self._found(name, start, AHEAD_BYTES))
            data = ahead.data[:size]
        else:
            data = self._found(name, start, size)
        while len(self._ahead) >= AHEAD_FILES_MAX:
            del self._ahead[next(iter(self._ahead))]
        self._ahead[name] = ahead._replace(read_to=start + size)
        return whole(data, size, name, f"shard {self._shard} of {self._session.address.shown}")

    def _found(self, name: str, start: int, size: int) -> bytes:
        """So many bytes from there on, or fewer if there are no more."""
        begin, end = Int8(start), Int8(start + size)
        # A piece that holds the first byte begins at most its own length before it.
        found = self._session.run(READ, begin, end, begin, self._shard, name, Int8(start - PIECE_BYTES), end)
        return b"".join(data for (data,) in found)

    def delete(self, name: str) -> None:
        """Nothing happens if it is not there. Raises StoreBusy if the epoch is not held any more."""
        self._ahead.pop(name, None)
        if not self._session.run(DELETE, self._shard, Int8(self._journal.epoch), name):
            self._journal.refuse()
