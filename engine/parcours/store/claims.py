"""Who keeps an engine, and where its shards run: what a process that comes later finds in the store.

    keeper   its epoch, raised by each that takes over, and where it runs
    shards   of each the epoch under which it was opened last, and where: the name of its actor

The epoch of the keeper tells who may give shards to actors. It is looked at before one is opened and again after that,
so whoever has been succeeded keeps none. That no two owners of a shard both write is the epoch of the shard's own
store, whatever stands here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

import msgspec

from parcours.errors import StoreBroken, StoreBusy
from parcours.store.private_files import make_file

FILE: Final = "keeper.sqlite3"

AT: Final = " at "
"""Between the name of an actor and that of its machine."""

WAIT_S: Final = 10
"""So long whoever writes waits for another one, which takes a moment."""

TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS keeper (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, place TEXT)",
    "CREATE TABLE IF NOT EXISTS shards (shard INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, place TEXT)",
)


class Held(msgspec.Struct, frozen=True):
    """Under which epoch, and where. Of what has never been held the epoch is 0, and nobody knows where.

    place  of a shard the name of its actor and its machine, such as `shard-3@17.1 at host-2`
    """

    epoch: int = 0
    place: str | None = None

    @property
    def actor(self) -> str | None:
        """The name of a shard's actor."""
        return None if self.place is None else self.place.partition(AT)[0]


class Claims(Protocol):
    """Each call is a transaction of its own, from any thread. A failure raises StoreBroken."""

    def take_over(self, place: str) -> int:
        """Keep the engine from now on; returns the epoch, which nobody else is ever given. Durable when it returns."""

    def keeper(self) -> Held:
        """Who keeps it now; a place of None says that nobody does, and the epoch is that of the last one."""

    def give_up(self, epoch: int) -> None:
        """Whoever has taken over under this epoch keeps the engine no more. Nothing once somebody has taken over since.

        Durable when it returns.
        """

    def note(self, shard: int, held: Held) -> None:
        """Let others know where a shard runs; one that was opened under a later epoch stays noted."""

    def shards(self) -> Sequence[Held]:
        """Where the shards run, by number; what nobody has noted is not held."""


def check_keeper(claims: Claims, epoch: int) -> None:
    """Raises StoreBusy unless the engine is kept under this epoch."""
    held = claims.keeper()
    if held.epoch != epoch:
        raise StoreBusy(f"the engine is kept under epoch {held.epoch}; epoch {epoch} is over, and gives no shard away")


class FolderClaims:
    """In a file of the store's folder, for the processes of one machine."""

    def __init__(self, folder: Path, shards: int) -> None:
        self._path = folder / FILE
        self._shards = shards

    def take_over(self, place: str) -> int:
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            epoch = _held(connection.execute("SELECT epoch, place FROM keeper")).epoch + 1
            connection.execute("INSERT OR REPLACE INTO keeper VALUES (1, ?, ?)", (epoch, place))
            connection.execute("COMMIT")
            return epoch

    def keeper(self) -> Held:
        with self._connected() as connection:
            return _held(connection.execute("SELECT epoch, place FROM keeper"))

    def give_up(self, epoch: int) -> None:
        with self._connected() as connection:
            connection.execute("UPDATE keeper SET place = NULL WHERE epoch = ?", (epoch,))

    def note(self, shard: int, held: Held) -> None:
        with self._connected() as connection:
            connection.execute(
                "INSERT INTO shards VALUES (?, ?, ?) ON CONFLICT (shard) DO UPDATE SET epoch = excluded.epoch, "
                "place = excluded.place WHERE excluded.epoch >= epoch",
                (shard, held.epoch, held.place),
            )

    def shards(self) -> Sequence[Held]:
        with self._connected() as connection:
            rows = {shard: Held(*held) for shard, *held in connection.execute("SELECT shard, epoch, place FROM shards")}
        return [rows.get(shard, Held()) for shard in range(self._shards)]

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            make_file(self._path)
            connection = sqlite3.connect(self._path, timeout=WAIT_S, isolation_level=None)
            try:
                connection.execute("PRAGMA synchronous = FULL")
                for table in TABLES:
                    connection.execute(table)
                yield connection
            finally:
                connection.close()
        except (sqlite3.Error, OSError) as error:
            raise StoreBroken(f"{self._path} cannot be read or written: {error}") from error


class PassingClaims:
    """In the memory of whoever keeps an engine whose store lies in memory: nobody can come later."""

    def __init__(self, shards: int) -> None:
        self._keeper = Held()
        self._held = [Held()] * shards

    def take_over(self, place: str) -> int:
        self._keeper = Held(self._keeper.epoch + 1, place)
        return self._keeper.epoch

    def keeper(self) -> Held:
        return self._keeper

    def give_up(self, epoch: int) -> None:
        if self._keeper.epoch == epoch:
            self._keeper = Held(epoch)

    def note(self, shard: int, held: Held) -> None:
        self._held[shard] = held

    def shards(self) -> Sequence[Held]:
        return self._held


def _held(rows: Iterator[tuple[int, str | None]]) -> Held:
    return next((Held(*row) for row in rows), Held())
