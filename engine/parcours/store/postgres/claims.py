"""Who keeps an engine whose store is in PostgreSQL, and where its shards run: rows beside those of the shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from psycopg.types.numeric import Int8

from parcours.store.claims import Held
from parcours.store.postgres.session import Session, session_name
from parcours.store.postgres.url import PostgresAddress


class PostgresClaims:
    """A session for each call: they are few, and none stays open in a process that may be frozen."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address

    def take_over(self, place: str) -> int:
        with self._session() as session:
            ((epoch,),) = session.run("UPDATE store SET keeper = keeper + 1, kept_at = %s RETURNING keeper", place)
            return int(epoch)

    def keeper(self) -> Held:
        with self._session() as session:
            ((epoch, place),) = session.run("SELECT keeper, kept_at FROM store")
            return Held(epoch, place)

    def give_up(self, epoch: int) -> None:
        with self._session() as session:
            session.run("UPDATE store SET kept_at = NULL WHERE keeper = %s", Int8(epoch))

    def note(self, shard: int, held: Held) -> None:
        """The row says it from the next statement on, if nobody has acquired the shard since."""
        with self._session() as session:
            session.run(
                "UPDATE shards SET place = %s WHERE shard = %s AND epoch = %s", held.place, shard, Int8(held.epoch)
            )

    def shards(self) -> Sequence[Held]:
        with self._session() as session:
            return [Held(*row) for row in session.run("SELECT epoch, place FROM shards ORDER BY shard")]

    @contextmanager
    def _session(self) -> Iterator[Session]:
        session = Session(self._address, session_name("looks who keeps the engine"))
        with closing(session), session.errors_in_words():
            yield session
