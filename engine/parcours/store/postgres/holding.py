"""Who has a shard: the advisory lock that its owner's session holds while it lives.

It tells that the shard is in use, and by which process; epochs alone fence. Such a lock belongs to a session, so it
ends with its process, and with the machine as soon as the server notices that it is gone.

A process that is frozen keeps its session, and says nothing by it. One that lives says something at least every two
`BEAT_S` (beat.py), and the server knows when it last did. So whoever opens the shard to own it waits until the lock is
given back, or until the session has been quiet for `FROZEN_AFTER_S` while the server waits for its process: then it is
ended, as that of a predecessor is. Whoever only wants to look ends nobody. Where the server does not tell of a session,
which is then of another user, it counts as one that lives.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from psycopg import errors
from psycopg.types.numeric import Int8

from parcours.errors import StoreBusy
from parcours.store.door_note import door_at
from parcours.store.postgres.beat import BEAT_S
from parcours.store.postgres.schema import Kept, lock_class
from parcours.store.postgres.session import DEAD_AFTER_S, LOCK_S, Session

OTHERS: Final = (
    "SELECT pid, coalesce(application_name, ''), coalesce(host(client_addr), 'this machine'), backend_start::text, "
    "extract(epoch FROM clock_timestamp() - state_change)::float8, "
    "coalesce(state = 'active' AND wait_event_type IS DISTINCT FROM 'Client', true) "
    "FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted AND objsubid = 2 "
    "AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND classid = (%s::bigint & 4294967295)::oid AND objid = %s::bigint::oid AND pid <> pg_backend_pid()"
)

END: Final = "SELECT pg_terminate_backend(%s, %s)"

ENDED_MS: Final = 2_000
"""So long the end of another session is waited for."""

FROZEN_AFTER_S: Final = DEAD_AFTER_S
"""A process that has said nothing for so long is frozen: as long as it takes to notice that a machine is gone."""

ATTEMPTS: Final = FROZEN_AFTER_S // LOCK_S + 3
"""How often the lock is asked for, `LOCK_S` each time: until whoever has it is known to be frozen, and is ended."""

log = logging.getLogger("parcours")


class Other(NamedTuple):
    """A session that holds the lock.

    quiet_s  since when nothing has been heard of its process, None where the server does not tell
    works    whether the server is busy for it, and does not wait for its process
    """

    pid: int
    name: str
    where: str
    since: str
    quiet_s: float | None
    works: bool

    def is_quiet(self, seconds: float) -> bool:
        """Whether the server has waited for a sign of life for so long."""
        return self.quiet_s is not None and self.quiet_s >= seconds and not self.works


class Holding:
    """The lock of one shard. Errors of PostgreSQL pass through, but for those of the lock.

    frozen_after_s  how long a process has to be quiet to count as frozen
    """

    def __init__(self, session: Session, kept: Kept, shard: int, frozen_after_s: float = FROZEN_AFTER_S) -> None:
        self._session = session
        self._shard = shard
        self._lock = lock_class(kept.id), shard
        self._files = session.address.files or (None if kept.files is None else Path(kept.files))
        self._frozen_after_s = frozen_after_s
        self._is_held = False

    def take(self) -> None:
        """Hold the shard from now on. Raises StoreBusy, which names whoever has it, if that is not over in a moment."""
        if not self._is_taken():
            raise StoreBusy(self._in_use(self._others()))

    def take_from_frozen(self) -> None:
        """Hold the shard, which is to be acquired; the session of a process that is frozen is ended.

        Raises StoreBusy, which names whoever has it, as soon as that one gives a sign of life.
        """
        for _ in range(ATTEMPTS):
            others = self._others()
            frozen = [each for each in others if each.is_quiet(self._frozen_after_s)]
            if frozen and not self._end(frozen, "is that of a frozen process"):
                return  # the epoch fences it off all the same
            if self._is_taken():
                return
            others = self._others()
            if any(not each.is_quiet(min(2 * BEAT_S, self._frozen_after_s)) for each in others):
                break
        raise StoreBusy(self._in_use(others))

    def take_from_others(self) -> None:
        """Hold the shard, whose epoch has been acquired: the sessions of earlier owners are ended."""
        if self._is_held:
            return
        self._end(self._others(), "is that of an earlier owner")
        try:
            self.take()
        except StoreBusy as error:  # it is fenced off all the same, and may not be told that it is in use
            log.warning("%s", error)

    def end_predecessors(self) -> None:
        """End the sessions that stopped in the middle of a write, which keeps the shard's row from a successor."""
        self._end([each for each in self._others() if not each.works], "has stopped in the middle of a write")

    def _is_taken(self) -> bool:
        try:
            self._session.run("SELECT pg_advisory_lock(%s, %s)", *self._lock)
        except errors.LockNotAvailable:
            return False
        self._is_held = True
        return True

    def _end(self, others: Sequence[Other], why: str) -> bool:
        """End these sessions. False if one is of another user of the server, and stays."""
        is_ended = True
        for other in others:
            log.warning(
                "shard %d of %s: a session is ended, which %s (%s, from %s)",
                self._shard, self._session.address.shown, why, other.name, other.where,
            )  # fmt: skip
            try:
                self._session.run(END, other.pid, Int8(ENDED_MS))
            except errors.InsufficientPrivilege:
                log.warning("that session is of another user of the server, and stays; its epoch is over")
                is_ended = False
        return is_ended

    def _others(self) -> list[Other]:
        return [Other(*row) for row in self._session.run(OTHERS, *map(Int8, self._lock))]

    def _in_use(self, others: Sequence[Other]) -> str:
        where = f"shard {self._shard} of {self._session.address.shown}"
        other = others[0] if others else None
        is_quiet = other is not None and other.is_quiet(LOCK_S)
        door = None if self._files is None or is_quiet else door_at(self._files)
        if door is not None:
            return f"{where} is in use by the engine whose door is at {door}: ask it there, by --url {door}"
        if other is None:
            return f"{where} is in use: close the engine that has it, then try again"
        by = f"{where} is in use by {other.name}, from {other.where}, since {other.since}"
        end = f"`select pg_terminate_backend({other.pid})`"
        if is_quiet:
            return (
                f"{by}, and nothing has been heard of it for {other.quiet_s:.0f} s: it is frozen; end it, or let an "
                f"engine take the store over, or {end}, then try again"
            )
        return f"{by}: close the engine that has it, or {end} if it is frozen, then try again"
