"""The SQLite file of a shard: its three tables, and every statement that reads or writes them.

    state     one row: whose file it is, the epoch held, how far facts have been read, where trimming stands
    journal   a row for each record: its number, its link in the chain, its bytes
    images    a row for each slot: the record that its image file must at least include

A write opens a transaction and leaves it open; `commit` makes it durable. Errors of SQLite pass through:
the store that owns the journal turns them into errors of Parcours.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

from parcours.errors import ParcoursError, StoreBroken, StoreBusy
from parcours.store.codec import START, damaged
from parcours.store.door_note import door_at
from parcours.store.private_files import make_file

FORMAT = 1
"""The tables below, kept in SQLite's `user_version`."""

OVERWRITES = 1
"""What is deleted from the file has been overwritten ever since it was made, or compacted; kept in SQLite's
`application_id`, which is 0 in a file of an earlier release."""

PAGE_BYTES = 16 * 1024
"""A record is about a megabyte: it takes two thirds of the time that it takes in pages of 4 KB."""

WAL_PAGES = 256
"""Pages written before SQLite moves them into the file: 4 MB. It does so within a commit, and nobody is answered
meanwhile: 16 MB took up to 47 ms, and no more events a second came of it."""

TABLES = """
    CREATE TABLE state (
        shard INTEGER NOT NULL, epoch INTEGER NOT NULL, read_through INTEGER NOT NULL,
        trimmed INTEGER NOT NULL, trimmed_link BLOB NOT NULL
    ) STRICT;
    CREATE TABLE journal (sequence INTEGER PRIMARY KEY, link BLOB NOT NULL, encoded BLOB NOT NULL) STRICT;
    CREATE TABLE images (slot INTEGER PRIMARY KEY, sequence INTEGER NOT NULL) STRICT;
"""


class RecordRow(NamedTuple):
    """One record as it lies in the file."""

    sequence: int
    link: bytes
    encoded: bytes


class Extent(NamedTuple):
    """What the journal spans.

    oldest, newest  numbers of records; of an empty journal the newest is the one before the oldest
    link            of the newest record
    size_bytes      of all records together
    """

    oldest: int
    newest: int
    link: bytes
    size_bytes: int


class Journal:
    """An open journal, locked for as long as it is open.

    Opening raises StoreBusy if somebody else has the file, StoreBroken if it cannot be used or is not
    this shard's.
    """

    def __init__(self, path: Path, shard: int) -> None:
        self.path = path
        make_file(path)
        # The store passes the connection between threads and sees to it that only one uses it at a time.
        self._connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._lock_and_prepare(shard)
            # What an fsync has failed for lies in memory only and passes for written: it is written once more.
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            self._connection.close()
            raise in_words(path, error) from error
        except BaseException:
            self._connection.close()
            raise

    def _lock_and_prepare(self, shard: int) -> None:
        """Take the lock for as long as the connection lives, and make the tables of a new file."""
        run = self._connection.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        run(f"PRAGMA page_size = {PAGE_BYTES}")
        (mode,) = run("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreBroken(f"{self.path} cannot be written ahead of ({mode}): put the store on a local disk")
        run("PRAGMA synchronous = FULL")
        # What has been trimmed may be of somebody erased. A commit that trims another of its size takes a tenth longer.
        run("PRAGMA secure_delete = ON")
        run(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        run("BEGIN IMMEDIATE")
        (found,) = run("PRAGMA user_version").fetchone()
        (tables,) = run("SELECT count(*) FROM sqlite_schema").fetchone()
        if found == tables == 0:
            for statement in TABLES.split(";")[:-1]:
                run(statement)
            run("INSERT INTO state VALUES (?, 0, 0, 0, ?)", (shard, START))
            run(f"PRAGMA user_version = {FORMAT}")
            run(f"PRAGMA application_id = {OVERWRITES}")
        elif found != FORMAT:
            raise StoreBroken(
                f"{self.path} has format {found}, this release of Parcours reads format {FORMAT}: "
                "open it with the release that wrote it"
            )
        (owner,) = run("SELECT shard FROM state").fetchone()
        if owner != shard:
            raise StoreBroken(f"{self.path} is the journal of shard {owner}: give it its name back")
        self.commit()
        self._places = [_Place(each) for each in (self.path, ahead_of(self.path))]

    def extent(self) -> Extent:
        """Found without reading the records' bytes."""
        oldest, newest, size_bytes = self._connection.execute(
            "SELECT min(sequence), max(sequence), sum(length(encoded)) FROM journal"
        ).fetchone()
        if newest is not None:
            (link,) = self._connection.execute("SELECT link FROM journal WHERE sequence = ?", (newest,)).fetchone()
            return Extent(oldest, newest, link, size_bytes)
        trimmed, link = self.trimmed()
        return Extent(trimmed + 1, trimmed, link, 0)

    def epoch(self) -> int:
        (epoch,) = self._connection.execute("SELECT epoch FROM state").fetchone()
        return int(epoch)

    def set_epoch(self, epoch: int) -> None:
        self.begin()
        self._connection.execute("UPDATE state SET epoch = ?", (epoch,))

    def read_through(self) -> int:
        (sequence,) = self._connection.execute("SELECT read_through FROM state").fetchone()
        return int(sequence)

    def set_read_through(self, sequence: int) -> None:
        self.begin()
        self._connection.execute("UPDATE state SET read_through = ?", (sequence,))

    def insert(self, row: RecordRow) -> None:
        self.begin()
        self._connection.execute("INSERT INTO journal VALUES (?, ?, ?)", row)

    def first_after(self, sequence: int) -> RecordRow | None:
        found = self._connection.execute(
            "SELECT sequence, link, encoded FROM journal WHERE sequence > ? ORDER BY sequence LIMIT 1",
            (sequence,),
        ).fetchone()
        return RecordRow(*found) if found else None

    def link_before(self, sequence: int) -> bytes | None:
        """The link that the record of this number continues, None if it is not there."""
        found = self._connection.execute(
            "SELECT link FROM journal WHERE sequence = :before "
            "UNION ALL SELECT trimmed_link FROM state WHERE trimmed = :before",
            {"before": sequence - 1},
        ).fetchone()
        return found[0] if found else None

    def delete(self, sequence: int) -> int:
        """Trim this record, which is the oldest; its link stays for the next one. Returns its bytes."""
        self.begin()
        link, size_bytes = self._connection.execute(
            "SELECT link, length(encoded) FROM journal WHERE sequence = ?", (sequence,)
        ).fetchone()
        self._connection.execute("DELETE FROM journal WHERE sequence = ?", (sequence,))
        self.set_trimmed(sequence, link)
        return int(size_bytes)

    def trimmed(self) -> tuple[int, bytes]:
        """The newest record that has been trimmed, and its link: the first one here continues it."""
        trimmed, link = self._connection.execute("SELECT trimmed, trimmed_link FROM state").fetchone()
        return int(trimmed), link

    def set_trimmed(self, sequence: int, link: bytes) -> None:
        self.begin()
        self._connection.execute("UPDATE state SET trimmed = ?, trimmed_link = ?", (sequence, link))

    def images(self) -> dict[int, int]:
        """The record that each slot's image file must at least include."""
        return dict(self._connection.execute("SELECT slot, sequence FROM images").fetchall())

    def set_image(self, slot: int, sequence: int) -> None:
        self.begin()
        self._connection.execute("INSERT OR REPLACE INTO images VALUES (?, ?)", (slot, sequence))

    def begin(self) -> None:
        """Open a transaction unless one is open."""
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make everything since `begin` durable."""
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def scrub(self) -> None:
        """Move everything into the file, and empty the log: older pages of it would lie there until it comes round.

        Pages that an earlier release has freed hold what they held: once, the file is written anew without them.
        """
        (overwrites,) = self._connection.execute("PRAGMA application_id").fetchone()
        if overwrites != OVERWRITES:
            self._connection.execute("VACUUM")
            self._connection.execute(f"PRAGMA application_id = {OVERWRITES}")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def check_in_place(self) -> None:
        """Raise StoreBroken unless the files are where they were opened: nobody finds what is written to others."""
        for place in self._places:
            place.check()

    def close(self) -> None:
        """Let go of the file. What has not been committed is undone."""
        self._connection.close()


class _Place:
    """Where an open file lies. One that is deleted or moved can still be written to, and all of that is lost."""

    def __init__(self, path: Path) -> None:
        self._path = os.fspath(path)
        self._identity = self._found()

    def _found(self) -> tuple[int, int]:
        found = os.stat(self._path)  # noqa: PTH116  # asked with each commit, and a Path takes twice as long
        return found.st_dev, found.st_ino

    def check(self) -> None:
        try:
            if self._found() == self._identity:
                return
        except FileNotFoundError:
            pass
        raise StoreBroken(
            f"{self._path} has been deleted, moved or replaced while it was in use, so nothing more can be kept: put "
            "the files of the store back as they were, then open it again"
        )


def ahead_of(path: Path) -> Path:
    """SQLite's own log of a file, which holds what has not been moved into the file yet."""
    return path.with_name(f"{path.name}-wal")


def in_words(path: Path, error: sqlite3.Error | OSError) -> ParcoursError:
    """What an error of SQLite or of the system means to whoever runs the store."""
    extended = getattr(error, "sqlite_errorcode", None)
    match extended if extended is None else extended & 0xFF:  # the low byte is the kind of error
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            door = door_at(path.parent)
            if door is not None:
                return StoreBusy(
                    f"{path} is in use by the engine whose door is at {door}: ask it there, by --url {door}"
                )
            return StoreBusy(f"{path} is in use: close the engine that has it, then try again")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return damaged(str(path), str(error))
        case _:
            where, why = getattr(error, "filename", None) or path, getattr(error, "strerror", None) or error
            return StoreBroken(f"{where} cannot be used ({why}): look at the disk, then open the store again")
