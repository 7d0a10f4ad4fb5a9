"""The store on one machine: a SQLite file for the journal, and a folder of images beside it.

    shard-0003.journal.sqlite3     the records, the epoch, the readers' place, which images there must be
    shard-0003.slots/0123.image    the image of one slot
    shard-0003.scratch             the scratch bytes, mapped into memory
    manifest                       of all shards: how far each has come at least (manifest.py)
    shard-0003.files/              the files, begun with the first of them

What has to stay true:

- Nothing else opens the journal while it is in use, not even to read it: SQLite before 3.51.3 can corrupt
  a WAL file that two connections write or checkpoint, and on POSIX a file that is closed takes along every
  lock that the process holds on it. The lock is exclusive; a second store on the file raises StoreBusy.
- `append` returns after an fsync of the whole record. Trimming and book-keeping make no fsync of their own:
  they wait in the open transaction for the next record. If that never comes they are undone, which only
  means that a record stays longer, or that a reader is given it again.
- An image's file is durable before the journal says that it exists. So the journal can tell that a file is
  missing, or older than the one it knew.
- A commit counts only if its files are still where they were opened, which is looked at before it is acknowledged.
- After an error nobody knows what the disk holds. The store then refuses everything, and only opening it
  again, which reads what is really there, helps.
"""

from __future__ import annotations

import mmap
import os
import sqlite3
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from parcours.closing import close_after
from parcours.errors import BackupFailed, StoreBroken
from parcours.store.codec import damaged, decode_record, encode_record, next_link, whole
from parcours.store.fencing import check_record, next_epoch
from parcours.store.file_folder import FileFolder
from parcours.store.image_folder import ImageFolder
from parcours.store.journal import Journal, RecordRow, ahead_of, in_words
from parcours.store.manifest import ManifestBlock, Note
from parcours.store.private_files import make_folder, open_private
from parcours.store.shard_copy import PIECE_BYTES, PIECE_IMAGES, ShardCopy
from parcours.store.store import SCRATCH_BYTES, Record, SlotImage, Write


class SqliteStore:
    """The store of one shard in a folder, which is made if it is missing.

    It may be handed from one thread to another, but only one at a time may call it. Opening raises
    StoreBusy if another store has the files, StoreBroken if they cannot be read, are not this shard's, or are older
    than the manifest says; `is_noted` tells whether to go by that.
    """

    def __init__(self, folder: Path, shard: int, *, is_noted: bool = True) -> None:
        self._is_noted = is_noted
        self._path = folder / f"shard-{shard:04}.journal.sqlite3"
        self._scratch_path = folder / f"shard-{shard:04}.scratch"
        self._scratch: mmap.mmap | None = None
        self._shard = shard
        self._turn = threading.Lock()
        self._broken: str | None = None
        self._closed = False
        self._copies = 0
        self._note = Note(shard)
        with self._errors_in_words():
            make_folder(folder)
            self._files = FileFolder(folder / f"shard-{shard:04}.files")
            self._manifest = ManifestBlock(folder, shard)
            try:
                self._open(folder / f"shard-{shard:04}.slots")
            except BaseException as error:
                close_after(error, self._manifest.close)
                raise

    def _open(self, images: Path) -> None:
        self._images = ImageFolder(images)
        self._check_whole()
        self._journal = Journal(self._path, self._shard)
        try:
            self._images.clear_unfinished()  # under the lock: what is unfinished is nobody's any more
            self._oldest, self._newest, self._link, self._size_bytes = self._journal.extent()
            if self._is_noted:
                self._note = self._manifest.read()  # under the lock, too: now nobody else goes on
                self._check_noted()
        except BaseException as error:
            close_after(error, self._journal.close)  # or nobody could open it until this object is forgotten
            raise

    def _check_whole(self) -> None:
        """A new journal is for a new store only: what was noted, or what others go with, is not there any more."""
        known = self._is_noted and not self._manifest.read().is_blank
        left = ahead_of(self._path).exists() or bool(self._images.slots() or self._files.names())
        # The journal is looked for last: whoever is making all of this at the same moment makes it first.
        if (known or left) and not self._path.exists():
            rest = "others of this shard are there" if left else "the shard has been in use"
            raise damaged(str(self._path), f"the file is missing, and {rest}")

    def _check_noted(self) -> None:
        """The files are not older than what was noted of them."""
        noted = self._note.sequence
        link = self._journal.link_before(noted + 1) if noted else None
        self._manifest.check_files(self._path, self._note, self._journal.epoch(), self._newest, link)

    def check_owner(self) -> None:
        """Nor is what was noted older than the files: each owner is noted before its first record."""
        with self._using() as journal:
            self._check_owner(journal)

    def _check_owner(self, journal: Journal) -> None:
        row = journal.first_after(self._newest - 1) if self._newest else None
        if row is not None:
            record = decode_record(row.encoded, f"record {row.sequence} of {self._path}")
            self._manifest.check_owner(self._path, self._note, record.epoch)

    def acquire(self, expected_epoch: int | None) -> int:
        with self._using() as journal:
            self._check_owner(journal)
            journal.begin()  # before it is read: what was read outside could be over when it is written
            epoch = next_epoch(expected_epoch, journal.epoch())
            journal.set_epoch(epoch)
            journal.commit()
            journal.check_in_place()
            self._write_note(Note(self._shard, epoch, self._newest, self._link.hex()))
            self._manifest.sync()
            return epoch

    def images(self) -> Iterator[SlotImage]:
        with self._using() as journal:
            known = journal.images()
            slots = sorted(known.keys() | self._images.slots())
        for slot in slots:
            with self._using():
                image = self._image(slot, known.get(slot, 0))
            yield image

    def image(self, slot: int) -> SlotImage | None:
        with self._using() as journal:
            known = journal.images()
            if slot not in known and slot not in self._images.slots():
                return None
            return self._image(slot, known.get(slot, 0))

    def records(self, after: int = 0) -> Iterator[Record]:
        while True:
            with self._using() as journal:
                row = journal.first_after(after)
                if row is None:
                    return
                record = self._record(row)
            yield record
            after = record.sequence

    def append(self, record: Record) -> int:
        encoded = encode_record(record)
        with self._using() as journal:
            journal.begin()
            check_record(record, self._newest, journal.epoch())
            link = next_link(self._link, encoded)
            journal.insert(RecordRow(record.sequence, link, encoded))
            journal.commit()
            journal.check_in_place()
            self._newest, self._link = record.sequence, link
            self._size_bytes += len(encoded)
            self._write_note(Note(self._shard, record.epoch, record.sequence, link.hex()))
            return len(encoded)

    def save_image(self, image: SlotImage) -> int:
        with self._using() as journal:
            assert image.sequence <= self._newest, "an image is of records that are in the journal"
            size_bytes = self._images.save(image)
            journal.set_image(image.slot, image.sequence)
            return size_bytes

    def read_through(self, sequence: int) -> None:
        with self._using() as journal:
            assert sequence <= self._newest, "nobody reads what is not in the journal"
            if sequence > journal.read_through():
                journal.set_read_through(sequence)

    def trim(self, through: int) -> bool:
        if self._oldest > min(through, self._newest - 1) or self._copies:  # most commits end here; a copy needs it
            return False
        with self._using() as journal:
            if self._oldest > journal.read_through():
                return False
            self._size_bytes -= journal.delete(self._oldest)
            self._oldest += 1
            return True

    def oldest(self) -> int:
        return self._oldest

    def scrub(self) -> None:
        with self._using() as journal:
            journal.commit()
            journal.scrub()

    def scratch(self) -> memoryview:
        if self._scratch is None:
            with self._errors_in_words(), open_private(self._scratch_path, "a+b") as file:
                os.posix_fallocate(file.fileno(), 0, SCRATCH_BYTES)  # or a full disk would end the process at a write
                self._scratch = mmap.mmap(file.fileno(), SCRATCH_BYTES)
        return memoryview(self._scratch)

    def copy_to(self, folder: Path) -> Generator[Write, None, None]:
        copy = ShardCopy(folder, self._shard)
        self._copies += 1
        try:
            yield copy.open
            with self._copying() as journal:
                trimmed, link = journal.trimmed()
                known = journal.images()
            if copy.newest < trimmed:
                yield partial(copy.begin, trimmed, link)
            yield from self._copy_records(copy, self._newest)
            missing = sorted((known.keys() | self._images.slots()) - copy.slots)
            for first in range(0, len(missing), PIECE_IMAGES):
                piece = missing[first : first + PIECE_IMAGES]
                yield partial(copy.add_images, self._images, {slot: known.get(slot, 0) for slot in piece})
            yield from self._copy_records(copy, self._newest)
            with self._copying():
                names = self._files.names()  # those that these records name are whole
            for name in sorted(names):
                yield partial(copy.add_file, self._files, name)
            with self._copying() as journal:
                epoch, read_through = journal.epoch(), journal.read_through()
            yield partial(copy.finish, epoch, read_through)
        finally:
            self._copies -= 1
            copy.close()

    @contextmanager
    def _copying(self) -> Iterator[Journal]:
        if self._closed:
            raise BackupFailed(f"{self._path} was closed while it was being copied: begin the backup anew")
        with self._using() as journal:
            yield journal

    def _copy_records(self, copy: ShardCopy, through: int) -> Iterator[Write]:
        while copy.newest < through:
            rows, size_bytes = list[RecordRow](), 0
            with self._copying() as journal:
                after = copy.newest
                while after < through and size_bytes < PIECE_BYTES:
                    row = journal.first_after(after)
                    if row is None:
                        raise BackupFailed(f"{self._path} has no record after {after}, and has had {through}")
                    rows.append(row)
                    after, size_bytes = row.sequence, size_bytes + len(row.encoded)
            yield partial(copy.add, rows)

    def size_bytes(self) -> int:
        return self._size_bytes

    def extend_file(self, name: str, data: bytes) -> None:
        with self._using():
            self._files.extend(name, data)

    def read_file(self, name: str, start: int, size: int) -> bytes:
        try:
            found = b"" if self._closed or self._broken else self._files.read(name, start, size)
        except OSError:
            found = b""
        if len(found) == size:
            return found
        with self._using():  # once more for what is wrong; above every microsecond counts
            try:
                return whole(self._files.read(name, start, size), size, name, str(self._files.folder))
            except FileNotFoundError as error:
                raise damaged(str(self._files.folder / name), "the file is missing") from error

    def delete_file(self, name: str) -> None:
        if self._copies:
            return  # what is copied may name it
        with self._using():
            self._files.delete(name)

    def file_names(self) -> set[str]:
        with self._using():
            return self._files.names()

    def close(self) -> None:
        if self._closed:
            return
        try:
            if self._broken is None:
                with self._using() as journal:
                    journal.commit()
                    self._manifest.sync()
        finally:
            self._closed = True
            self._files.close()
            self._journal.close()
            self._manifest.close()

    def _write_note(self, note: Note) -> None:
        self._manifest.write(note)
        self._note = note

    def _record(self, row: RecordRow) -> Record:
        """The record in this row, once its place in the chain is proved."""
        where = f"record {row.sequence} of {self._path}"
        before = self._journal.link_before(row.sequence)
        if before is None:
            raise damaged(where, "the record before it is missing")
        if row.link != next_link(before, row.encoded):
            raise damaged(where, "its bytes do not continue the chain")
        record = decode_record(row.encoded, where)
        if record.sequence != row.sequence:
            raise damaged(where, f"it is record {record.sequence}")
        return record

    def _image(self, slot: int, sequence: int) -> SlotImage:
        """The slot's image, which has to include the record of that number."""
        where = str(self._images.path(slot))
        try:
            image = self._images.read(slot)
        except FileNotFoundError as error:
            raise damaged(where, "the file is missing") from error
        if image.slot != slot:
            raise damaged(where, f"it is the image of slot {image.slot}")
        if not sequence <= image.sequence <= self._newest:
            raise damaged(where, f"it is of record {image.sequence}, the journal has {sequence} to {self._newest}")
        return image

    @contextmanager
    def _using(self) -> Iterator[Journal]:
        """The journal for one caller at a time, until something has gone wrong with the files."""
        my_turn = self._turn.acquire(blocking=False)
        assert my_turn, "two threads use the store at once"
        try:
            assert not self._closed, "the store has been closed"
            if self._broken is not None:
                raise StoreBroken(self._broken)
            with self._errors_in_words():
                yield self._journal
        except StoreBroken as error:
            self._broken = str(error)
            raise
        finally:
            self._turn.release()

    @contextmanager
    def _errors_in_words(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise in_words(self._path, error) from error
