"""The journal of one shard as rows, and every statement that reads or writes it.

A write is one statement, so it is one transaction and one way to the server and back. It begins with the shard's row
under the epoch of whoever writes, locked for as long as the statement takes: an owner that has been succeeded finds no
such row, and a successor waits for a write that is under way. What is only book-keeping, how far facts are read and
which records may go, is part of the next write and makes none of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NoReturn

from psycopg import Binary
from psycopg.types.numeric import Int8

from parcours.errors import StoreBroken, StoreBusy
from parcours.store.codec import damaged, decode_record, encode_record, next_link
from parcours.store.fencing import check_record, next_epoch
from parcours.store.journal import RecordRow
from parcours.store.postgres.session import Session
from parcours.store.store import Record

PAGE_BYTES: Final = 2 * 1024 * 1024
"""Records read at once: so many bytes, and one record more."""

PAGE_RECORDS: Final = 1_000
"""Records looked at for it."""

ACQUIRE: Final = (
    "UPDATE shards SET epoch = epoch + 1, place = NULL WHERE shard = %s AND epoch = coalesce(%s::bigint, epoch) "
    "RETURNING epoch"
)

EXTENT: Final = (
    "SELECT epoch, read_through, trimmed, trimmed_link, oldest, newest, size_bytes, "
    "(SELECT link FROM journal WHERE shard = held.shard AND sequence = newest) FROM shards AS held, "
    "LATERAL (SELECT min(sequence) AS oldest, max(sequence) AS newest, "
    "coalesce(sum(octet_length(encoded)), 0)::bigint AS size_bytes FROM journal WHERE shard = held.shard) AS found "
    "WHERE shard = %s"
)

APPEND: Final = (
    "WITH held AS MATERIALIZED (SELECT shard FROM shards WHERE shard = %s AND epoch = %s FOR SHARE) "
    "INSERT INTO journal SELECT shard, %s, %b, %b FROM held RETURNING sequence"
)

KEPT_BOOKS: Final = (
    "WITH held AS (UPDATE shards SET read_through = %s, trimmed = %s, trimmed_link = coalesce((SELECT link "
    "FROM journal WHERE shard = %s AND sequence = %s), trimmed_link) WHERE shard = %s AND epoch = %s RETURNING shard), "
    "gone AS (DELETE FROM journal USING held WHERE journal.shard = held.shard AND sequence > %s AND sequence <= %s) "
)
"""The beginning of a write that keeps books, too. The statement that follows takes its row of `held`."""

APPEND_AND_KEEP: Final = KEPT_BOOKS + "INSERT INTO journal SELECT shard, %s, %b, %b FROM held RETURNING sequence"

KEEP: Final = KEPT_BOOKS + "SELECT shard FROM held"

PAGE: Final = (
    "SELECT sequence, link, encoded FROM (SELECT *, sum(octet_length(encoded)) OVER (ORDER BY sequence) "
    "- octet_length(encoded) AS before FROM (SELECT sequence, link, encoded FROM journal WHERE shard = %s "
    "AND sequence > %s ORDER BY sequence LIMIT %s) AS next) AS page WHERE before < %s ORDER BY sequence"
)

LINK_BEFORE: Final = (
    "SELECT link FROM journal WHERE shard = %s AND sequence = %s "
    "UNION ALL SELECT trimmed_link FROM shards WHERE shard = %s AND trimmed = %s"
)


class JournalRows:
    """Errors of PostgreSQL pass through, for the store to put into words.

    epoch           under which whoever uses this writes: the one acquired, at first the one found
    oldest, newest  records; of an empty journal the newest is the one before the oldest
    """

    def __init__(self, session: Session, shard: int) -> None:
        self._session = session
        self._shard = shard
        self._where = session.address.shown
        self.load()

    def load(self) -> None:
        """Find out what is there. Raises StoreBroken if the store has no such shard."""
        found = self._session.run(EXTENT, self._shard)
        if not found:
            raise StoreBroken(f"the store {self._where} has no shard {self._shard}: it was made for fewer")
        epoch, read, trimmed, trimmed_link, oldest, newest, size_bytes, link = found[0]
        self.epoch: int = epoch
        self.read: int = read
        self._noted: int = read
        self._trimmed: int = trimmed
        self.oldest: int = trimmed + 1 if oldest is None else oldest
        self.newest: int = trimmed if newest is None else newest
        self.size_bytes: int = size_bytes
        self._link: bytes = trimmed_link if link is None else link

    def acquire(self, expected: int | None) -> int:
        """Raise the epoch and return it, in one statement; where the shard runs is not known then.

        Raises StoreBusy unless the epoch was the expected one.
        """
        self.keep_books()  # what waits is lost if it was not this one that has the epoch until now
        raised = self._session.run(ACQUIRE, self._shard, None if expected is None else Int8(expected))
        if not raised:
            next_epoch(expected, self.held())
            raise StoreBusy(f"shard {self._shard} of {self._where} has been given to somebody else this moment")
        self.load()  # the owner before may have gone on until now
        return int(raised[0][0])

    def held(self) -> int:
        """The epoch that is held now."""
        found = self._session.run("SELECT epoch FROM shards WHERE shard = %s", self._shard)
        if not found:
            raise StoreBroken(f"the store {self._where} has no shard {self._shard} any more")
        return int(found[0][0])

    def append(self, record: Record) -> int:
        """Add a record, and what waits of the book-keeping; returns its size."""
        encoded = encode_record(record)
        check_record(record, self.newest, self.epoch)
        link = next_link(self._link, encoded)
        row = Int8(record.sequence), Binary(link), Binary(encoded)
        if self._waits():
            added = self._session.run(APPEND_AND_KEEP, *self._books(), *row)
        else:
            added = self._session.run(APPEND, self._shard, Int8(record.epoch), *row)
        if not added:
            self.refuse()
        self._kept()
        self.newest, self._link = record.sequence, link
        self.size_bytes += len(encoded)
        return len(encoded)

    def refuse(self) -> NoReturn:
        """Nothing was written, for the epoch is not held any more."""
        held = self.held()
        raise StoreBusy(f"the shard is held under epoch {held}; epoch {self.epoch} is over and has to stop")

    def trim(self) -> None:
        """The oldest record goes with the next write, and is not seen any more."""
        ((size,),) = self._session.run(
            "SELECT coalesce(sum(octet_length(encoded)), 0)::bigint FROM journal WHERE shard = %s AND sequence = %s",
            self._shard, Int8(self.oldest),
        )  # fmt: skip
        self.size_bytes -= size
        self.oldest += 1

    def keep_books(self) -> bool:
        """Write what waits, if anything does. False if the epoch is not held any more, and nothing was written."""
        if not self._waits():
            return True
        if not self._session.run(KEEP, *self._books()):
            return False
        self._kept()
        return True

    def _waits(self) -> bool:
        return self.oldest - 1 > self._trimmed or self.read > self._noted

    def _books(self) -> tuple[Any, ...]:
        trimmed = Int8(max(self._trimmed, self.oldest - 1))
        held = self._shard, Int8(self.epoch)
        return Int8(self.read), trimmed, self._shard, trimmed, *held, Int8(self._trimmed), trimmed

    def _kept(self) -> None:
        self._trimmed, self._noted = max(self._trimmed, self.oldest - 1), self.read

    def trimmed(self) -> tuple[int, bytes]:
        """The newest record of those that have been trimmed, and its link, as far as it has been written."""
        ((link,),) = self._session.run("SELECT trimmed_link FROM shards WHERE shard = %s", self._shard)
        return self._trimmed, link

    def page(self, after: int, size_bytes: int = PAGE_BYTES) -> list[RecordRow]:
        """The records that come next, as they are."""
        found = self._session.run(PAGE, self._shard, Int8(max(after, self.oldest - 1)), PAGE_RECORDS, Int8(size_bytes))
        return [RecordRow(*row) for row in found]

    def proved(self, rows: list[RecordRow], before: RecordRow | None) -> Iterator[Record]:
        """The records in these rows, each once its place in the chain is proved. Raises StoreBroken."""
        for row in rows:
            where = f"record {row.sequence} of shard {self._shard} of {self._where}"
            link = before.link if before is not None and before.sequence == row.sequence - 1 else None
            link = self.link_before(row.sequence) if link is None else link
            if link is None:
                raise damaged(where, "the record before it is missing")
            if row.link != next_link(link, row.encoded):
                raise damaged(where, "its bytes do not continue the chain")
            record = decode_record(row.encoded, where)
            if record.sequence != row.sequence:
                raise damaged(where, f"it is record {record.sequence}")
            before = row
            yield record

    def link_before(self, sequence: int) -> bytes | None:
        """The link that the record of this number continues, None if it is not there."""
        before = Int8(sequence - 1)
        found = self._session.run(LINK_BEFORE, self._shard, before, self._shard, before)
        return found[0][0] if found else None
