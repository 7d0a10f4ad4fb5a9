"""How destinations are told facts: shard by shard, record by record, at least once and in order.

Each destination has a sender for each shard, with an instance of its own. It reads a slice behind what it has told,
hands it over batch by batch, and lets the shard commit its position once a second: after a crash at most as much comes
again, under the same ids. One slice is in memory at a time, so whoever takes slowly is told slowly, and a shard waits
for nobody.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

from parcours.background import in_thread, spawn
from parcours.destination import FactRow, FactsDestination, FactsRefused
from parcours.errors import ShardUnavailable
from parcours.insight.exporter.fact_rows import FactRows
from parcours.insight.exporter.rows import Telling
from parcours.journey.program import Program
from parcours.routing.fact_destinations import FactsTo
from parcours.routing.ports import ShardPort
from parcours.shard.requests import ReadFacts, TellFacts

log = logging.getLogger("parcours")

LOOK_EVERY_S: Final = 0.25
"""Pause before a shard is asked again that had nothing to tell."""

COMMIT_EVERY_S: Final = 1.0
"""How often a position is committed: so much is told again after a crash."""

PAUSE_S: Final = 1.0
"""Pause after a failure; it doubles."""

PAUSE_MAX_S: Final = 60.0

STOP_WITHIN_S: Final = 5.0
"""How long an engine that stops goes on telling what there is."""

Open = Callable[[], FactsDestination]
"""Makes an instance of a destination, not started yet."""


class FactSender:
    """Tells one destination the facts of one shard. `trouble` says what is not in order, None if nothing is wrong."""

    def __init__(
        self, to: FactsTo, open_: Open, rows: FactRows, shard: int, port: ShardPort, telling: Callable[[int], Telling]
    ) -> None:
        self._to, self._open, self._rows = to, open_, rows
        self._shard, self._port = shard, port
        self._telling = telling
        self._destination: FactsDestination | None = None
        self._after: int | None = None
        self._told = self._refused = 0
        self._committed_s: float | None = None
        self._is_new = False
        self._ending = asyncio.Event()
        self.trouble: str | None = None

    def end(self) -> None:
        """Tell what there is, then stop."""
        self._ending.set()

    async def follow(self) -> None:
        """Tell for ever, until the end."""
        pause_s = PAUSE_S
        try:
            while True:
                is_last = self._ending.is_set()  # while a slice was told that was read before, others came
                try:
                    more = await self.step()
                except ShardUnavailable:
                    more, pause = False, LOOK_EVERY_S  # its runtime looks after it, and says what is wrong
                except Exception as error:  # noqa: BLE001  # whatever a destination raises, it is tried again
                    what = f"the destination {self._to.name} does not take the facts of shard {self._shard}"
                    self._note(f"{what}: {_words(error)}")
                    await self._close()
                    if self._ending.is_set():
                        return
                    more, pause, pause_s = False, pause_s, min(2 * pause_s, PAUSE_MAX_S)
                else:
                    self._note(None)
                    pause, pause_s = LOOK_EVERY_S, PAUSE_S
                if more:
                    continue
                if is_last:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._ending.wait()
        finally:
            await self._close()

    def _note(self, trouble: str | None) -> None:
        if trouble is not None and trouble != self.trouble:
            log.warning("%s", trouble)
        elif trouble is None and self.trouble is not None:
            log.info("the destination %s takes the facts of shard %d again", self._to.name, self._shard)
        self.trouble = trouble

    async def step(self) -> bool:
        """Tell a slice; returns whether there is more. Raises what the destination raises, and ShardUnavailable."""
        part = await self._port.ask(ReadFacts(self._to.name, self._after))
        if part is None:
            return False
        rows = self._rows.of(part, self._telling(self._shard))
        counted: list[int] = []
        while batch := await in_thread(_take, rows, self._to.batch):
            self._refused += (refused := await self._publish([row for _, row in batch]))
            self._told -= refused
            counted += [record for record, _ in batch]
            self._pass(batch[-1][0] - 1, counted)
            await self._commit()
        self._pass(part.through, counted)
        self._is_new = self._is_new or bool(part.records)
        await self._commit(at_once=self._ending.is_set() and not part.more)
        return part.more

    def _pass(self, through: int, counted: list[int]) -> None:
        """Everything up to this record is told; `counted` are the records of the rows of which that is not said yet."""
        if self._after is not None and through <= self._after:
            return
        self._after = through
        done = [each for each in counted if each <= through]
        self._told += len(done)
        self._is_new = self._is_new or bool(done)
        counted[:] = counted[len(done) :]

    async def _publish(self, facts: Sequence[FactRow]) -> int:
        """Hand these over; returns how many are refused for good."""
        if self._destination is None:
            self._destination = self._open()
            await self._destination.start()
        try:
            await self._destination.publish(facts)
        except FactsRefused as refused:
            for key, reason in refused.reasons.items():
                log.warning("the destination %s refuses the fact %s: %s", self._to.name, key, reason)
            return len(refused.reasons)
        return 0

    async def _commit(self, *, at_once: bool = False) -> None:
        """Let the shard know how far the destination is, if it is time."""
        now_s = asyncio.get_running_loop().time()
        if self._committed_s is None:
            self._committed_s = now_s
        if not self._is_new or self._after is None or (now_s - self._committed_s < COMMIT_EVERY_S and not at_once):
            return
        await self._port.ask(TellFacts(self._to.name, self._after, self._told, self._refused))
        self._told = self._refused = 0
        self._committed_s, self._is_new = now_s, False

    async def _close(self) -> None:
        destination, self._destination = self._destination, None
        if destination is not None:
            try:
                await destination.stop()
            except Exception as error:  # noqa: BLE001  # it is opened anew
                log.warning("the destination %s does not stop: %s", self._to.name, _words(error))


class FactSenders:
    """The senders of an engine, all on one event loop."""

    def __init__(
        self, opens: Sequence[tuple[FactsTo, Open]], program: Program, project: str, secret: str | None
    ) -> None:
        """secret: by what addresses are hashed."""
        self._opens = [(to, open_, FactRows(to, project)) for to, open_ in opens]
        self._program, self._secret = program, secret
        self._tellings: dict[int, Telling] = {}
        self._senders: list[FactSender] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, ports: Sequence[ShardPort]) -> None:
        """Tell what these shards have, for ever. Returns at once."""
        for to, open_, rows in self._opens:
            for number, port in enumerate(ports):
                sender = FactSender(to, open_, rows, number, port, self._telling)
                self._senders.append(sender)
                spawn(sender.follow(), self._tasks)

    def _telling(self, shard: int) -> Telling:
        if shard not in self._tellings:
            self._tellings[shard] = Telling.of(shard, self._program, self._secret)
        return self._tellings[shard]

    def publish(self, program: Program) -> None:
        """From now on go by this program."""
        self._program = program
        self._tellings.clear()

    @property
    def trouble(self) -> str | None:
        """What is not in order, None if nothing is wrong."""
        return "; ".join(each.trouble for each in self._senders if each.trouble is not None) or None

    async def stop(self) -> None:
        """Tell what there is, for a moment at most; what is left is told when the engine opens again."""
        for sender in self._senders:
            sender.end()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_WITHIN_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _take(rows: Iterator[tuple[int, FactRow]], most: int) -> list[tuple[int, FactRow]]:
    return list(islice(rows, most))


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
