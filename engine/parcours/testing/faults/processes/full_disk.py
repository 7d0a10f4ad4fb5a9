"""A disk that can be full: a small file system of its own for the store, or a limit on the length of files.

A tmpfs has to be mounted, which only root may. Where it cannot be, the disk is full in another way: the system refuses
the processes that own shards every write beyond a file's length (RLIMIT_FSIZE), which to them is the same, but for the
number of the error.
"""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

SIZE_BYTES: Final = 256 * 1024 * 1024
BALLAST: Final = "ballast"


class SmallDisk:
    """Holds the store. `is_mounted` tells which of the two ways it is."""

    def __init__(self, folder: Path, *, is_mounted: bool) -> None:
        self._folder = folder
        self.is_mounted = is_mounted
        self._limited: list[int] = []

    def fill(self, owners: Sequence[int]) -> None:
        """From now on nothing more can be written by these processes."""
        if not self.is_mounted:
            self._limited = [owner for owner in owners if _limit(owner, 0)]
            return
        piece = bytes(1024 * 1024)
        with (self._folder / BALLAST).open("wb", buffering=0) as file:
            with suppress(OSError):  # which is the point
                while True:
                    file.write(piece)
            with suppress(OSError):
                while file.write(bytes(512)):
                    pass

    def clear(self) -> None:
        """There is room again."""
        for owner in self._limited:
            _limit(owner, resource.RLIM_INFINITY)
        self._limited = []
        (self._folder / BALLAST).unlink(missing_ok=True)


def _limit(process: int, size_bytes: int) -> bool:
    try:
        _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
        soft = hard if size_bytes == resource.RLIM_INFINITY else size_bytes
        resource.prlimit(process, resource.RLIMIT_FSIZE, (soft, hard))
    except (ProcessLookupError, PermissionError):
        return False
    return True


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """A disk of its own at this folder, if one may be mounted."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "tmpfs", str(folder)]
    try:
        is_mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except FileNotFoundError:
        is_mounted = False
    try:
        yield SmallDisk(folder, is_mounted=is_mounted)
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
