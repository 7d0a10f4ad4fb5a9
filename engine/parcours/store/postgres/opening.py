"""The opening of a store in PostgreSQL by its address: made, found, or one shard of it."""

from __future__ import annotations

from contextlib import AbstractContextManager, closing

from parcours.store.layout import Layout
from parcours.store.postgres.claims import PostgresClaims
from parcours.store.postgres.making import UnfinishedStore, made_apart
from parcours.store.postgres.schema import Kept, kept_in, made_or_found, remember_files
from parcours.store.postgres.session import Session, session_name
from parcours.store.postgres.store import PostgresStore
from parcours.store.postgres.url import postgres_address


def made_at(address: str, wanted: Layout) -> Kept:
    """The store at this address, made as it is wanted if there was none. Raises StoreBroken."""
    with closing(Session(postgres_address(address), session_name("makes a store"))) as session:
        return made_or_found(session, wanted)


def found_at(address: str) -> Kept | None:
    """What the store at this address says of itself, None if there is none. Raises StoreBroken."""
    with closing(Session(postgres_address(address), session_name("looks at a store"))) as session:
        return kept_in(session)


def remember_files_of(address: str) -> None:
    """Note in the store where its files are, as the address names it."""
    parts = postgres_address(address)
    if parts.files is not None:
        with closing(Session(parts, session_name("notes its files"))) as session:
            remember_files(session, str(parts.files))


def new_at(address: str, layout: Layout) -> AbstractContextManager[UnfinishedStore]:
    """A store to be filled, which appears at this address once the block has ended. Raises as `made_apart`."""
    return made_apart(address, layout)


def claims_in(address: str) -> PostgresClaims:
    """Who keeps the engine of the store at this address."""
    return PostgresClaims(postgres_address(address))


def open_postgres(address: str, shard: int, *, is_successor: bool, is_owner: bool) -> PostgresStore:
    """The store of one shard. Raises StoreBusy, StoreBroken."""
    return PostgresStore(postgres_address(address), shard, is_successor=is_successor, is_owner=is_owner)
