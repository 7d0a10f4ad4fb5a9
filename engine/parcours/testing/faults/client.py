"""The client and its ledger: what was handed in, what was acknowledged, and what has to come before what.

It lives outside of the engine. What was not acknowledged it hands in again, with the same message ids; a line without
an id it does not, because nobody could tell the second from another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from parcours.errors import ShardUnavailable
from parcours.routing.router import Router
from parcours.routing.taken import Taken
from parcours.testing.faults.cluster import Cluster
from parcours.testing.faults.loop import SimulatedLoop
from parcours.testing.faults.plan import Call
from parcours.testing.faults.visitors import written_under

PAUSE_S = 0.7
"""Pause before a client hands in again."""

TRIES_MAX = 400


@dataclass(slots=True)
class Line:
    """A line of the client's ledger. Moments are counted: 1, 2, 3 ...

    person    the name that it is written under, or whom it is about where only the client knows
    given     when it was handed in for the first time
    acked     when it was acknowledged, None as long as it has not been
    rejected  the reason, where it was
    tries     how often it was handed in
    router    how often the engine had been started when a router got it for the first time
    turn      when that was
    is_report whether a provider reports on a delivery
    """

    data: bytes
    person: str
    message_id: str | None
    given: int = 0
    acked: int | None = None
    rejected: str | None = None
    tries: int = 0
    router: int = 0
    turn: int = 0
    is_report: bool = False


@dataclass(slots=True)
class Client:
    """Hands in the calls of a plan."""

    loop: SimulatedLoop
    cluster: Cluster
    lines: list[Line] = field(default_factory=list)
    under_way: int = 0
    _moments: int = 0
    _last: dict[str, asyncio.Future[None]] = field(default_factory=dict)

    def plan(self, call: Call) -> None:
        """Hand this in at its time."""
        self.under_way += 1
        self.loop.outside(call.at_s - self.loop.time(), self._begin, call.lines, call.waits)

    def report(self, after_s: float, person: str, line: bytes) -> None:
        """A provider reports on a delivery of this person."""
        self.under_way += 1
        message_id = msgspec.json.decode(line)["messageId"]
        self.loop.outside(after_s, self._start, [Line(line, person, message_id, is_report=True)], False)

    def _begin(self, lines: tuple[dict[str, Any], ...], waits: bool) -> None:
        given = [Line(msgspec.json.encode(line), written_under(line), line.get("messageId")) for line in lines]
        self._start(given, waits)

    def _start(self, lines: list[Line], waits: bool) -> None:
        people = {line.person for line in lines}
        before = [self._last[person] for person in people if person in self._last] if waits else []
        done: asyncio.Future[None] = self.loop.create_future()
        for person in people:
            self._last[person] = done
        self.lines += lines
        self.loop.spawn_outside(self._hand_in(lines, before, done))

    async def _hand_in(self, lines: list[Line], before: list[asyncio.Future[None]], done: asyncio.Future[None]) -> None:
        for earlier in before:
            await asyncio.wait({earlier})
        left = lines
        self._moments += 1
        for line in lines:
            line.given = self._moments
        for _ in range(TRIES_MAX):
            router = self.cluster.router
            if router is not None:
                self._moments += 1
                for line in left:
                    line.tries += 1
                    if line.tries == 1:
                        line.router, line.turn = self.cluster.starts, self._moments
                try:
                    self._acknowledge(left, await self.cluster.process.answer(_taking(router, left)))
                    left = []
                except ShardUnavailable:
                    left = [line for line in left if line.message_id is not None]
                if not left:
                    break
            await asyncio.sleep(PAUSE_S)
        done.set_result(None)
        self.under_way -= 1

    def _acknowledge(self, lines: list[Line], taken: Taken) -> None:
        self._moments += 1
        reasons = dict(taken.rejected)
        for place, line in enumerate(lines):
            line.acked = self._moments
            line.rejected = reasons.get(place)


def _taking(router: Router, lines: list[Line]) -> Callable[[], Awaitable[Taken]]:
    """The engine's router is a process of its own."""
    return lambda: router.take([line.data for line in lines])
