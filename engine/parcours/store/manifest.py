"""The manifest of a store: how far each shard has come, in a file of its own, so that lost and older files are noticed.

    first block     for whom the store was made: its layout, once more
    block 1 + n     the newest note of shard n, and the one before it

Whoever copies, restores or deletes the files of a shard leaves this file alone, so the two then contradict each other.
A note is a lower bound of what the shard's files must hold: the epoch of their newest owner, and their newest record
with its link. What makes it one:

- A note is written after what it tells of is durable, never before. So after any crash the files hold at least that.
- A new owner is noted, durably, before it appends its first record; without that note it has not become the owner. So
  files of an earlier owner are always older than the note, and no record is of an owner that was never noted.
- A record is noted at once, without an fsync of its own: a process that is killed leaves an exact note, a machine that
  loses its power one that is `SYNC_EVERY` records old at most. Closing leaves an exact one.
- The two halves of a block are written in turn, each with a seal, and lie in one sector each: a note that a crash has
  cut off leaves the one before. A block belongs to the shard whose journal is locked, so no two processes write one.

The file is text, for whoever has to look into it.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path

import msgspec

from parcours.errors import StoreBroken, naming
from parcours.store.codec import LINK_BYTES, outdated
from parcours.store.private_files import FILE_MODE, open_private

NAME = "manifest"

HALF_BYTES = 512
"""A sector: a disk writes it whole or not at all. A note takes less than half of it."""

BLOCK_BYTES = 2 * HALF_BYTES

SYNC_EVERY = 1_000
"""Records after which a note is made durable: an fsync more or less for a thousand is not felt."""

SEAL_BYTES = 16


class Note(msgspec.Struct, frozen=True):
    """What the files of a shard hold at least. Without any note they may hold nothing.

    epoch     of the newest owner
    sequence  of the newest record
    link      of that record, in hexadecimal
    """

    shard: int
    epoch: int = 0
    sequence: int = 0
    link: str = "00" * LINK_BYTES

    @property
    def is_blank(self) -> bool:
        """Whether the shard has had no owner and no record."""
        return not self.epoch and not self.sequence


class _Sealed(msgspec.Struct, frozen=True):
    note: Note
    seal: str


class ManifestBlock:
    """The block of one shard, open. The file is made if it is missing.

    OSError passes through, for the store to put into words; a block that cannot be read raises StoreBroken.
    """

    def __init__(self, folder: Path, shard: int) -> None:
        self.path = folder / NAME
        self._shard = shard
        self._offset = (1 + shard) * BLOCK_BYTES
        self._half = 0
        self._unsynced = 0
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)

    def read(self) -> Note:
        """The newest note."""
        halves = _halves(os.pread(self._descriptor, BLOCK_BYTES, self._offset))
        notes = [note for note in map(_opened, halves) if note is not None and note.shard == self._shard]
        if not notes:
            if any(map(_is_written, halves)):
                raise StoreBroken(f"{self.path} is damaged: put all files of the store back from one backup")
            return Note(self._shard)
        newest = max(notes, key=lambda note: (note.epoch, note.sequence))
        self._half = 1 - halves.index(_sealed(newest))
        return newest

    def check_files(self, journal: Path, note: Note, epoch: int, newest: int, link: bytes | None) -> None:
        """Raise StoreBroken if a journal is older than the note.

        epoch, newest  which the journal holds
        link           of the record that the note names, None if the journal has it no more
        """
        if epoch < note.epoch or newest < note.sequence:
            raise outdated(
                str(journal),
                f"it ends at record {newest} of owner {epoch}, and {self.path} knows of record {note.sequence} of "
                f"owner {note.epoch}",
            )
        if link is not None and link.hex() != note.link:
            raise outdated(str(journal), f"its record {note.sequence} is not the one that {self.path} knows of")

    def check_owner(self, journal: Path, note: Note, epoch: int) -> None:
        """Raise StoreBroken if the note is older than a record of this epoch."""
        if epoch > note.epoch:
            raise outdated(
                str(self.path), f"it knows of owner {note.epoch}, and {journal} has records of owner {epoch}"
            )

    def write(self, note: Note) -> None:
        """Note this, in the place of the note before the newest."""
        with naming(self.path):
            os.pwrite(self._descriptor, _sealed(note), self._offset + self._half * HALF_BYTES)
        self._half = 1 - self._half
        self._unsynced += 1
        if self._unsynced >= SYNC_EVERY:
            self.sync()

    def sync(self) -> None:
        """Make the newest note durable."""
        if self._unsynced:
            with naming(self.path):
                os.fsync(self._descriptor)
            self._unsynced = 0

    def close(self) -> None:
        os.close(self._descriptor)


def begin_manifest(folder: Path, layout: bytes) -> None:
    """Begin a manifest, durably, for a store with this layout in which nothing has happened yet."""
    path = folder / NAME
    with naming(path), open_private(path, "wb") as file:
        file.write(_line(layout if len(layout) < BLOCK_BYTES else b"", BLOCK_BYTES))
        file.flush()
        os.fsync(file.fileno())


def layout_in(folder: Path) -> bytes | None:
    """The layout for which the manifest was begun, None where it does not tell; raises FileNotFoundError."""
    with (folder / NAME).open("rb") as file:
        return file.read(BLOCK_BYTES).strip(b"\0 \n") or None


def has_notes(folder: Path) -> bool:
    """Whether anything is noted of any shard; not if there is no manifest."""
    try:
        return bool((folder / NAME).read_bytes()[BLOCK_BYTES:].strip(b"\0 \n"))
    except FileNotFoundError:
        return False


def _halves(block: bytes) -> list[bytes]:
    return [block[:HALF_BYTES], block[HALF_BYTES:]]


def _is_written(half: bytes) -> bool:
    return bool(half.strip(b"\0 \n"))


def _sealed(note: Note) -> bytes:
    return _line(msgspec.json.encode(_Sealed(note, _seal(note))), HALF_BYTES)


def _opened(half: bytes) -> Note | None:
    """The note in this half, None if there is none or a crash has cut it off."""
    try:
        sealed = msgspec.json.decode(half.strip(b"\0 \n"), type=_Sealed)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return sealed.note if sealed.seal == _seal(sealed.note) else None


def _seal(note: Note) -> str:
    return blake2b(msgspec.json.encode(note), digest_size=SEAL_BYTES).hexdigest()


def _line(text: bytes, length: int) -> bytes:
    assert len(text) < length, "it fits into its place"
    return text.ljust(length - 1) + b"\n"
