"""What is there to say of this machine? Ray, the ports, the disk and the clock, a sentence each."""

from __future__ import annotations

import errno
import os
import shutil
import socket
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
from statistics import median
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Final

from parcours.cli.found import Found, State
from parcours.clock import is_kept_right, stopwatch_ms
from parcours.config import MIB
from parcours.store.place import place_of

if TYPE_CHECKING:
    from parcours.ingress.settings import ServeSettings

SHARED_MEMORY: Final = Path("/dev/shm")  # where Ray puts its object store

SHARED_MEMORY_MIN: Final = 200 * MIB
"""Bytes that Ray needs for objects on their way between processes."""

FREE_MIN: Final = 64 * MIB
FREE_GOOD: Final = 1_024 * MIB
"""Free bytes of the disk without which a store takes no traffic, and below which that is near."""

FILES_BESIDE: Final = 512
"""Files that a door with a few shards has open beside its connections: of stores, channels and libraries."""

FSYNCS: Final = 11
FSYNC_MAX_MS: Final = 20.0
"""Each commit waits for one; slower than this, a shard makes fewer than fifty a second."""

WRITTEN: Final = b"\0" * 4_096


def ray_findings() -> Iterator[Found]:
    """Whether Ray could be used."""
    try:
        installed = version("ray")
    except PackageNotFoundError:
        yield Found("warn", "ray", "it is not installed: only `--runtime local` works, pip install ray")
        return
    yield Found("fine", "ray", f"version {installed}, {os.cpu_count()} processors")
    if SHARED_MEMORY.is_dir() and (free := shutil.disk_usage(SHARED_MEMORY).free) < SHARED_MEMORY_MIN:
        yield Found(
            "warn", "ray", f"{SHARED_MEMORY} has {_bytes(free)} free, and {_bytes(SHARED_MEMORY_MIN)} are wanted"
        )


def port_findings(settings: ServeSettings) -> Iterator[Found]:
    """Whether the door could listen."""
    for about, port in (("port", settings.port), ("health_port", settings.health_port)):
        if port is None:
            continue
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        try:
            with socket.create_server((settings.host, port), family=family):
                yield Found("fine", about, f"{settings.host}:{port} is free")
        except OSError as error:
            place = f"{settings.host}:{port}"
            if error.errno == errno.EADDRINUSE:
                yield Found("warn", about, f"{place} is in use already: by this door, or by somebody else")
            else:
                yield Found("wrong", about, f"nobody can listen at {place}: {error.strerror or error}")


def file_findings(settings: ServeSettings) -> Iterator[Found]:
    """Whether a process here may have as many connections open as the door takes, and its other files besides."""
    most, _ = getrlimit(RLIMIT_NOFILE)
    wanted = settings.connections_max + FILES_BESIDE
    told = f"connections_max is {settings.connections_max:,}"
    if most == RLIM_INFINITY or most >= wanted:
        yield Found("fine", "files", f"{told}, and a process may have {'any number' if most < 0 else f'{most:,}'} open")
        return
    yield Found(
        "warn",
        "files",
        f"{told}, and a process started from here may have {most:,} files open, connections and those of the store "
        f"among them: allow it {wanted:,} (ulimit -n, LimitNOFILE of a unit of systemd), or take fewer connections",
    )


def disk_findings(address: str | None) -> Iterator[Found]:
    """Whether there is room, and how long a commit has to wait for the disk."""
    place = None if address is None else place_of(address)
    if place is not None and place.kind == "postgres":
        return  # that of the server is asked for how long a commit takes
    folder = Path() if place is None or place.files is None else _existing(place.files)
    free = shutil.disk_usage(folder).free
    state: State = "wrong" if free < FREE_MIN else "warn" if free < FREE_GOOD else "fine"
    yield Found(state, "disk", f"{_bytes(free)} are free in {folder.absolute()}")
    try:
        took_ms = _fsync_ms(folder)
    except OSError as error:
        yield Found("wrong", "disk", f"nothing can be written in {folder.absolute()}: {error.strerror or error}")
        return
    state = "fine" if took_ms <= FSYNC_MAX_MS else "warn"
    slow = "" if state == "fine" else ": each commit waits for it, so put the store on a faster local disk"
    yield Found(state, "disk", f"to make a record durable takes {took_ms:.1f} ms{slow}")


def clock_findings() -> Iterator[Found]:
    """Whether something keeps the machine's clock right."""
    match is_kept_right():
        case True:
            yield Found("fine", "clock", "the system keeps it right")
        case False:
            yield Found(
                "warn",
                "clock",
                "nothing keeps it right by the word of the system: run a time service, such as chrony",
            )
        case None:
            yield Found("note", "clock", "this system does not say whether anything keeps it right")


def _fsync_ms(folder: Path) -> float:
    """How long it takes to make 4 KB durable there, in the median."""
    took: list[float] = []
    with TemporaryFile(dir=folder) as file:
        for _ in range(FSYNCS):
            started = stopwatch_ms()
            file.write(WRITTEN)
            file.flush()
            os.fsync(file.fileno())
            took.append(stopwatch_ms() - started)
    return median(took)


def _existing(folder: Path) -> Path:
    """The folder, or the one in which it would be made."""
    return next(each for each in (folder, *folder.absolute().parents) if each.is_dir())


def _bytes(count: int) -> str:
    return f"{count / MIB:,.0f} MB"
