"""On what machine? Whoever compares two results has to know, and how busy it was with other things."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

LIBRARIES = ("parcours", "ray", "msgspec", "duckdb", "psycopg", "uvloop", "aiosmtplib", "aiohttp")


class Machine(msgspec.Struct, frozen=True):
    """
    cpu          the processor's name
    cores        that this process may use
    memory_mb    that there is
    system       the kernel
    python       version of the interpreter
    versions     of libraries that matter, those that are installed
    commit       of the repository, with a + where files differ from it; empty where there is none
    load_before  processes that wanted a core, over 1, 5 and 15 minutes, when the first round began
    load_after   the same when the last one had ended
    """

    cpu: str
    cores: int
    memory_mb: int
    system: str
    python: str
    versions: dict[str, str]
    commit: str
    load_before: list[float]
    load_after: list[float]

    def is_like(self, other: Machine) -> bool:
        """Whether figures of both may be compared."""
        return (self.cpu, self.cores) == (other.cpu, other.cores)


def load() -> list[float]:
    return [round(each, 2) for each in os.getloadavg()]


def this_machine(load_before: list[float]) -> Machine:
    """As it is now, after the last round."""
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        memory_mb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000,
        system=platform.platform(),
        python=platform.python_version(),
        versions=_versions(),
        commit=_commit(),
        load_before=load_before,
        load_after=load(),
    )


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # an extra that is not installed
    return found


def _commit() -> str:
    here = Path(__file__).parent
    asked = ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"]
    done = subprocess.run(asked, cwd=here, capture_output=True, text=True, check=False)
    return done.stdout.strip()
