"""Who has a shard: the advisory lock that its owner's session holds while it lives.

It tells that the shard is in use, and by which process; epochs alone fence. Such a lock belongs to a session, so it
ends with its process, and with the machine as soon as the server notices that it is gone.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

from psycopg import errors
from psycopg.types.numeric import Int8

from parcours.errors import StoreBusy
from parcours.store.door_note import door_at
from parcours.store.postgres.schema import Kept, lock_class
from parcours.store.postgres.session import Session

OTHERS: Final = (
    "SELECT pid, coalesce(application_name, ''), coalesce(host(client_addr), 'this machine'), backend_start::text "
    "FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted AND objsubid = 2 "
    "AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND classid = (%s::bigint & 4294967295)::oid AND objid = %s::bigint::oid AND pid <> pg_backend_pid()"
)

END: Final = "SELECT pg_terminate_backend(%s, %s)"

ENDED_MS: Final = 2_000
"""So long the end of another session is waited for."""

log = logging.getLogger("parcours")


class Holding:
    """The lock of one shard. Errors of PostgreSQL pass through, but for those of the lock."""

    def __init__(self, session: Session, kept: Kept, shard: int) -> None:
        self._session = session
        self._shard = shard
        self._lock = lock_class(kept.id), shard
        self._files = session.address.files or (None if kept.files is None else Path(kept.files))
        self._is_held = False

    def take(self) -> None:
        """Hold the shard from now on. Raises StoreBusy, which names whoever has it, if that is not over in a moment."""
        try:
            self._session.run("SELECT pg_advisory_lock(%s, %s)", *self._lock)
        except errors.LockNotAvailable:
            raise StoreBusy(self._in_use()) from None
        self._is_held = True

    def take_from_others(self) -> None:
        """Hold the shard, whose epoch has been acquired: the sessions of earlier owners are ended."""
        if self._is_held:
            return
        for pid, name, where, _ in self._others():
            log.warning(
                "shard %d of %s: the session of an earlier owner is ended (%s, from %s)",
                self._shard, self._session.address.shown, name, where,
            )  # fmt: skip
            try:
                self._session.run(END, pid, Int8(ENDED_MS))
            except errors.InsufficientPrivilege:
                log.warning("that session is of another user of the server, and stays; its epoch is over")
        try:
            self.take()
        except StoreBusy as error:  # it is fenced off all the same, and may not be told that it is in use
            log.warning("%s", error)

    def _others(self) -> list[tuple[Any, ...]]:
        return self._session.run(OTHERS, *map(Int8, self._lock))

    def _in_use(self) -> str:
        where = f"shard {self._shard} of {self._session.address.shown}"
        door = None if self._files is None else door_at(self._files)
        if door is not None:
            return f"{where} is in use by the engine whose door is at {door}: ask it there, by --url {door}"
        others = self._others()
        by = f" by {others[0][1]}, from {others[0][2]}, since {others[0][3]}" if others else ""
        end = f", or `select pg_terminate_backend({others[0][0]})` if it is frozen" if others else ""
        return f"{where} is in use{by}: close the engine that has it{end}, then try again"
