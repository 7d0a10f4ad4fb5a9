"""Whose are the files of a store? Its owner's alone: they hold what is known of people, and who was erased.

Each is made with its permissions and never given them later, since whoever has opened it before goes on reading it. The
process's umask is not touched: it belongs to the program in which an engine is embedded, and can only take more away.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Literal

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700


def make_folder(folder: Path, *, durable: bool = True) -> None:
    """Make the folder and those above it that are missing, durably unless it need not be."""
    if folder.is_dir():
        return
    make_folder(folder.parent, durable=durable)
    folder.mkdir(FOLDER_MODE, exist_ok=True)
    if durable:
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make durable which files the folder holds, and under which names."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_file(path: Path) -> None:
    """Make an empty file; one that is there stays as it is.

    It is not opened for that: to close any descriptor of a database would give up the locks that SQLite has on it. What
    SQLite keeps beside a database has the permissions of that.
    """
    with suppress(FileExistsError):
        os.mknod(path, FILE_MODE)


def open_private(path: Path, mode: Literal["wb", "ab", "a+b"]) -> BinaryIO:
    """Open a file to write it, as `open` does; it is its owner's if it is new."""
    return open(path, mode, opener=_open)


def _open(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)
