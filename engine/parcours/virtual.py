"""How does virtual time pass? Recorded events in order, reads at their instants, then whatever falls due.

The drive is the same for every runtime: it speaks to shards through their ports only. Between the
instants at which all people have to be seen together (a read) shards run ahead of each other freely.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from parcours.config import Settings
from parcours.core.fact import Fact
from parcours.journey.program import Program
from parcours.ports import ShardPort
from parcours.reads import read_audience, read_entries
from parcours.router import Router, Taken

SETTLE_POLL_S = 0.002
"""How often it is looked whether providers have answered; only outside parties are waited for."""

CHUNK_LINES = 20_000
"""Lines handed to the router at once: enough to keep every shard busy."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A line with its timestamp in ms and its number in the file, from 1."""

    at: int
    number: int
    line: bytes


class Drive:
    """Feeds recorded events and lets time pass. `progress` is told how many lines are handed over, and the time."""

    def __init__(
        self,
        ports: Sequence[ShardPort],
        router: Router,
        program: Program,
        settings: Settings,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._ports = ports
        self._router = router
        self._program = program
        self._settings = settings
        self._progress = progress or (lambda lines, at_ms: None)
        self._fed = 0
        self.duplicate = 0
        self.accepted = 0
        self.undeclared = 0
        self.rejected: list[tuple[int, str]] = []
        """(line number, reason)"""

    async def run(self, events: Sequence[Recorded], until_ms: int | None) -> list[Fact]:
        """Everything that happens: events in the order given, timers through `until_ms` or until all is settled."""
        start = 0
        reads = read_entries(self._program)
        for journey, entry in reads:
            if until_ms is not None and entry.at_ms > until_ms:
                break
            end = start
            while end < len(events) and events[end].at <= entry.at_ms:
                end += 1
            await self._feed(events[start:end])
            start = end
            await self._pass_to(entry.at_ms)
            await read_audience(self._ports, journey, entry)
        await self._feed(events[start:])
        last_ms = events[-1].at if events else max((entry.at_ms for _, entry in reads), default=0)
        horizon_ms = last_ms + self._settings.loop_horizon_ms if until_ms is None else until_ms
        await self._pass_to(horizon_ms + 1)
        collected = [await port.collect_facts() for port in self._ports]
        return [fact for facts in collected for fact in facts]

    async def _feed(self, events: Sequence[Recorded]) -> None:
        under_way: list[tuple[Sequence[Recorded], asyncio.Future[Taken]]] = []
        for start in range(0, len(events), CHUNK_LINES):
            chunk = events[start : start + CHUNK_LINES]
            await self._router.room()
            under_way.append((chunk, self._router.start([event.line for event in chunk])))
            self._fed += len(chunk)
            self._progress(self._fed, chunk[-1].at)
            await asyncio.sleep(0)  # lets finished batches report before more are handed over
        for chunk, future in under_way:
            self._count(chunk, await future)

    def _count(self, chunk: Sequence[Recorded], taken: Taken) -> None:
        self.accepted += taken.accepted
        self.duplicate += taken.duplicate
        self.undeclared += taken.undeclared
        self.rejected += [(chunk[place].number, reason) for place, reason in taken.rejected]

    async def _pass_to(self, before_ms: int) -> None:
        """Let all timers before this time fire, and wait until every delivery has been answered for."""
        while True:
            await asyncio.gather(*(port.pass_time(before_ms) for port in self._ports))
            statuses = await asyncio.gather(*(port.status() for port in self._ports))
            if any(status.next_ms is not None and status.next_ms < before_ms for status in statuses):
                continue
            if not any(status.standing_still for status in statuses):
                return
            await asyncio.sleep(SETTLE_POLL_S)

