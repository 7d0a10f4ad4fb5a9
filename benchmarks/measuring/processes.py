"""How much of the processor has each process used? That of the driver, of every shard, of Ray, told apart by name.

A process's own clock counts to the nanosecond, where /proc counts hundredths of a second. What a process had used when
it ended between two looks is not seen.
"""

from __future__ import annotations

import os
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

DRIVER = "driver"

OTHERS = "others"
"""Children that are no part of the engine, such as a provider that is played."""

ACTOR = re.compile(rb"ray::(\w+)")

NAMES = {
    b"ShardActor": "shards",
    b"DispatcherActor": "dispatchers",
    b"ExporterActor": "exporter",
    b"ResidentActor": "keeper",
}
"""Actors by the names of their classes; every other process of Ray's is `ray`."""


def cpu_s(process: int) -> float:
    """Processor seconds that a process has used. The clock's number is that of clock_getcpuclockid(3)."""
    return time.clock_gettime(~process << 3 | 2)


def used(also: Mapping[int, str]) -> dict[int, tuple[str, float]]:
    """The name of each process that belongs to the engine, and its processor seconds until now.

    also  processes that are no children of this one, with their names
    """
    found = {os.getpid(): DRIVER, **{process: name_of(process) for process in family(os.getpid())}, **also}
    seen = {}
    for process, name in found.items():
        if name == OTHERS:
            continue
        try:
            seen[process] = (name, cpu_s(process))
        except (OSError, ProcessLookupError):
            continue  # it has ended meanwhile
    return seen


class Meter:
    """Processor seconds by the name of the process, from when it is made."""

    def __init__(self, also: Mapping[int, str] | None = None) -> None:
        self._also = also or {}
        self._before = used(self._also)

    def seconds(self) -> dict[str, float]:
        spent = defaultdict[str, float](float)
        for process, (name, seconds) in used(self._also).items():
            spent[name] += seconds - self._before.get(process, (name, 0.0))[1]
        return dict(spent)

    def each_us(self, count: int) -> dict[str, float]:
        """Microseconds for each of so many."""
        return {name: seconds / count * 1e6 for name, seconds in self.seconds().items()}


def family(first: int) -> Iterator[int]:
    """All processes below one."""
    children: dict[int, list[int]] = {}
    for process, parent in parents():
        children.setdefault(parent, []).append(process)
    waiting = children.get(first, [])
    while waiting:
        process = waiting.pop()
        yield process
        waiting = waiting + children.get(process, [])


def parents() -> Iterator[tuple[int, int]]:
    """Every process of the machine, and its parent."""
    return ((process, int(fields[1])) for process, fields in stats())


def stats() -> Iterator[tuple[int, list[str]]]:
    """Every process of the machine: its id, and the fields of its stat file that follow its name."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended meanwhile
            yield int(folder.name), fields


def of_ray() -> dict[int, str]:
    """The processes of Ray on this machine, whoever has started them."""
    return {process: name for process, _ in parents() if (name := name_of(process)) != OTHERS}


def name_of(process: int) -> str:
    """By what a process is told of."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return OTHERS
    actor = ACTOR.match(words)
    if actor is not None:
        return next((told for name, told in NAMES.items() if name in words), "ray")
    return "ray" if b"/ray/" in words else OTHERS


def resident_bytes(process: int | None = None) -> int:
    """Memory that a process has now, this one if none is named."""
    pages = Path(f"/proc/{process or 'self'}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
