"""The store of one shard in PostgreSQL.

What has to stay true:

- Every write begins with the shard's row under the epoch of whoever writes (journal_rows.py). So an owner that was
  frozen, or cut off, changes nothing any more once its successor has acquired: not a record, not an image, not a file.
- The owner's session holds the shard's advisory lock, which tells others that it is in use: a second engine, and
  whoever wants to read a closed store, are refused while it lives. It fences nobody off. A successor, which knows
  which epoch it succeeds, opens without the lock, acquires, and then ends the sessions of those it has succeeded.
  Whoever opens to own the shard without knowing ends the session of a process that is frozen (holding.py), and an
  owner that stopped between a write and its commit holds the shard's row until a successor ends its session.
- `append` returns when the server has the record on its disk; an error leaves open whether it has. After any error
  the store therefore refuses everything, and only opening it again, which reads what is really there, helps.
- Nothing here decides from what memory holds but the number and the link of the newest record, which nobody else can
  have changed while the epoch is held.

PostgreSQL keeps the whole of a database of one moment, so there is no manifest that would notice a single older file.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from psycopg import errors

from parcours.closing import close_after
from parcours.errors import BackupFailed, StoreBroken
from parcours.store.fencing import next_epoch
from parcours.store.journal import RecordRow
from parcours.store.postgres.beat import Beat
from parcours.store.postgres.file_rows import FileRows
from parcours.store.postgres.holding import FROZEN_AFTER_S, Holding
from parcours.store.postgres.image_rows import PIECE_BYTES, ImageRows, SealedImage
from parcours.store.postgres.journal_rows import JournalRows
from parcours.store.postgres.schema import kept_in
from parcours.store.postgres.scratch import open_scratch, scratch_folder
from parcours.store.postgres.session import Session, session_name
from parcours.store.postgres.url import PostgresAddress
from parcours.store.shard_copy import PIECE_BYTES as COPIED_BYTES
from parcours.store.shard_copy import ShardCopy
from parcours.store.store import Record, SlotImage, Write


class PostgresStore:
    """The store of one shard in a schema that has been prepared.

    is_successor    opens to take the shard over from an owner that may still live, whose epoch it is told
    is_owner        opens to acquire the shard: an owner that is frozen does not keep it
    frozen_after_s  how long nothing has to be heard of an owner that is frozen

    It may be handed from one thread to another, but only one at a time may call it. Opening raises StoreBusy if
    another store has the shard, StoreBroken if the server cannot be reached or trusted, or there is no such store.
    """

    def __init__(
        self,
        address: PostgresAddress,
        shard: int,
        *,
        is_successor: bool = False,
        is_owner: bool = False,
        frozen_after_s: float = FROZEN_AFTER_S,
    ) -> None:
        self._address = address
        self._shard = shard
        self._scratch: mmap.mmap | None = None
        self._scratch_epoch = -1
        self._turn = threading.Lock()
        self._broken: str | None = None
        self._closed = False
        self._copies = 0
        self._session = Session(address, session_name(f"shard {shard}"))
        try:
            kept = kept_in(self._session)
            if kept is None:
                raise StoreBroken(f"there is no store at {address.shown} any more: put it back, then open it again")
            self._id = kept.id
            self._holding = Holding(self._session, kept, shard, frozen_after_s)
            with self._session.errors_in_words():
                if is_owner and not is_successor:
                    self._holding.take_from_frozen()
                elif not is_successor:
                    self._holding.take()
                self._journal = JournalRows(self._session, shard)
                self._images = ImageRows(self._session, self._journal, shard)
                self._files = FileRows(self._session, self._journal, shard)
            self._beat = Beat(self._session)
        except BaseException as error:
            close_after(error, self._session.close)
            raise

    def acquire(self, expected_epoch: int | None) -> int:
        with self._using():
            epoch = self._acquired(expected_epoch)
            self._holding.take_from_others()
            self._images.clear_unfinished()
            return epoch

    def _acquired(self, expected: int | None) -> int:
        """The epoch, raised. A write that its owner's process stopped in the middle of keeps nobody waiting."""
        try:
            return self._journal.acquire(expected)
        except errors.LockNotAvailable:
            next_epoch(expected, self._journal.held())  # whoever comes too late disturbs nobody
            self._holding.end_predecessors()
            return self._journal.acquire(expected)

    def images(self) -> Iterator[SlotImage]:
        with self._using():
            slots = self._images.slots()
        for sealed in self._sealed(slots, self._using):
            with self._using():
                image = self._images.decoded(sealed)
            yield image

    def _sealed(self, slots: list[int], using: Callable[[], AbstractContextManager[None]]) -> Iterator[SealedImage]:
        """The images of these slots, some at a time."""
        while slots:
            with using():
                page = self._images.page(slots)
            yield from page
            slots = slots[max(1, len(page)) :]  # one that is gone has been of a store that was put back meanwhile

    def image(self, slot: int) -> SlotImage | None:
        with self._using():
            return self._images.read(slot)

    def records(self, after: int = 0) -> Iterator[Record]:
        before: RecordRow | None = None
        while True:
            with self._using():
                rows = self._journal.page(after)
                records = list(self._journal.proved(rows[:1], before))
            if not rows:
                return
            before = rows[0]
            yield from records
            with self._using():
                proving = self._journal.proved(rows[1:], before)
            for row in rows[1:]:
                with self._using():
                    record = next(proving)
                yield record
                before = row
            after = rows[-1].sequence

    def append(self, record: Record) -> int:
        with self._using("committing"):
            return self._journal.append(record)

    def save_image(self, image: SlotImage) -> int:
        with self._using("writing an image"):
            assert image.sequence <= self._journal.newest, "an image is of records that are in the journal"
            return self._images.save(image)

    def read_through(self, sequence: int) -> None:
        with self._using():
            assert sequence <= self._journal.newest, "nobody reads what is not in the journal"
            self._journal.read = max(sequence, self._journal.read)

    def trim(self, through: int) -> bool:
        journal = self._journal
        if journal.oldest > min(through, journal.newest - 1, journal.read) or self._copies:
            return False
        with self._using():
            journal.trim()
            return True

    def oldest(self) -> int:
        return self._journal.oldest

    def scrub(self) -> None:
        """Rows that have been deleted are swept away, and their space is used again.

        PostgreSQL overwrites it when it does so, and keeps its own log as long as it is told to.
        """
        with self._using():
            self._journal.keep_books()
            self._session.sweep("journal", "image_pieces", "file_pieces")

    def scratch(self) -> memoryview:
        epoch = self._journal.epoch
        if self._scratch is None or self._scratch_epoch != epoch:
            with self._using():
                self._scratch = open_scratch(scratch_folder(), self._id, self._shard, epoch)
                self._scratch_epoch = epoch
        return memoryview(self._scratch)

    def size_bytes(self) -> int:
        return self._journal.size_bytes

    def extend_file(self, name: str, data: bytes) -> None:
        with self._using("writing a file"):
            self._files.extend(name, data)

    def read_file(self, name: str, start: int, size: int) -> bytes:
        with self._using():
            return self._files.read(name, start, size)

    def delete_file(self, name: str) -> None:
        if self._copies:
            return  # what is copied may name it
        with self._using():
            self._files.delete(name)

    def file_names(self) -> set[str]:
        with self._using():
            return set(self._files.sizes())

    def copy_to(self, folder: Path) -> Generator[Write, None, None]:
        copy = ShardCopy(folder, self._shard)
        self._copies += 1
        try:
            yield copy.open
            with self._copying():
                self._journal.keep_books()  # or what has been trimmed since would be missing in the chain
                trimmed, link = self._journal.trimmed()
            if copy.newest < trimmed:
                yield partial(copy.begin, trimmed, link)
            yield from self._copy_records(copy, self._journal.newest)
            with self._copying():
                missing = sorted(set(self._images.slots()) - copy.slots)
            for sealed in self._sealed(missing, self._copying):
                where = self._images.where(sealed.slot)
                yield partial(copy.put_image, sealed.slot, sealed.sequence, sealed.data, where)
            yield from self._copy_records(copy, self._journal.newest)
            with self._copying():
                sizes = self._files.sizes()  # those that these records name are whole
            for name, size in sizes.items():
                yield from self._copy_file(copy, name, size)
            with self._copying():
                epoch, read_through = self._journal.epoch, self._journal.read
            yield partial(copy.finish, epoch, read_through)
        finally:
            self._copies -= 1
            copy.close()

    def _copy_records(self, copy: ShardCopy, through: int) -> Iterator[Write]:
        while copy.newest < through:
            with self._copying():
                rows = self._journal.page(copy.newest, COPIED_BYTES)
            if not rows:
                raise BackupFailed(f"{self._address.shown} has no record after {copy.newest}, and has had {through}")
            yield partial(copy.add, rows)

    def _copy_file(self, copy: ShardCopy, name: str, size: int) -> Iterator[Write]:
        start = copy.file_size(name)
        while start < size:
            with self._copying():
                piece = self._files.read(name, start, min(PIECE_BYTES, size - start))
            yield partial(copy.extend_file, name, piece)
            start += len(piece)

    @contextmanager
    def _copying(self) -> Iterator[None]:
        if self._closed:
            raise BackupFailed(f"{self._address.shown} was closed while it was being copied: begin the backup anew")
        with self._using():
            yield

    def close(self) -> None:
        if self._closed:
            return
        try:
            if self._broken is None:
                with self._using():
                    self._journal.keep_books()  # whoever has succeeded keeps them otherwise
        finally:
            self._closed = True
            self._beat.end()
            self._session.close()

    @contextmanager
    def _using(self, doing: str = "answering") -> Iterator[None]:
        """The session is for one caller at a time, until something has gone wrong with it."""
        my_turn = self._turn.acquire(blocking=False)
        assert my_turn, "two threads use the store at once"
        try:
            assert not self._closed, "the store has been closed"
            if self._broken is not None:
                raise StoreBroken(self._broken)
            with self._session.errors_in_words(doing):
                yield
        except StoreBroken as error:
            self._broken = str(error)
            raise
        finally:
            self._turn.release()
