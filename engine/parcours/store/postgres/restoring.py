"""A store in PostgreSQL made of a backup, whose rows are taken as they are once all of them have been checked.

It is filled in a schema of its own, `NAME_restoring`, which gets the store's name when it is whole: half a store is
never taken for one. What a restore that was cut off has left there goes with the next one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from psycopg import Binary, errors, sql
from psycopg.types.numeric import Int8

from parcours.errors import SettingInvalid
from parcours.store.file_folder import FileFolder
from parcours.store.image_folder import ImageFolder
from parcours.store.journal import Journal, RecordRow
from parcours.store.layout import Layout
from parcours.store.postgres.image_rows import PIECE_BYTES
from parcours.store.postgres.schema import made_or_found
from parcours.store.postgres.session import Session, session_name
from parcours.store.postgres.url import postgres_address
from parcours.store.sqlite import SqliteStore

SUFFIX: Final = "_restoring"

TOGETHER: Final = 64
"""Rows written in one transaction: an fsync for each would take most of the time."""


def restore_into(address: str, layout: Layout, source: Path, *, is_noted: bool) -> None:
    """Make the store at this address, where there is none yet, of the one in a folder, all of which is checked.

    is_noted  whether the manifest of the folder counts
    Raises SettingInvalid where there is something already, StoreBroken, StoreBusy for a folder in use.
    """
    parts = postgres_address(address)
    filled = replace(parts, schema=parts.schema + SUFFIX)
    name, filling = sql.Identifier(parts.schema), sql.Identifier(filled.schema)
    with closing(Session(filled, session_name("restores a store"))) as session, session.errors_in_words():
        if session.run("SELECT FROM pg_namespace WHERE nspname = %s", parts.schema):
            raise SettingInvalid(f"there is a schema {parts.schema} at {parts.shown} already: name another one")
        session.say(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(filling))
        made_or_found(session, layout)
        for shard in range(layout.shards):
            _check(source, shard, is_noted)
            _fill(session, source, shard)
        try:
            session.say(sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(filling, name))
        except errors.DuplicateSchema:
            raise SettingInvalid(
                f"there is a schema {parts.schema} at {parts.shown} by now: name another one"
            ) from None


def _check(source: Path, shard: int, is_noted: bool) -> None:
    """Read everything, which checks the chain of the records and the seals of the images."""
    with closing(SqliteStore(source, shard, is_noted=is_noted)) as store:
        for each in (store.records(), store.images()):
            for _ in each:
                continue


def _fill(session: Session, source: Path, shard: int) -> None:
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
