"""What is a peer asked, and what does it tell? Its time and its processor's, counted as they are for Parcours.

Time is from the first line until all are taken. Processor time is of that and of the reminders: from when the first may
be due until the last is out. What a process does while it only waits for them is no work of the peer's.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path

import msgspec
from measuring.processes import family, stats

from peers.carts import Sent

COLLECT_EVERY = 100_000
"""Python's collector runs as seldom as in the engine's own processes."""

LOOK_EVERY_S = 0.05


class Asked(msgspec.Struct, frozen=True):
    """
    lines       a file of NDJSON
    patience_s  how long a cart waits
    way         one of the peer's own
    folder      for what it keeps on disk
    store       the URL of a PostgreSQL server, empty for those who need none
    """

    lines: str
    patience_s: float
    way: str
    folder: str
    store: str = ""


class Told(msgspec.Struct, frozen=True):
    """
    lines    that are counted
    seconds  until all of these were taken
    cpu_s    of the processor, all processes together, by what they are
    sent     to whom what
    """

    lines: int
    seconds: float
    cpu_s: dict[str, float]
    sent: list[Sent]


class Watch:
    """Takes the times of a run. It is made with the first line; what has come before `begin` again is not counted."""

    def __init__(self, lines: int, patience_s: float) -> None:
        self._due_s = time.monotonic() + patience_s
        self._taken_s = self._due_cpu_s = self._cpu_s = 0.0
        self.begin(lines)

    def begin(self, lines: int) -> None:
        """So many are still to be taken."""
        self._lines = lines
        self._begun_s, self._begun_cpu_s = time.monotonic(), cpu_s()

    def taken(self) -> None:
        """All lines are. Raises SystemExit where some may have come too late: people who were to order are reminded."""
        if time.monotonic() >= self._due_s:
            raise SystemExit("the lines took longer than the carts wait: --patience has to be longer")
        self._taken_s = time.monotonic() - self._begun_s
        self._cpu_s = cpu_s() - self._begun_cpu_s

    def due(self) -> bool:
        """Whether a reminder may be. To be asked until it is, and no earlier than `taken` is told."""
        if self._due_cpu_s:
            return True
        if time.monotonic() < self._due_s:
            return False
        self._due_cpu_s = cpu_s()
        return True

    def told(self, sent: list[Sent]) -> Told:
        """Everything is out."""
        return Told(self._lines, self._taken_s, {"peer": self._cpu_s + cpu_s() - self._due_cpu_s}, sent)


def cpu_s() -> float:
    """Processor seconds of this process and of all below it, those included that have ended."""
    ours = {os.getpid(), *family(os.getpid())}
    ticks = sum(sum(map(int, fields[11:15])) for process, fields in stats() if process in ours)
    return ticks / os.sysconf("SC_CLK_TCK")


def asked() -> tuple[Asked, list[bytes]]:
    """By the command, with the lines."""
    one = msgspec.json.decode(sys.argv[1], type=Asked)
    lines = Path(one.lines).read_bytes().splitlines()
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY)
    return one, lines


def tell(told: Told) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.flush()
