"""The machines of the cluster as the harness sees them: trees of processes below a raylet each.

A machine whose raylet has ended is lost; another one comes in its place. With its head the cluster is lost, and another
one comes: what is left of the first works on until it notices.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final

from parcours.testing.faults.processes.engine import BegunProcess, environment, known, processes_below, signal_all

ACTORS: Final = {"shard": "ShardActor", "dispatcher": "DispatcherActor", "keeper": "ResidentActor"}
"""How Ray calls the processes of actors of a kind."""

LOOK_EVERY_S: Final = 0.2
"""So often it is looked whether a machine is lost."""

OTHERS: Final = 2
"""Machines besides the head's."""

WRONG_CLOCKS_MS: Final = (2_000, -2_000, 5_000, -5_000)
"""By how much clocks of machines may be wrong; that of the head is right."""


class Machines:
    """Runs the cluster.

    injected  how often a machine came whose clock is wrong
    """

    def __init__(self, log: Path, seed: int) -> None:
        """seed: what decides about clocks."""
        self._log = log
        self._random = Random(f"{seed} clocks")
        self._turn = asyncio.Lock()
        self._left: set[BegunProcess] = set()
        self._lost: list[asyncio.subprocess.Process] = []
        self._head: list[int] = []
        self.injected: Counter[str] = Counter()
        self.address = ""
        self.raylets: list[int] = []

    async def start(self) -> None:
        """Start a cluster: the one that is hurt from now on."""
        module = "parcours.testing.faults.nodes.machines_process"
        clocks = [self._clock_ms() for _ in range(OTHERS)]
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, *map(str, clocks), stdin=PIPE, stdout=PIPE, stderr=log, env=environment()
            )
        await self._hear()

    async def _hear(self) -> None:
        assert self._process.stdout is not None
        while True:
            line = await self._process.stdout.readline()
            if not line:
                raise AssertionError(f"the process of the machines has ended; {self._log} tells why")
            if line.startswith(b"{"):  # Ray says things as well
                break
        told = json.loads(line)
        self.address, self.raylets, self._head = told["address"], told["raylets"], told["head"]

    async def lose_head(self) -> None:
        """Kill all that makes the head, and start another cluster."""
        self._left |= set(processes_below(self._process.pid))
        self._lost.append(self._process)
        async with self._turn:
            signal_all([each for process in self._head for each in known(process)], signal.SIGKILL)
            await self.start()

    def _clock_ms(self) -> int:
        """By how much the clock of the machine that comes next is wrong."""
        wrong_ms = self._random.choice(WRONG_CLOCKS_MS)
        self.injected["clock is wrong"] += wrong_ms != 0
        return wrong_ms

    async def stay_whole(self) -> None:
        """Put another machine in the place of each that is lost, with a clock that may be wrong, until cancelled.

        Without it what is left of a machine would live on: processes look whether there is a raylet of theirs, and one
        that has ended is there as long as nobody has asked for its end.
        """
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            async with self._turn:
                for raylet in [each for each in self.raylets if not known(each)]:
                    assert self._process.stdin is not None
                    self._process.stdin.write(f"{raylet} {self._clock_ms()}\n".encode())
                    await self._hear()

    def of(self, raylet: int) -> list[BegunProcess]:
        """All processes of a machine, none of one that is lost."""
        if not known(raylet):
            return []
        found = [*known(raylet), *processes_below(raylet)]
        self._left |= set(found)
        return found

    def actors(self, kind: str) -> list[int]:
        """The processes of all actors of a kind, on all machines."""
        everywhere = sorted(processes_below(self._process.pid))
        return [process for process, _ in everywhere if is_actor(process, kind)]

    async def stop(self) -> None:
        """End the cluster, and whatever is left of machines that were lost."""
        everything = {*processes_below(self._process.pid), *self._left}
        signal_all(everything, signal.SIGCONT)
        clusters = [*self._lost, self._process]
        for process in clusters:
            assert process.stdin is not None
            process.stdin.close()
        await asyncio.gather(*(process.wait() for process in clusters))
        signal_all(everything, signal.SIGKILL)


def is_actor(process: int, kind: str) -> bool:
    """Whether this is the process of an actor of this kind, as Ray names it."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return words.startswith(b"ray::") and ACTORS[kind].encode() in words
