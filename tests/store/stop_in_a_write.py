"""Writes a record, stops itself before the commit, and says what became of it. Started by test_postgres_fencing.py.

The statement has reached the server and is done; what commits it, the end of the question, has not left yet.
"""

from __future__ import annotations

import os
import select
import signal
import sys

from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from parcours.store.postgres.holding import Holding
from parcours.store.postgres.schema import kept_in
from parcours.store.postgres.session import Session, session_name
from parcours.store.postgres.url import postgres_address

WRITE = (
    b"WITH held AS MATERIALIZED (SELECT shard FROM shards WHERE shard = 3 AND epoch = 0 FOR SHARE) "
    b"INSERT INTO journal SELECT shard, 1, '\\x00'::bytea, '\\x00'::bytea FROM held RETURNING sequence"
)


def main(address: str) -> None:
    session = Session(postgres_address(address), session_name("shard 3"))
    kept = kept_in(session)
    assert kept is not None
    Holding(session, kept, 3).take()
    connection = session._connection.pgconn
    connection.enter_pipeline_mode()
    connection.send_query_params(WRITE, None)
    connection.send_flush_request()
    written = next_result(connection)
    assert written is not None and written.get_value(0, 0) == b"1"
    say("written")
    os.kill(os.getpid(), signal.SIGSTOP)
    connection.pipeline_sync()
    next_result(connection)  # nothing: what was asked has been answered
    last = next_result(connection)
    is_kept = last is not None and last.status == ExecStatus.PIPELINE_SYNC
    say("committed" if is_kept else "refused")


def next_result(connection: PGconn) -> PGresult | None:
    while connection.flush():
        select.select([], [connection.socket], [])
    while connection.is_busy():
        select.select([connection.socket], [], [])
        connection.consume_input()
    return connection.get_result()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


main(sys.argv[1])
