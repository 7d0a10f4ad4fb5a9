"""What a server is like to which a store is to be trusted: its version, its settings, and how long a commit takes."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from statistics import median
from typing import Final

from parcours.clock import stopwatch_ms
from parcours.store.postgres.schema import Kept, kept_in
from parcours.store.postgres.session import Session, session_name
from parcours.store.postgres.url import postgres_address

COMMITS: Final = 11
COMMIT_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class ServerFound:
    """
    version      as the server says it
    kept         the store, None if there is none yet
    whole_pages  whether a machine that loses its power leaves no page half-written
    sessions     how many there may be at once, of all users
    used         how many there are
    commit_ms    how long a commit of 4 KB takes, there and back, in the median
    """

    version: str
    kept: Kept | None
    whole_pages: bool
    sessions: int
    used: int
    commit_ms: float


def examined(address: str) -> ServerFound:
    """The server of a store. Raises StoreBroken if it cannot be reached, or nothing may be trusted to it."""
    with closing(Session(postgres_address(address), session_name("doctor"))) as session, session.errors_in_words():
        kept = kept_in(session)
        ((version, pages, most, reserved, used),) = session.run(
            "SELECT current_setting('server_version'), current_setting('full_page_writes'), "
            "current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int, "
            "(SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend')"
        )
        took: list[float] = []
        for _ in range(COMMITS):
            started = stopwatch_ms()
            # It is in the server's log alone, and waited for as for any commit; nobody has to make a table for it.
            session.run("SELECT pg_logical_emit_message(true, 'parcours', %s)::text", "0" * COMMIT_BYTES)
            took.append(stopwatch_ms() - started)
        return ServerFound(version.split()[0], kept, pages == "on", most - reserved, used, median(took))
