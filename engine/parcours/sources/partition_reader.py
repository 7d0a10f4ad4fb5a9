"""Reads one partition for as long as the engine runs: a session after the other, whatever ends one of them.

Where another process reads the partition, this one stands by, and goes on once shards have heard nothing of it for a
while. Whoever begins last is the reader: so a process that is started anew does not wait for the one before it,
and reads once more what that one had not told.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from parcours.errors import ParcoursError, ShardUnavailable
from parcours.shard.requests import GetReader
from parcours.source import PartitionGone, PositionOutOfRange, SourceUnreachable
from parcours.sources.lines import MakeLine
from parcours.sources.partition_log import PartitionLog
from parcours.sources.session import Session, Superseded
from parcours.sources.way_in import WayIn

log = logging.getLogger("parcours")

PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Pauses before a partition is read again, the longer the more often it has failed; the last is that of all others."""

SILENCE_S: Final = 10.0
"""A reader of which shards have heard nothing for so long is followed by one that stands by."""

LOOK_EVERY_S: Final = 1.0
"""How often one that stands by looks whether the reader still says anything."""

SETTLE_WITHIN_S: Final = 5.0
"""How long the end of reading waits for answers: what is under way then is read again, and recognised."""

State: TypeAlias = Literal["beginning", "reading", "paused", "standing by", "waiting", "over"]


@dataclass(frozen=True, slots=True)
class PartitionState:
    """How a partition is read.

    name      by what people know it
    position  where reading goes on, None as long as that is not known
    lag       lines of the log that no shard has answered, None where the log does not tell
    trouble   what keeps it from being read, in words
    """

    partition: str
    name: str
    state: State
    position: int | None
    lag: int | None
    trouble: str | None


class PartitionReader:
    """One partition of a source; `name` is that of both together, as shards know it."""

    def __init__(
        self,
        log: PartitionLog,
        name: str,
        way_in: WayIn,
        make: MakeLine,
        outcomes: Counter[str],
        may_read: asyncio.Event,
    ) -> None:
        self._what = log, name, way_in, make, outcomes, may_read
        self.log = log
        self._name = name
        self._way_in = way_in
        self._session: Session | None = None
        self._end: int | None = None
        self._state: State = "beginning"
        self._trouble: str | None = None
        self._failures = 0
        self._farthest = -1
        self._opened_s = 0.0

    def state(self, *, paused: bool) -> PartitionState:
        """How it is read now, in a source that is paused or is not."""
        session = self._session
        state = "paused" if paused and self._state in ("beginning", "reading") else self._state
        lag = None if session is None or session.lag is None else session.lag + session.lines
        position = self._end if session is None else session.position
        return PartitionState(self.log.partition, self.log.shown, state, position, lag, self._trouble)

    async def run(self) -> None:
        """Read until the partition is over, or until it is cancelled."""
        while self._state != "over":
            self._session = session = Session(*self._what)
            self._state = "beginning"
            try:
                await session.run(self._opened)
            except Superseded:
                await self._stand_by()
            except (PartitionGone, PositionOutOfRange, SourceUnreachable) as error:
                await self._wait(f"source {self._shown} is not read: {error}")
            except ParcoursError as error:
                if await _is_superseded(session):
                    await self._stand_by()
                else:
                    await self._wait(f"source {self._shown} is not read on: {error}")
            except Exception as error:
                log.exception("reading %s has failed", self._name)
                await self._wait(f"source {self._shown} has failed: {type(error).__name__}: {error}")
            else:
                self._state, self._end, self._session = "over", session.position, None

    @property
    def trouble(self) -> str | None:
        """What keeps it from being read, in words."""
        return self._trouble

    @property
    def _shown(self) -> str:
        """Its source and itself, by what people know it."""
        return f"{self._name.removesuffix(self.log.partition)}{self.log.shown}"

    async def settle(self) -> None:
        """What has been read is answered, and the position is told, if that does not take too long."""
        if self._session is not None and self._state == "reading":
            with suppress(TimeoutError, Superseded, ShardUnavailable):
                async with asyncio.timeout(SETTLE_WITHIN_S):
                    await self._session.settle()

    def _opened(self) -> None:
        self._state, self._trouble, self._opened_s = "reading", None, asyncio.get_running_loop().time()

    async def _wait(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.warning("%s", trouble)
        self._note_progress()
        self._state, self._trouble = "waiting", trouble
        pause_s = PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
        self._failures += 1
        await asyncio.sleep(pause_s)

    def _note_progress(self) -> None:
        """Pauses grow as long as one session after the other gets no farther, as in a file that is cut off."""
        position = None if self._session is None else self._session.position
        lasted_s = asyncio.get_running_loop().time() - self._opened_s if self._state == "reading" else 0.0
        if (position is not None and position > self._farthest) or lasted_s > PAUSES_S[-1]:
            self._failures = 0
        self._farthest = max(self._farthest, -1 if position is None else position)

    async def _stand_by(self) -> None:
        """Return once the reader has said nothing for a while."""
        log.info("%s is read by another process", self._name)
        self._state, self._trouble, self._session = "standing by", None, None
        loop, heard = asyncio.get_running_loop(), None
        since_s = loop.time()
        while loop.time() - since_s < SILENCE_S:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                now = await self._way_in.ports[0].ask(GetReader(self._name))
            except ShardUnavailable:
                since_s = loop.time()  # nor does the reader reach it
                continue
            if not now.name:
                return  # its position has been moved, and whoever comes first reads on
            if now != heard:
                heard, since_s = now, loop.time()


async def _is_superseded(session: Session) -> bool:
    try:
        return await session.is_superseded()
    except ParcoursError:
        return False
