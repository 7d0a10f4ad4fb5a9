"""The exporter of an engine: it asks each shard for what is next, has it written, and tells the shard that it is there.

A shard commits a range of its journal, hands over its records in slices, and trims them once all files of the range are
durable. Whatever happens in between, the range comes again and gives the same files; so the exporter keeps nothing that
matters, and may be ended at any time. Files are written in a thread, while shards go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Final, Protocol

from parcours.background import in_thread, in_thread_of, spawn
from parcours.clock import Clock
from parcours.config import Settings
from parcours.errors import ParcoursError, ShardUnavailable
from parcours.insight.exporter.tables import Row
from parcours.journey.model.insight import InsightDocument, KeptTable
from parcours.journey.program import Program
from parcours.routing.ports import ShardPort
from parcours.shard.erasures import Erased
from parcours.shard.messages import ExportRange, ExportSlice
from parcours.shard.requests import BeginExport, EndErased, EndExport, GetErasures, ReadExport

log = logging.getLogger("parcours")

LOOK_EVERY_S: Final = 1.0
"""How often a shard is asked whether a full range has come together."""

PAUSE_S: Final = 1.0
"""Pause after a failure before the range is tried again; it doubles."""

PAUSE_MAX_S: Final = 60.0
"""A full disk costs a look a minute."""

RESTS: Final = 4
"""How long an exporter that is in time rests after each piece of work, in times of what that took. So whoever wants
something of the process meanwhile waits behind one piece, and not behind all of the export.
"""

GENTLY_FOR_S: Final = 10.0
"""How long an exporter is so gentle with one range. If that takes longer, it is hardly let near a processor."""

UPKEEP_EVERY_S: Final = 300.0
"""How often files are looked after: late rows of a day that is put together have all of it written again."""


class RangeFiles(Protocol):
    """The files of one range. Whoever writes the range again begins them anew. Called from one thread at a time."""

    def add(self, part: ExportSlice) -> None:
        """Take the next records of the range. Raises ParcoursError where a file cannot be written."""

    def finish(self) -> None:
        """Make all of them durable, and say that they are. Raises ParcoursError."""

    def abandon(self) -> None:
        """Close what is open: the range is not finished."""


class RowFiles(RangeFiles, Protocol):
    """Files that take rows besides, of which no shard has a record."""

    def add_rows(self, rows: Iterable[tuple[KeptTable, Row]]) -> None:
        """Take rows of the range. Raises ParcoursError."""


OpenRange = Callable[[int, ExportRange, Program], RangeFiles]
"""Begins the files of a range of the shard of this number, whose facts are read by this program."""


class LooksAfterFiles(Protocol):
    """What keeps the exported files in order (upkeep.py)."""

    def step(self, insight: InsightDocument, now_ms: int) -> bool:
        """Do a part of what there is to do; returns whether there is more. Raises ParcoursError."""

    def forget(self, shard: int, erased: Erased, now_ms: int) -> list[str]:
        """Write files anew without the erased of a shard; the ids of those of whom nothing is left there.

        Raises ParcoursError.
        """


class Exporter:
    """Lives on one event loop.

    upkeep        looks after the files of all shards, by the time of the clock
    look_every_s  pause between two looks at a shard
    gentle        threads that write files while the exporter is in time; None: those that write them otherwise
    """

    def __init__(
        self,
        open_range: OpenRange,
        program: Program,
        settings: Settings,
        upkeep: LooksAfterFiles,
        clock: Clock,
        look_every_s: float = LOOK_EVERY_S,
        gentle: Executor | None = None,
    ) -> None:
        self._open_range = open_range
        self._upkeep = upkeep
        self._clock = clock
        self._program = program
        self._settings = settings
        self._look_every_s = look_every_s
        self._gentle = gentle
        self._troubles: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, ports: Sequence[ShardPort]) -> None:
        """Export what these shards have, for ever. Returns at once."""
        for number, port in enumerate(ports):
            spawn(self.follow(number, port), self._tasks)
        spawn(self._look_after_files(ports), self._tasks)

    def publish(self, program: Program) -> None:
        """From now on go by this program."""
        self._program = program

    @property
    def trouble(self) -> str | None:
        """What is not in order, None if nothing is wrong."""
        return "; ".join(self._troubles.values()) or None

    async def stop(self) -> None:
        """End at once; a range that is under way comes again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def follow(self, number: int, port: ShardPort) -> None:
        """Export one shard for ever."""
        what = f"facts of shard {number}"
        every_s = self._settings.export_every_ms / 1_000
        pause_s = PAUSE_S
        clock = asyncio.get_running_loop().time
        last = clock()
        in_time = True  # the range before has been exported before the next one was there
        while True:
            at_least = 1 if clock() - last >= every_s else self._settings.export_records
            try:
                if await self.export_next(number, port, at_least, gently=in_time):
                    last, in_time = clock(), False
                    continue
            except ShardUnavailable:
                pass  # its runtime looks after it, and says what is wrong
            except (ParcoursError, OSError) as error:
                self._note(what, f"{what} are not exported: {error}")
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, PAUSE_MAX_S)
                continue
            if self._troubles.pop(what, None):
                log.info("%s are exported again", what)
            pause_s = PAUSE_S
            if at_least == 1:
                last = clock()
            in_time = True
            await asyncio.sleep(min(self._look_every_s, every_s))

    def _note(self, what: str, trouble: str) -> None:
        if trouble != self._troubles.get(what):
            log.warning("%s", trouble)
        self._troubles[what] = trouble

    async def _look_after_files(self, ports: Sequence[ShardPort]) -> None:
        """Keep the files in order, for ever; a failure is a trouble until it is done the next time."""
        what = "exported files"
        while True:
            await asyncio.sleep(UPKEEP_EVERY_S)
            try:
                while await in_thread(partial(self._upkeep.step, self._program.insight, self._clock.now_ms())):
                    pass
                for number, port in enumerate(ports):
                    await self.forget(number, port)
            except ShardUnavailable:
                pass  # its runtime looks after it
            except (ParcoursError, OSError) as error:
                self._note(what, f"{what} are not looked after: {error}")
            else:
                if self._troubles.pop(what, None):
                    log.info("%s are looked after again", what)

    async def forget(self, number: int, port: ShardPort) -> None:
        """Have files written anew without whom a shard has erased. Raises as `export_next` does."""
        erased = await port.ask(GetErasures())
        if all(each.exports for each in erased.erasures):
            return
        done = await in_thread(partial(self._upkeep.forget, number, erased, self._clock.now_ms()))
        if done:
            await port.ask(EndErased(done))

    async def export_next(self, number: int, port: ShardPort, at_least: int, *, gently: bool = False) -> bool:
        """Export one range of a shard, if so many records wait; returns whether there was one.

        gently  with rests, and in the gentle threads (RESTS, GENTLY_FOR_S)
        An exporter that was frozen may find that another one has ended its range: it leaves the files as they are.
        Raises ShardUnavailable, ParcoursError or OSError where that fails; the range comes again then.
        """
        ahead = await port.ask(BeginExport(at_least, self._settings.export_records))
        if ahead is None:
            return False
        files = self._open_range(number, ahead, self._program)
        clock = asyncio.get_running_loop().time
        gently_until = clock() + GENTLY_FOR_S if gently else clock()
        try:
            after: int | None = ahead.first - 1
            while after is not None:
                begun = clock()
                gently = begun < gently_until
                part = await port.ask(ReadExport(after, ahead.last))
                if part is None:
                    files.abandon()
                    return False
                await self._write(partial(files.add, part), gently)
                after = part.after
                if gently:
                    await asyncio.sleep(RESTS * (clock() - begun))
            await self._write(files.finish, gently)
        except BaseException:
            files.abandon()
            raise
        await port.ask(EndExport(ahead.last))
        return True

    async def _write(self, work: Callable[[], None], gently: bool) -> None:
        await (in_thread_of(self._gentle, work) if gently and self._gentle is not None else in_thread(work))
