"""A shard in PostgreSQL made of one on disk: records, images and files go as they are, once they have been checked."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

from psycopg import Binary
from psycopg.types.numeric import Int8

from parcours.store.file_folder import FileFolder
from parcours.store.image_folder import ImageFolder
from parcours.store.journal import Journal, RecordRow
from parcours.store.postgres.image_rows import PIECE_BYTES
from parcours.store.postgres.session import Session
from parcours.store.sqlite import SqliteStore

TOGETHER: Final = 64
"""Rows written in one transaction: an fsync for each would take most of the time."""


def fill_shard(session: Session, source: Path, shard: int, *, is_noted: bool) -> None:
    """Fill a shard, which is empty, with what one on disk holds.

    is_noted  whether the manifest of the folder counts
    Errors of PostgreSQL pass through. Raises StoreBroken, StoreBusy for a folder in use.
    """
    _check(source, shard, is_noted)
    with closing(Journal(source / f"shard-{shard:04}.journal.sqlite3", shard)) as journal:
        rows = _rows(journal)
        while piece := list(islice(rows, TOGETHER)):
            with session.together():
                for sequence, link, encoded in piece:
                    session.run(
                        "INSERT INTO journal VALUES (%s, %s, %b, %b)",
                        shard,
                        Int8(sequence),
                        Binary(link),
                        Binary(encoded),
                    )
        _fill_images(session, ImageFolder(source / f"shard-{shard:04}.slots"), journal.images(), shard)
        with closing(FileFolder(source / f"shard-{shard:04}.files")) as files:
            for name in sorted(files.names()):
                _fill_file(session, files, name, shard)
        trimmed, link = journal.trimmed()
        session.run(
            "UPDATE shards SET epoch = %s, read_through = %s, trimmed = %s, trimmed_link = %b WHERE shard = %s",
            Int8(journal.epoch()), Int8(journal.read_through()), Int8(trimmed), Binary(link), shard,
        )  # fmt: skip


def _check(source: Path, shard: int, is_noted: bool) -> None:
    """Read everything, which checks the chain of the records and the seals of the images."""
    with closing(SqliteStore(source, shard, is_noted=is_noted)) as store:
        for each in (store.records(), store.images()):
            for _ in each:
                continue


def _rows(journal: Journal) -> Iterator[RecordRow]:
    row = journal.first_after(0)
    while row is not None:
        yield row
        row = journal.first_after(row.sequence)


def _fill_images(session: Session, folder: ImageFolder, known: dict[int, int], shard: int) -> None:
    for slot in sorted(folder.slots()):
        sealed, pieces = folder.path(slot).read_bytes(), uuid.uuid4().hex
        sequence = max(folder.read(slot).sequence, known.get(slot, 0))
        with session.together():
            for number, start in enumerate(range(0, len(sealed), PIECE_BYTES)):
                data = Binary(sealed[start : start + PIECE_BYTES])
                session.run("INSERT INTO image_pieces VALUES (%s, %s, %s, %b)", shard, pieces, number, data)
            session.run("INSERT INTO images VALUES (%s, %s, %s, %s)", shard, slot, Int8(sequence), pieces)


def _fill_file(session: Session, files: FileFolder, name: str, shard: int) -> None:
    start = 0
    while data := files.read(name, start, PIECE_BYTES):
        session.run("INSERT INTO file_pieces VALUES (%s, %s, %s, %b)", shard, name, Int8(start), Binary(data))
        start += len(data)
