"""The copy of one shard in the folder of a backup: its records, images and files.

Records and images are checked while they are written; what lies in files only those know who wrote them.

Images are of different moments, as they are in a store, and that does no harm: a shard comes back as its images and
the records after them, and the copy has all records from before its first image to after its last one. So the files can
be copied one after the other while the shard goes on, as long as no record is trimmed and no file deleted meanwhile.

A copy that is there already gets what has been added since. So most of it can be made at leisure, and the rest at
a moment that is the same for all shards.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj

from parcours.errors import BackupFailed, StoreBroken, StoreBusy
from parcours.store.codec import START, damaged, image_head, next_link
from parcours.store.file_folder import FileFolder
from parcours.store.image_folder import ImageFolder
from parcours.store.journal import Journal, RecordRow
from parcours.store.manifest import ManifestBlock, Note
from parcours.store.private_files import make_folder, open_private, sync_folder

PIECE_BYTES = 2 * 1024 * 1024
"""Records copied in one piece. Reading as much holds a shard up for about 2 ms; writing does not."""

PIECE_IMAGES = 64
"""Images copied in one piece. They are files that nobody changes, so the shard has no part in it."""

COPY_BYTES = 1024 * 1024
"""Of a file so much is read at once."""


class ShardCopy:
    """Its methods write, from any thread, and raise BackupFailed. What `open` finds is known after it."""

    def __init__(self, folder: Path, shard: int) -> None:
        self._folder = folder
        self._path = folder / f"shard-{shard:04}.journal.sqlite3"
        self._shard = shard
        self._files = folder / f"shard-{shard:04}.files"
        self._journal: Journal | None = None
        self._last_image = 0
        self.newest = 0
        self._link = START
        self.slots = set[int]()
        """Those that have an image here."""

    def open(self) -> None:
        """Open the copy, or begin it."""
        with self._errors():
            self._images = ImageFolder(self._folder / f"shard-{self._shard:04}.slots")
            self._journal = Journal(self._path, self._shard)
            _, self.newest, self._link, _ = self._journal.extent()
            self.slots = set(self._journal.images())

    def begin(self, trimmed: int, link: bytes) -> None:
        """The first record here is to continue this one."""
        with self._written() as journal:
            if self.newest:
                raise BackupFailed(f"{self._path} is older than what has been trimmed since: begin the backup anew")
            journal.set_trimmed(trimmed, link)
            self.newest, self._link = trimmed, link

    def add(self, rows: Sequence[RecordRow]) -> None:
        """Write the records that come next; their chain is checked."""
        with self._written() as journal:
            for row in rows:
                if row.sequence != self.newest + 1 or row.link != next_link(self._link, row.encoded):
                    raise damaged(f"record {row.sequence}", f"it does not continue record {self.newest}")
                journal.insert(row)
                self.newest, self._link = row.sequence, row.link
            journal.commit()

    def add_images(self, source: ImageFolder, known: Mapping[int, int]) -> None:
        """Copy the images of these slots, each of which has to include that record; their seals are checked."""
        for slot, least in known.items():
            path = source.path(slot)
            with self._errors():
                if not path.exists():
                    raise damaged(str(path), "the file is missing")
                sealed = path.read_bytes()
            self.put_image(slot, least, sealed, str(path))

    def put_image(self, slot: int, least: int, sealed: bytes, where: str) -> None:
        """Write the image of a slot, which has to include that record; its seal is checked."""
        with self._written() as journal:
            found, sequence = image_head(sealed, where)
            if found != slot or sequence < least:
                raise damaged(where, f"it is of slot {found} and record {sequence}, not of {slot} and {least}")
            self._images.put(slot, sealed)
            journal.set_image(slot, sequence)
            self._last_image = max(sequence, self._last_image)

    def add_file(self, source: FileFolder, name: str) -> None:
        """Copy a file, unless as much of it has been: files only grow, and no name is used twice."""
        with self._written():
            path, copy = source.folder / name, self._files / name
            if copy.exists() and copy.stat().st_size == path.stat().st_size:
                return
            make_folder(self._files)
            with path.open("rb") as read, open_private(copy, "wb") as written:
                copyfileobj(read, written, COPY_BYTES)
                written.flush()
                os.fsync(written.fileno())
            sync_folder(self._files)

    def file_size(self, name: str) -> int:
        """How much of a file has been copied."""
        with self._errors():
            return (self._files / name).stat().st_size if (self._files / name).exists() else 0

    def extend_file(self, name: str, data: bytes) -> None:
        """Add what comes next in a file."""
        with self._errors():
            FileFolder(self._files).extend(name, data)

    def finish(self, epoch: int, read_through: int) -> None:
        """Make the copy durable, and note it in the backup's manifest."""
        with self._written() as journal:
            if self._last_image > self.newest:
                raise damaged(str(self._images.folder), f"an image is of record {self._last_image}, there is none")
            sync_folder(self._images.folder)
            journal.set_epoch(epoch)
            journal.set_read_through(min(read_through, self.newest))
            journal.commit()
            self.close()  # SQLite moves what it has written into the file now
            manifest = ManifestBlock(self._folder, self._shard)
            try:
                manifest.read()
                manifest.write(Note(self._shard, epoch, self.newest, self._link.hex()))
                manifest.sync()
            finally:
                manifest.close()

    def close(self) -> None:
        journal, self._journal = self._journal, None
        if journal is not None:
            journal.close()

    @contextmanager
    def _written(self) -> Iterator[Journal]:
        """The journal of the copy."""
        assert self._journal is not None, "open comes first"
        with self._errors():
            yield self._journal

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What goes wrong with the copy, or shows itself while it is made, is no trouble of the store."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise backup_failed(self._path, error) from error
        except (StoreBroken, StoreBusy) as error:
            raise BackupFailed(str(error)) from error


def backup_failed(path: Path, error: sqlite3.Error | OSError) -> BackupFailed:
    """What an error of SQLite or of the system means to whoever makes a backup."""
    where, why = getattr(error, "filename", None) or path, getattr(error, "strerror", None) or error
    return BackupFailed(
        f"the backup was given up: {where} cannot be used ({why}). Look at the disk, or name another folder"
    )
