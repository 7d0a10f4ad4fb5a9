"""Signs of life: while a process lives, the server hears from each of its sessions that hold a shard.

A thread says something by the session every `BEAT_S` unless it has been used meanwhile. What is said is nothing; the
server notes when it was. A process that is frozen says nothing, and its successor needs not be told by hand
(holding.py).
"""

from __future__ import annotations

import logging
import threading
from typing import Final

import psycopg

from parcours.store.postgres.session import Session

BEAT_S: Final = 1.0
"""So often it is looked whether the session has been used: at the latest after twice as long something is said."""

log = logging.getLogger("parcours")


class Beat:
    """Goes on until it is ended, or its session is lost: whoever uses that next is told why."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="parcours-beat", daemon=True)
        self._thread.start()

    def _go_on(self) -> None:
        while not self._ended.wait(BEAT_S) and not self._session.is_lost:
            try:
                self._session.beat()
            except (psycopg.Error, OSError) as error:
                log.info("a sign of life could not be given: %s", self._session.address.without_secrets(str(error)))

    def end(self) -> None:
        """Nothing is said any more when it returns, so that the session can be closed."""
        self._ended.set()
        self._thread.join()
