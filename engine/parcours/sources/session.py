"""One reading of a partition, from where the shards' stores say until something ends it.

The partition is a router of its own. What it has read is under way until its shards have answered for good; the oldest
of it holds `below` back, which goes to the shards with every batch and once a second, and at which the next reading
begins. Whatever goes wrong ends the session, and what it had under way is read again: the shards know what they have.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import NoReturn, TypeVar

from parcours.background import until_one_ends
from parcours.errors import Overloaded, ShardUnavailable
from parcours.routing.reading import Reading
from parcours.routing.router import Router
from parcours.routing.taken import Taken
from parcours.shard.requests import BeginReading, GetReader, TellPosition
from parcours.source import Read
from parcours.sources.lines import MakeLine, line_of
from parcours.sources.partition_log import PartitionLog
from parcours.sources.way_in import PartitionPort, WayIn

T = TypeVar("T")

TELL_EVERY_S = 1.0
"""How often all shards are told the position, and hear that the partition is read."""

OVERLOADED_PAUSE_S = 0.5
"""Pause before lines are handed in again that a shard refused, as its outbox is full."""


class Superseded(Exception):
    """Another one reads the partition now."""


class Session:
    """
    position  where reading goes on, None as long as nobody has ever read the partition
    lag       lines of the log behind that, None where it does not tell
    outcomes  what became of lines; counted into what is handed in
    may_read  while it is not set, nothing is read
    """

    def __init__(
        self,
        log: PartitionLog,
        name: str,
        way_in: WayIn,
        make: MakeLine,
        outcomes: Counter[str],
        may_read: asyncio.Event,
    ) -> None:
        """`name` is what shards call the partition."""
        self._log = log
        self._name = name
        self._way_in = way_in
        self._make = make
        self._outcomes = outcomes
        self._may_read = may_read
        self._id = uuid.uuid4().hex
        self._reading = Reading(name, 0)
        self._router = Router(
            self._id, way_in.ports, way_in.program(), way_in.settings, way_in.slot_map,
            shares_loop=way_in.shares_loop, reading=self._reading,
        )  # fmt: skip
        self._under_way: deque[tuple[int, int, Taken]] = deque()
        """(first offset, lines, what becomes of them) of each reading, the oldest first."""
        self._answered = asyncio.Event()
        self._failure: asyncio.Future[NoReturn] = asyncio.get_running_loop().create_future()
        self.position: int | None = None
        self.lag: int | None = None

    async def is_superseded(self) -> bool:
        """Whether another one reads the partition by now."""
        return (await self._way_in.ports[0].ask(GetReader(self._name))).name not in ("", self._id)

    @property
    def lines(self) -> int:
        """Lines under way, counted from the oldest one that is not answered."""
        return sum(lines for _, lines, _ in self._under_way)

    async def run(self, opened: Callable[[], None]) -> None:
        """Read until the partition is over. `opened` is called once the log has been read.

        Raises Superseded, what reading raises, and what becomes of lines that no shard has answered.
        """
        try:
            await self._begin()
            ended = await until_one_ends(self._go_on(opened), self._tell_again_and_again(), _raised_by(self._failure))
        finally:
            self._failure.cancel()
            await self._router.close()
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _begin(self) -> None:
        told = await self._ask_all(lambda port: port.ask(BeginReading(self._name, self._id)))
        self.position = min((below for below in told if below is not None), default=None)
        if self.position is not None:
            self._reading.below = self.position

    async def _go_on(self, opened: Callable[[], None]) -> None:
        read = await self._read()
        opened()
        if self.position is None:
            self._reading.below = read.lines[0].offset if read.lines else read.position
        await self._hand_in(read)
        while not read.is_over:
            read = await self._read()
            await self._hand_in(read)
        await self.settle()

    async def _read(self) -> Read:
        await self._may_read.wait()
        return await self._log.read(self.position, self._way_in.settings.batch_events_max)

    async def _hand_in(self, read: Read) -> None:
        """Put what has been read into the lanes, once there is room."""
        cloud_types = self._way_in.program().cloud_types
        made = [(each.offset, line_of(each, self._log.partition, self._make, cloud_types)) for each in read.lines]
        offsets = [offset for offset, line in made if line is not None]
        lines = [line for _, line in made if line is not None]
        if ignored := len(made) - len(lines):
            self._outcomes["ignored"] += ignored
        if lines:
            while self._under_way and self.lines + len(lines) > self._way_in.settings.source_lines_max:
                self._answered.clear()
                await self._answered.wait()
            taken = await self._taken(lines, offsets)
            self._under_way.append((offsets[0], len(lines), taken))
            taken.done.add_done_callback(self._on_answer)
        self.position, self.lag = read.position, read.lag
        self._move_on()

    async def _taken(self, lines: Sequence[bytes], offsets: Sequence[int]) -> Taken:
        while True:
            self._router.publish(self._way_in.program())
            dealt = self._router.deal(lines)
            await self._router.room(dealt)
            try:
                return self._router.hand_in(lines, dealt, numbers=offsets)
            except Overloaded:
                await asyncio.sleep(OVERLOADED_PAUSE_S)

    def _on_answer(self, done: asyncio.Future[Taken]) -> None:
        if done.cancelled():
            return
        if (error := done.exception()) is not None:
            if not self._failure.done():
                self._failure.set_exception(error)
            return
        self._move_on()
        self._answered.set()

    def _move_on(self) -> None:
        """Let `below` go on to the oldest line that is under way."""
        while self._under_way and _is_answered(self._under_way[0][2]):
            _, _, taken = self._under_way.popleft()
            self._count(taken)
        if self._under_way:
            self._reading.below = self._under_way[0][0]
        elif self.position is not None:
            self._reading.below = self.position

    def _count(self, taken: Taken) -> None:
        self._outcomes["accepted"] += taken.accepted - taken.undeclared
        self._outcomes["undeclared"] += taken.undeclared
        self._outcomes["duplicate"] += taken.duplicate
        self._outcomes["set_aside"] += len(taken.rejected)

    async def _tell_again_and_again(self) -> None:
        while True:
            with suppress(ShardUnavailable):  # it is told again, and with the next batch
                await self._tell()
            await asyncio.sleep(TELL_EVERY_S)

    async def _tell(self) -> None:
        below = None if self.position is None else self._reading.below
        request = TellPosition(self._name, self._id, below)
        if not all(await self._ask_all(lambda port: port.ask(request))):
            raise Superseded

    async def settle(self) -> None:
        """All that was read is answered, and all shards know the position."""
        while self._under_way:
            self._answered.clear()
            await self._answered.wait()
        await self._tell()

    async def _ask_all(self, ask: Callable[[PartitionPort], Awaitable[T]]) -> list[T]:
        return list(await asyncio.gather(*map(ask, self._way_in.ports)))


def _is_answered(taken: Taken) -> bool:
    return taken.done.done() and not taken.done.cancelled() and taken.done.exception() is None


async def _raised_by(failure: asyncio.Future[NoReturn]) -> None:
    await failure
