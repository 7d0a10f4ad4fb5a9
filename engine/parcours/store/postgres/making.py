"""A store in PostgreSQL that appears whole or not at all.

It is filled in a schema of its own, `NAME_unfinished`, which gets the store's name when it is whole: half a store is
never taken for one. What was cut off there goes with the next attempt.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from psycopg import errors, sql

from parcours.closing import close_after
from parcours.errors import SettingInvalid, StoreBusy
from parcours.store.layout import Layout
from parcours.store.postgres.restoring import fill_shard
from parcours.store.postgres.schema import MAKING, lock_class, made_or_found, remember_files
from parcours.store.postgres.session import Session, session_name
from parcours.store.postgres.store import PostgresStore
from parcours.store.postgres.url import postgres_address

SUFFIX: Final = "_unfinished"


class UnfinishedStore:
    """A store that is being filled."""

    def __init__(self, session: Session, layout: Layout) -> None:
        self._session = session
        self._layout = layout

    def open(self, shard: int) -> PostgresStore:
        """One of its shards, to be filled by its own means. Raises StoreBroken."""
        return PostgresStore(self._session.address, shard)

    def fill_from(self, source: Path, *, is_noted: bool) -> None:
        """Take all that the store in a folder holds, once it is checked; `is_noted` tells if its manifest counts.

        Raises StoreBroken, StoreBusy.
        """
        with self._session.errors_in_words():
            for shard in range(self._layout.shards):
                fill_shard(self._session, source, shard, is_noted=is_noted)


@contextmanager
def made_apart(address: str, layout: Layout) -> Iterator[UnfinishedStore]:
    """An empty store to be filled, which is the one at this address from the end of the block on; or nothing is.

    Raises SettingInvalid where there is something already, StoreBusy where somebody else is making one, StoreBroken.
    """
    parts = postgres_address(address)
    apart = replace(parts, schema=parts.schema + SUFFIX)
    name, filled = sql.Identifier(parts.schema), sql.Identifier(apart.schema)
    with closing(Session(apart, session_name("makes a store"))) as session:
        with session.errors_in_words():
            _make_alone(session, parts.shown)
            if session.run("SELECT FROM pg_namespace WHERE nspname = %s", parts.schema):
                raise SettingInvalid(f"there is a schema {parts.schema} at {parts.shown} already: name another one")
            session.say(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(filled))
        made_or_found(session, layout)
        try:
            yield UnfinishedStore(session, layout)
            if parts.files is not None:
                remember_files(session, str(parts.files))
            with session.errors_in_words():
                _rename(session, filled, name, f"there is a schema {parts.schema} at {parts.shown} by now")
        except BaseException as error:
            close_after(error, lambda: session.say(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(filled)))
            raise


def _rename(session: Session, filled: sql.Identifier, name: sql.Identifier, taken: str) -> None:
    try:
        session.say(sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(filled, name))
    except errors.DuplicateSchema:
        raise SettingInvalid(f"{taken}: name another one") from None


def _make_alone(session: Session, shown: str) -> None:
    """Keep others from making the same store, as long as the session lives."""
    try:
        session.run("SELECT pg_advisory_lock(%s, %s)", lock_class(session.address.schema), MAKING)
    except errors.LockNotAvailable:
        raise StoreBusy(f"the store {shown} is being made by another process: wait until it has ended") from None
