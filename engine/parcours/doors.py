"""Many doors on one port of one machine: the process that starts them, looks after them, and ends with them.

Each door is a process of its own, attached to the engine with its own router, and the kernel deals connections out
among those that listen (SO_REUSEPORT). This process passes signals on, puts another door in the place of one that ended
by itself, and ends once all have ended. Where it is killed, they notice and end as after SIGTERM.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final, TypeAlias

from parcours.errors import OperatorError, SettingInvalid
from parcours.ingress.settings import ServeSettings

log = logging.getLogger("parcours.door")

PAUSE_S: Final = 1.0
"""Pause before another door is put in the place of one that ended; twice as long each time that it does not last."""

PAUSE_MAX_S: Final = 30.0

LASTS_S: Final = 60.0
"""A door that was there for so long has lasted."""

ENDING_S: Final = 50.0
"""How long doors may take to end. They need 45 s at most; one that is frozen is killed."""

PORT_MAX: Final = 65_535

Announce: TypeAlias = Callable[[str], None]

Entrance: TypeAlias = Callable[[int, Announce], None]
"""Runs the door of a number, from 1, in its process, until a signal asks to stop; announces its address when it is
open. It is pickled.
"""


class Doors:
    """One run of many doors."""

    def __init__(self, many: int, entrance: Entrance) -> None:
        self._many = many
        self._entrance = entrance
        self._running: dict[int, _Process] = {}
        self._stopping = asyncio.Event()

    async def run(self, announce: Announce) -> None:
        """Until a signal asks to stop. `announce` is called with their address once all are open.

        Raises OperatorError where one ends before it has ever been open.
        """
        opened = [asyncio.get_running_loop().create_future() for _ in range(self._many)]
        with self._signals():
            keeping = [asyncio.ensure_future(self._keep(number, opened[number - 1])) for number in self._numbers]
            told = asyncio.ensure_future(_announced(opened, announce))
            ended = asyncio.ensure_future(asyncio.wait(keeping, return_when=asyncio.FIRST_EXCEPTION))
            try:
                await asyncio.wait([told, ended], return_when=asyncio.FIRST_COMPLETED)
                if told.done():
                    told.result()
                await ended
            finally:
                told.cancel()
                ended.cancel()
                self._ask_to_stop(signal.SIGTERM)
                await self._ended(keeping)
        for each in keeping:
            each.result()

    @property
    def _numbers(self) -> range:
        return range(1, self._many + 1)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """While it runs, SIGTERM and SIGINT ask all doors to stop, and SIGHUP lets them read their keys again."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._pass_on, signal.SIGHUP)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)

    def _stop(self, number: signal.Signals) -> None:
        self._stopping.set()
        self._pass_on(number)  # a second one lets them skip what can be

    def _ask_to_stop(self, number: signal.Signals) -> None:
        if not self._stopping.is_set():
            self._stop(number)

    def _pass_on(self, number: signal.Signals) -> None:
        for each in self._running.values():
            each.signal(number)

    async def _keep(self, number: int, opened: asyncio.Future[str]) -> None:
        """See that the door of this number is there, until all stop."""
        time, pause_s = asyncio.get_running_loop().time, PAUSE_S / 2
        while not self._stopping.is_set():
            began_s = time()
            process = self._running[number] = _Process.started(number, self._entrance)
            address = await process.announced()
            if address is not None:
                log.info("door %d is open, in process %d", number, process.process.pid)
                if not opened.done():
                    opened.set_result(address)
            code = await process.ended()
            del self._running[number]
            if self._stopping.is_set():
                return
            if not opened.done():
                raise OperatorError(f"door {number} ended before it was open ({_way(code)}); it has said why")
            pause_s = PAUSE_S if time() - began_s >= LASTS_S else min(pause_s * 2, PAUSE_MAX_S)
            log.warning("door %d has ended (%s): another one is started in %g s", number, _way(code), pause_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._stopping.wait()

    async def _ended(self, keeping: Sequence[asyncio.Future[None]]) -> None:
        """Return when all doors have ended; those that take too long are killed."""
        _, late = await asyncio.wait(keeping, timeout=ENDING_S)
        if late:
            log.error("%d of the doors did not end within %g s, and are killed", len(late), ENDING_S)
            self._pass_on(signal.SIGKILL)
            await asyncio.wait(late)


async def _announced(opened: list[asyncio.Future[str]], announce: Announce) -> None:
    announce((await asyncio.gather(*opened))[0])


def _way(code: int) -> str:
    """In which way a process has ended."""
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


@dataclass(frozen=True)
class _Process:
    """The process of one door, in a group of its own: Ctrl-C at a terminal reaches it once, from here."""

    process: multiprocessing.process.BaseProcess
    told: Connection

    @classmethod
    def started(cls, number: int, entrance: Entrance) -> _Process:
        context = multiprocessing.get_context("spawn")
        told, tells = context.Pipe(duplex=False)
        process = context.Process(target=_enter, args=(number, entrance, tells), name=f"door {number}")
        process.start()
        tells.close()
        return cls(process, told)

    async def announced(self) -> str | None:
        """The address once it is open, None where it has ended before."""
        await _readable(self.told.fileno())
        try:
            return str(self.told.recv())
        except EOFError:
            return None

    async def ended(self) -> int:
        """Its exit code, less than 0 where a signal has ended it."""
        await _readable(self.process.sentinel)
        self.process.join()
        self.told.close()
        code = self.process.exitcode
        assert code is not None, "it has ended"
        return code

    def signal(self, number: signal.Signals) -> None:
        if self.process.pid is not None and self.process.exitcode is None:
            os.kill(self.process.pid, number)


async def _readable(descriptor: int) -> None:
    """Return once there is something to read, or the other end is closed."""
    loop, there_is = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, there_is.set)
    try:
        await there_is.wait()
    finally:
        loop.remove_reader(descriptor)


def _enter(number: int, entrance: Entrance, tells: Connection) -> None:
    """What the process of a door runs."""
    os.setpgid(0, 0)
    entrance(number, tells.send)


def sentinel_of_parent() -> int | None:
    """A descriptor that can be read from once the process that has started this door has ended; None: none has."""
    parent = multiprocessing.parent_process()
    return None if parent is None else parent.sentinel


def settings_of_door(settings: ServeSettings, number: int) -> ServeSettings:
    """Those of one of many doors: what only one process can have is the first one's, or has a place for each.

    health_port  the first door has that one, and each further one the next
    bounces      mail that came back is taken by the first door; all read return paths
    """
    changed: dict[str, object] = {}
    if settings.health_port:
        changed["health_port"] = settings.health_port + number - 1
    if settings.bounces is not None and number > 1:
        changed["bounces"] = settings.bounces.model_copy(update={"lmtp": None})
    return settings.model_copy(update=changed)


def check_ports(settings: ServeSettings, many: int) -> None:
    """Raises SettingInvalid where so many doors have no ports of their own for /metrics."""
    if not settings.health_port:
        return
    last = settings.health_port + many - 1
    if last > PORT_MAX or settings.health_port <= settings.port <= last:
        raise SettingInvalid(
            f"health_port: {many} doors have {settings.health_port} to {last} for theirs, which have to be ports, and "
            f"not the port {settings.port} that they share"
        )
