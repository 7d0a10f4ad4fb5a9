"""A session with the server: how it is opened, what it has to be before anything is trusted to it, and its errors.

What a session sets for itself, so that nobody waits for a stranger:

- `synchronous_commit` is on, whatever the server has: a commit that is answered is on its disk.
- Statements, waiting for locks, and idling in a transaction are bounded there. An owner that is frozen holds no row
  that its successor needs: each write is one statement, and no transaction stays open between two of them.
- A client that is gone is noticed by keep-alives within `DEAD_AFTER_S`; so is a server, and one that is there and does
  not answer within `ANSWER_S`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.waiting import Ready, Wait

from parcours.errors import ParcoursError, StoreBroken, StoreBusy
from parcours.store.postgres.url import ESCAPES, PostgresAddress

T = TypeVar("T")

CONNECT_S: Final = 10
"""Within this the server has to take a new session."""

LOCK_S: Final = 3
"""So long a statement waits for a row or lock that another session has: a commit takes far less."""

STATEMENT_S: Final = 30
"""So long a statement may take: the largest are pieces of a mebibyte or two."""

IDLE_IN_TRANSACTION_S: Final = 5
"""So long a session may keep a transaction open without doing anything in it."""

ANSWER_S: Final = STATEMENT_S + 10
"""So long an answer of the server is waited for: it ends its statements before."""

WAKE_S: Final = 0.1
"""So often whoever waits for an answer can be interrupted."""

SWEEP_S: Final = 600
"""So long the sweeping of a table may take; it is asked for when somebody has been erased."""

DEAD_AFTER_S: Final = 15
"""After so long without a sign of life the other side's machine is taken for gone: three probes, 5 s apart."""

VERSION_MIN: Final = 140_000
"""PostgreSQL 14, as the server counts: the oldest that its makers still repair."""

SETTINGS: Final[Sequence[tuple[str, str]]] = (
    ("statement_timeout", f"{STATEMENT_S}s"),
    ("lock_timeout", f"{LOCK_S}s"),
    ("idle_in_transaction_session_timeout", f"{IDLE_IN_TRANSACTION_S}s"),
    ("tcp_keepalives_idle", str(DEAD_AFTER_S // 3)),
    ("tcp_keepalives_interval", str(DEAD_AFTER_S // 3)),
    ("tcp_keepalives_count", "3"),
    ("client_connection_check_interval", "5s"),
)

OF_LIBPQ: Final = {
    "connect_timeout": str(CONNECT_S),
    "keepalives_idle": str(DEAD_AFTER_S // 3),
    "keepalives_interval": str(DEAD_AFTER_S // 3),
    "keepalives_count": "3",
    "tcp_user_timeout": str(DEAD_AFTER_S * 1_000),
    "target_session_attrs": "read-write",  # of several hosts the one that decides, never a replica
}
"""What is asked of libpq where the address does not say otherwise."""


class _Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that does not wait for ever: a server that stopped in the middle of an answer never says so.

    answer_s  so long it waits for an answer
    """

    answer_s: float = ANSWER_S

    def wait(self, gen: Generator[Wait, Ready | int, T], interval: float = WAKE_S, timeout: float | None = None) -> T:
        try:
            return super().wait(gen, interval, self.answer_s if timeout is None else timeout)
        except errors._WaitTimeout:  # psycopg has no other name for it
            self.pgconn.finish()  # what it answers later belongs to no question any more
            raise psycopg.OperationalError(f"the server has not answered within {self.answer_s:g} s") from None


class Session:
    """One connection, each statement a transaction of its own unless `together` says otherwise.

    Opening raises StoreBroken if the server cannot be reached, or is none to which a store may be trusted.
    """

    def __init__(self, address: PostgresAddress, name: str) -> None:
        self.address = address
        self._connection = _connect(address, name)
        self._cursor = self._connection.cursor(binary=True)
        self._is_used = True
        try:
            with self.errors_in_words():
                self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        values = [part for setting in SETTINGS for part in setting]
        calls = sql.SQL(", ").join([sql.SQL("set_config(%s, %s, false)")] * len(SETTINGS))
        self._cursor.execute(sql.SQL("SELECT {}").format(calls), values, prepare=False)
        self.run(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')"
        )
        self.run("SELECT set_config('search_path', %s, false)", f"{self.address.schema}, pg_catalog")
        check_server(self)

    def run(self, statement: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """The rows that a statement answers with; none where it has no rows to answer with."""
        self._is_used = True
        cursor = self._cursor.execute(statement, values, prepare=True)
        return [] if cursor.description is None else cursor.fetchall()

    def say(self, statement: sql.Composed | LiteralString) -> None:
        """Run a statement that has no place for values, and no answer."""
        self._cursor.execute(statement, prepare=False)

    def beat(self) -> None:
        """Let the server hear from this process, if it has not since this was called last; from any thread."""
        if not self._is_used:
            with self._connection.cursor() as cursor:  # the other one may hold an answer that has not been fetched
                cursor.execute("SELECT")
        self._is_used = False

    def sweep(self, *tables: str) -> None:
        """Take dead rows out of these tables, which may take a while."""
        self._bound(SWEEP_S, SWEEP_S)
        self._connection.answer_s = SWEEP_S + ANSWER_S
        for table in tables:
            self.say(sql.SQL("VACUUM {}").format(sql.Identifier(table)))
        self._connection.answer_s = ANSWER_S
        self._bound(STATEMENT_S, LOCK_S)

    def _bound(self, statement_s: int, lock_s: int) -> None:
        self.run(
            "SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false)",
            f"{statement_s}s", f"{lock_s}s",
        )  # fmt: skip

    @contextmanager
    def together(self) -> Iterator[None]:
        """The statements within are one transaction."""
        with self._connection.transaction():
            yield

    @contextmanager
    def errors_in_words(self, doing: str | None = None) -> Iterator[None]:
        """Say what an error of PostgreSQL means; `doing` is what was under way, whose outcome may be unknown."""
        try:
            yield
        except (psycopg.Error, OSError) as error:
            raise in_words(self.address, error, doing if self.is_lost else None) from error

    @property
    def is_lost(self) -> bool:
        """Whether the connection has ended, or is about to."""
        return self._connection.closed

    def close(self) -> None:
        """End the session; the server undoes what has not been committed."""
        self._connection.close()


def _connect(address: PostgresAddress, name: str) -> _Connection:
    try:
        said = conninfo_to_dict(address.conninfo)
    except psycopg.Error:  # its words may quote a part of a password
        raise StoreBroken(
            f"the store {address.shown} has an address that PostgreSQL does not take: {ESCAPES}, and look at its names"
        ) from None
    ours = {**OF_LIBPQ, "application_name": name}
    conninfo = make_conninfo(address.conninfo, **{each: ours[each] for each in ours if each not in said})
    try:
        return _Connection.connect(conninfo, autocommit=True, prepare_threshold=0)
    except (psycopg.Error, OSError) as error:
        raise in_words(address, error) from error


def session_name(what: str) -> str:
    """How a session is called in the server's lists: whoever looks there learns which process it is of."""
    return f"parcours {what}, process {os.getpid()} on {socket.gethostname()}"[:63]


def check_server(session: Session) -> None:
    """Raise StoreBroken unless what the server has answered is on its disk, and it is the one that decides."""
    ((version, fsync, is_replica, is_read_only),) = session.run(
        "SELECT current_setting('server_version_num')::int, current_setting('fsync'), pg_is_in_recovery(), "
        "current_setting('transaction_read_only')"
    )
    where = session.address.shown
    if version < VERSION_MIN:
        raise StoreBroken(f"the server of {where} is PostgreSQL {version // 10_000}: a store needs 14 or newer")
    if is_replica or is_read_only == "on":
        raise StoreBroken(f"the server of {where} is a replica, or only to be read: name the one that is written to")
    if fsync != "on":
        raise StoreBroken(
            f"the server of {where} has fsync off, so what it has answered may be lost: turn it on, and restart it"
        )


def in_words(address: PostgresAddress, error: psycopg.Error | OSError, doing: str | None = None) -> ParcoursError:
    """What an error of PostgreSQL or of the way to it means to whoever runs the store."""
    why = address.without_secrets(" ".join(str(error).split())) or type(error).__name__
    where = f"the store {address.shown}"
    if doing is not None:
        return StoreBroken(
            f"{where} was lost while {doing} ({why}): whether that has been kept only the store can say; open it again"
        )
    match error:
        case errors.LockNotAvailable():
            return StoreBusy(f"{where} is in use ({why}): close the engine that has it, then try again")
        case errors.UndefinedTable() | errors.InvalidSchemaName() | errors.UndefinedColumn():
            return StoreBroken(f"there is no store at {address.shown} any more ({why}): put it back from a backup")
        case errors.InsufficientPrivilege():
            return StoreBroken(f"{where} cannot be used ({why}): give its user the right to it, then open it again")
        case _:
            return StoreBroken(f"{where} cannot be used ({why}): look at the server, then open the store again")
