"""The mail server as the harness sees it: its ledger of what arrived, and the faults that it has really made."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import Final

from parcours.testing.faults.processes.engine import environment
from parcours.testing.faults.provider import Attempt

TRANSACTIONAL: Final = "receipt"


class MailServer:
    """Runs the server. `arrived` is called with each mail.

    attempts  the ledger
    injected  how often each fault was met
    """

    def __init__(self, seed: int, arrived: Callable[[str, str], None]) -> None:
        self._seed = seed
        self._arrived = arrived
        self.attempts: list[Attempt] = []
        self.injected: Counter[str] = Counter()
        self.port = 0

    async def start(self) -> None:
        module = "parcours.testing.faults.processes.mail_server"
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, str(self._seed), stdin=PIPE, stdout=PIPE, env=environment()
        )
        assert self._process.stdout is not None
        self.port = json.loads(await self._process.stdout.readline())["port"]
        self._reading = asyncio.create_task(self._read(self._process.stdout))

    async def _read(self, told: asyncio.StreamReader) -> None:
        async for line in told:
            match json.loads(line):
                case {"fault": name}:
                    self.injected[f"provider: {name}"] += 1
                case {"mail": [key, person, message]}:
                    message_class = "transactional" if message == TRANSACTIONAL else "marketing"
                    self.attempts.append(Attempt(monotonic(), key, 0, person, message_class, arrived=True))
                    self._arrived(key, person)
                case other:
                    raise AssertionError(f"no server says {other!r}")

    def calm_down(self) -> None:
        """No more faults than the one that may be prepared already."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")

    async def stop(self) -> None:
        """End it, and read its ledger to the end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reading
