"""The tables of a store in PostgreSQL, made and brought to this release's form under a lock, and whose store it is.

    store         one row: the form of the tables, a name that no other store has, the project, the number of shards,
                  the epoch of who keeps the engine and where
    shards        a row each: the epoch held and by what place, how far facts have been read, where trimming stands
    journal       a row for each record: its number, its link in the chain, its bytes
    images        a row for each slot's image: its record, and under which name its pieces lie
    image_pieces  the bytes of images
    file_pieces   the bytes of files, each from where it begins in its file

A schema holds one store. A newer form is added as another entry of `FORMS`, which makes it of the one before.
"""

from __future__ import annotations

import uuid
from typing import Final, LiteralString
from zlib import crc32

from psycopg import errors, sql

from parcours.errors import StoreBroken
from parcours.store.codec import LINK_BYTES
from parcours.store.layout import Layout
from parcours.store.postgres.session import Session

MAKING: Final = -1
"""The second half of the lock under which tables are made; that of a shard's is its number."""

MAKING_WAIT_S: Final = 30
"""So long whoever finds another one making the tables waits."""

FORMS: Final[tuple[tuple[LiteralString, ...], ...]] = (
    (
        (
            "CREATE TABLE store (form int NOT NULL, id text NOT NULL, project text NOT NULL, shards int NOT NULL, "
            "files text)"
        ),
        "CREATE UNIQUE INDEX store_is_one ON store ((true))",
        # Of the rows of shards a version is written with nearly each commit: there is room for it beside the last one.
        (
            "CREATE TABLE shards (shard int PRIMARY KEY, epoch bigint NOT NULL DEFAULT 0, place text, "
            "read_through bigint NOT NULL DEFAULT 0, trimmed bigint NOT NULL DEFAULT 0, trimmed_link bytea NOT NULL) "
            "WITH (fillfactor = 10)"
        ),
        (
            "CREATE TABLE journal (shard int NOT NULL, sequence bigint NOT NULL, link bytea NOT NULL, "
            "encoded bytea NOT NULL, PRIMARY KEY (shard, sequence))"
        ),
        (
            "CREATE TABLE images (shard int NOT NULL, slot int NOT NULL, sequence bigint NOT NULL, "
            "pieces text NOT NULL, PRIMARY KEY (shard, slot))"
        ),
        (
            "CREATE TABLE image_pieces (shard int NOT NULL, pieces text NOT NULL, number int NOT NULL, "
            "data bytea NOT NULL, PRIMARY KEY (shard, pieces, number))"
        ),
        (
            "CREATE TABLE file_pieces (shard int NOT NULL, name text NOT NULL, start bigint NOT NULL, "
            "data bytea NOT NULL, PRIMARY KEY (shard, name, start))"
        ),
        # What is packed already is not packed again, and a part of it can be read without the rest.
        "ALTER TABLE journal ALTER COLUMN encoded SET STORAGE EXTERNAL",
        "ALTER TABLE image_pieces ALTER COLUMN data SET STORAGE EXTERNAL",
        "ALTER TABLE file_pieces ALTER COLUMN data SET STORAGE EXTERNAL",
        # A record that has been trimmed leaves dead rows: they are swept away before they are many.
        "ALTER TABLE journal SET (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05)",
    ),
    ("ALTER TABLE store ADD COLUMN keeper bigint NOT NULL DEFAULT 0", "ALTER TABLE store ADD COLUMN kept_at text"),
)

FORM: Final = len(FORMS)
"""The form that this release reads."""


class Kept(Layout, frozen=True):
    """What the store's own row says: for whom it was made, its unique name, and the folder of its files, if known."""

    id: str
    files: str | None


def made_or_found(session: Session, wanted: Layout) -> Kept:
    """The store in the schema of this session; if there was none, one has been made as it is wanted.

    Raises StoreBroken if it is of a newer release, or cannot be made.
    """
    with session.errors_in_words(), session.together():
        session.run("SELECT set_config('lock_timeout', %s, true)", f"{MAKING_WAIT_S}s")
        session.run("SELECT pg_advisory_xact_lock(%s, %s)", lock_class(session.address.schema), MAKING)
        form = _form(session)
        if form == 0:
            _make(session, wanted)
        for number in range(form, FORM) if form else ():
            for statement in FORMS[number]:
                session.say(statement)
            session.run("UPDATE store SET form = %s", number + 1)
        return _kept(session)


def kept_in(session: Session) -> Kept | None:
    """What the store in the schema of this session says of itself, None if there is none. Nothing is made.

    Raises StoreBroken if its tables are of another release.
    """
    with session.errors_in_words():
        form = _form(session)
        if form == 0:
            return None
        if form < FORM:
            raise StoreBroken(
                f"the store {session.address.shown} has tables of form {form}, this release of Parcours reads form "
                f"{FORM}: open it once with its engine, which brings them to it"
            )
        return _kept(session)


def remember_files(session: Session, files: str) -> None:
    """Note where the store's files are, for whoever asks it without saying where."""
    with session.errors_in_words():
        session.run("UPDATE store SET files = %s WHERE files IS DISTINCT FROM %s", files, files)


def lock_class(text: str) -> int:
    """The first half of an advisory lock, a number of four bytes for this text."""
    return crc32(text.encode()) - 2**31


def _form(session: Session) -> int:
    """The form of the tables, 0 where there are none. Raises StoreBroken if it is a newer one."""
    ((table,),) = session.run("SELECT to_regclass(%s)::text", f"{session.address.schema}.store")
    if table is None:
        return 0
    try:
        ((form,),) = session.run("SELECT form FROM store")
    except (errors.UndefinedColumn, ValueError) as error:
        raise StoreBroken(
            f"the schema {session.address.schema} of {session.address.shown} holds tables that are no store: name "
            "another one, by schema=NAME in the address"
        ) from error
    if form > FORM:
        raise StoreBroken(
            f"the store {session.address.shown} has tables of form {form}, this release of Parcours reads form {FORM}: "
            "open it with the release that made it"
        )
    return int(form)


def _make(session: Session, wanted: Layout) -> None:
    session.say(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(session.address.schema)))
    for statements in FORMS:
        for statement in statements:
            session.say(statement)
    session.run(
        "INSERT INTO store (form, id, project, shards) VALUES (%s, %s, %s, %s)",
        FORM, uuid.uuid4().hex, wanted.project, wanted.shards,
    )  # fmt: skip
    session.run(
        "INSERT INTO shards (shard, trimmed_link) SELECT number, %b FROM generate_series(0, %s - 1) AS number",
        bytes(LINK_BYTES), wanted.shards,
    )  # fmt: skip


def _kept(session: Session) -> Kept:
    ((project, shards, name, files),) = session.run("SELECT project, shards, id, files FROM store")
    return Kept(project, shards, name, files)
