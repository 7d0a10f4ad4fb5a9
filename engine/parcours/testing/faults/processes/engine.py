"""The engine as the harness sees it: a driver that is started again whenever it has died, and what it is asked."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

from parcours.testing.faults.processes.driver import Life, RuntimeName
from parcours.testing.faults.processes.folders import Folders
from parcours.testing.faults.processes.frames import frame, read_frame

GONE_WITHIN_S: Final = 60.0
"""How long what a driver leaves behind may live on: Ray's processes notice that it is dead, and end."""

START_WITHIN_S: Final = 120.0

BegunProcess = tuple[int, str]
"""A process, and when it began: its number may be given out again."""


class Gone(Exception):
    """The driver has ended before it answered."""


class Unavailable(Exception):
    """The engine says that it cannot do it now."""


class EngineProcesses:
    """Starts drivers one after the other.

    store    the address of the store, by default that of the folders
    cluster  where the cluster is, if there is one already: there the next driver goes
    door     which one of several this is, by its number
    starts   how many have been started
    """

    def __init__(
        self, runtime: RuntimeName, folders: Folders, store: str = "", cluster: str = "", door: int = 0
    ) -> None:
        self._store = store or folders.address
        self.cluster = cluster
        self._socket = folders.root / f"harness-{door}"
        self._runtime = runtime
        self._folders = folders
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._open = asyncio.Event()
        self._ended = asyncio.Event()
        self._stopping = False
        self._left: set[BegunProcess] = set()
        self.driver = 0
        self.starts = 0

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._socket)
        module = "parcours.testing.faults.processes.launcher"
        self._launcher: Process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, str(self._folders.project), stdin=PIPE, env=environment()
        )
        self._launch()

    def _launch(self) -> None:
        self.starts += 1
        self._ended.clear()
        folders = self._folders
        life = Life(
            self.starts, self._runtime, folders.project, self._store, folders.ledger, self._socket, folders.log,
            self.cluster,
        )  # fmt: skip
        assert self._launcher.stdin is not None
        self._launcher.stdin.write(pickle.dumps(life))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A driver, for as long as it lives."""
        try:
            while True:
                match await read_frame(reader):
                    case {"began": driver}:
                        self.driver = driver
                    case {"opened": _}:
                        self._writer = writer
                        self._open.set()
                    case {"answer": (number, is_good, answer)}:
                        self._answered(number, answer if is_good else Unavailable(answer))
                    case other:
                        raise AssertionError(f"no driver says {other!r}")
        except EOFError:
            pass
        finally:
            writer.close()
            self._over()

    def _answered(self, number: int, answer: Any) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is not None and not waiting.done():
            if isinstance(answer, Exception):
                waiting.set_exception(answer)
            else:
                waiting.set_result(answer)

    def _over(self) -> None:
        self._writer, self.driver = None, 0
        self._open.clear()
        for number in list(self._waiting):
            self._answered(number, Gone())
        self._ended.set()
        if not self._stopping:
            self._launch()

    async def opened(self) -> int:
        """Wait until a driver serves; which life it is."""
        async with asyncio.timeout(START_WITHIN_S):
            await self._open.wait()
        return self.starts

    @property
    def serves(self) -> bool:
        """Whether a driver can be asked now."""
        return self._writer is not None

    async def ask(self, question: str, more: Any = None) -> Any:
        """Raises Gone, or Unavailable with the engine's words."""
        if self._writer is None:
            raise Gone
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._writer.write(frame((number, question, more)))
        return await answer

    def kill_driver(self) -> bool:
        """End the driver at once; what it has started ends by itself, which is seen to in the end."""
        driver = self.driver
        if not driver:
            return False
        self._left |= set(processes_below(driver))
        with suppress(ProcessLookupError):
            os.kill(driver, signal.SIGKILL)
        return True

    async def stop(self) -> None:
        """Let the engine end in good order."""
        self._stopping = True
        if self._writer is not None:
            self._left |= set(processes_below(self.driver))
            self._writer.write(frame((0, "stop", None)))
            async with asyncio.timeout(GONE_WITHIN_S):
                await self._ended.wait()

    async def close(self) -> None:
        """End whatever is left, by its id. Nothing is where nothing was started."""
        if not self.starts:
            return
        self._stopping = True
        driver = self.driver
        if driver:
            self._left |= {*processes_below(driver), *known(driver)}
        self._server.close()
        if self._launcher.stdin is not None:
            self._launcher.stdin.close()
        if driver:
            self.kill_driver()
        await self._launcher.wait()
        await self._clear_up()

    async def _clear_up(self) -> None:
        """Give Ray's processes the time to notice, then end them."""
        for _ in range(50):
            self._left = {each for each in self._left if each in known(each[0])}
            if not self._left:
                return
            await asyncio.sleep(0.1)
        signal_all(self._left, signal.SIGKILL)


def environment() -> dict[str, str]:
    """That of this process, but what is compiled is kept: hundreds of processes import the same files."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def known(process: int) -> set[BegunProcess]:
    """The process as it is there now; empty if there is none."""
    fields = _fields(process)
    return {(process, fields[19])} if fields and fields[0] != "Z" else set()


def processes_below(process: int) -> Iterator[BegunProcess]:
    """The processes that this one has started, and those that they have."""
    children: dict[str, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and (fields := _fields(int(path.name))):
            children.setdefault(fields[1], []).append(int(path.name))
    waiting = [process]
    while waiting:
        for child in children.get(str(waiting.pop()), []):
            yield from known(child)
            waiting.append(child)


def signal_all(processes: Iterable[BegunProcess], number: signal.Signals) -> int:
    """Send a signal to those that are still there; how many."""
    sent = 0
    for each in processes:
        if each in known(each[0]):
            with suppress(ProcessLookupError):
                os.kill(each[0], number)
                sent += 1
    return sent


def _fields(process: int) -> list[str]:
    """What the system tells of a process, from its state on."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
