"""A shard in this process: it opens again from its store by itself when it has stopped, as one on a cluster does.

What stops a shard is most often its store: a disk that is full or has failed. Nobody knows then what has been written,
so it is opened anew, and again until that works; meanwhile it is unavailable, and routers and dispatchers ask again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from parcours.background import spawn
from parcours.errors import ShardUnavailable, StoreBroken, StoreBusy
from parcours.shard.courier import PeerPort
from parcours.shard.host import ShardHost
from parcours.shard.requests import A, Request

log = logging.getLogger("parcours")

PAUSE_S: Final = 0.25
"""Pause before a shard is opened again."""

PAUSE_MAX_S: Final = 4.0
"""The pause doubles up to this while it stops again and again: its timers stop for hardly longer than the fault."""

WELL_AFTER_S: Final = 1.0
"""One that has been open for so long is in order again: on a disk that is full it stops at its next commit."""


class LocalShard:
    """Satisfies `ShardPort`. `open_host` opens the shard from its store, and is given what to call if it stops.

    comes_back  whether there is a store to open again. Without one, everybody who asks is told what has happened
    """

    def __init__(self, number: int, open_host: Callable[[Callable[[Exception], None]], ShardHost], *, comes_back: bool):
        self._name = f"shard {number}"
        self._open_host = open_host
        self._comes_back = comes_back
        self._host: ShardHost | None = None
        self._peers: Mapping[int, PeerPort] = {}
        self._pause_s = PAUSE_S
        self._tasks: set[asyncio.Task[None]] = set()
        self.trouble: str | None = None
        """Why it has stopped, None if it is in order."""

    def open(self) -> None:
        """Open it for the first time. Raises what opening raises."""
        self._host = self._open_host(self._stop)

    def meet(self, peers: Mapping[int, PeerPort]) -> None:
        """Introduce it to all shards, itself among them, now and whenever it is opened again."""
        self._peers = peers
        if self._host is not None:
            self._host.peers.meet(peers)

    def look(self) -> None:
        """See what the shard needs next."""
        if self._host is not None:
            self._host.look()

    async def ask(self, request: Request[A], /) -> A:
        """The shard's answer. Raises ShardUnavailable while it is not open."""
        host = self._host
        if host is None:
            raise ShardUnavailable(self.trouble)
        try:
            return await request.put_to(host)
        except (StoreBroken, StoreBusy) as error:
            if not self._comes_back:
                raise
            self._stop(error)
            raise ShardUnavailable(f"{self._name} is opened again: {error}") from error
        except Exception as error:
            if host.is_broken:
                self._stop(error)
            raise

    def _stop(self, error: Exception) -> None:
        """It has stopped: open it again, unless that is being done."""
        host, self._host = (self._host, None) if self._comes_back else (None, self._host)
        if host is not None:
            self._note(error)
            spawn(self._come_back(host), self._tasks)

    def _note(self, error: Exception) -> None:
        trouble = f"{self._name} has stopped and is opened again: {error}"
        if trouble != self.trouble:
            log.warning("%s", trouble)
        self.trouble = trouble

    async def _come_back(self, stopped: ShardHost) -> None:
        await _closed(stopped)
        while self._host is None:
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(2 * self._pause_s, PAUSE_MAX_S)
            try:
                self._host = self._open_host(self._stop)
            except Exception as error:  # noqa: BLE001  # whatever it is, it may be over at the next attempt
                self._note(error)
        host = self._host
        host.peers.meet(self._peers)
        host.look()
        await asyncio.sleep(WELL_AFTER_S)
        if self._host is host:
            self._pause_s, self.trouble = PAUSE_S, None
            log.info("%s is open again", self._name)

    async def close(self) -> None:
        """Give the store back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._host is not None:
            await self._host.close()


async def _closed(host: ShardHost) -> None:
    """Close what has stopped; a store that has failed may fail at that, too."""
    try:
        await host.close()
    except Exception as error:  # noqa: BLE001  # it is opened again anyway, which says what is wrong
        log.warning("a shard that has stopped does not close: %s", error)
