"""Where is the door to a store that is in use? A note beside the store's files, for whoever finds them locked.

The note is locked by the process that wrote it for as long as its door is open: one that a crash left says nothing.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from parcours.store.private_files import FILE_MODE

NOTE: Final = "door"

ADDRESS_BYTES_MAX: Final = 4_096


@contextmanager
def door_noted(folder: Path, address: str) -> Iterator[None]:
    """While it runs, whoever finds the store in this folder locked is told this address. Raises OSError."""
    path = folder / NOTE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, address.encode()[:ADDRESS_BYTES_MAX], 0)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def door_at(folder: Path) -> str | None:
    """The address of the door that is open to the store in this folder, None if there is none."""
    with suppress(FileNotFoundError, UnicodeDecodeError), (folder / NOTE).open("rb") as note:
        try:
            fcntl.flock(note, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return note.read(ADDRESS_BYTES_MAX).decode() or None
    return None
