"""The operations on files of which the exporter's folders are made.

Each is one step after which a crash may come. A file is written under a name that says so, made durable, and takes its
own name by a rename; a name is durable when its folder is. Each writer has unfinished names of its own: a copy of an
exporter that was frozen, and goes on, writes the same file beside this one, and not into it.
"""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from parcours.errors import naming
from parcours.store.exports import UNFINISHED
from parcours.store.private_files import make_folder, open_private, sync_folder


class Disk:
    """The machine's, for one writer. OSError passes through."""

    def __init__(self, *, durable: bool = True) -> None:
        """durable: whether files outlive a crash of the machine; each of them takes milliseconds for that."""
        self._durable = durable
        self._mark = secrets.token_hex(4)

    def unfinished(self, path: Path) -> Path:
        """Where a file lies while it is written."""
        return path.with_name(f"{path.name}.{self._mark}{UNFINISHED}")

    def begin(self, path: Path) -> None:
        """Make the folder, and an empty file under its unfinished name, whatever was there."""
        make_folder(path.parent, durable=self._durable)
        open_private(self.unfinished(path), "wb").close()

    def extend(self, path: Path, data: bytes | memoryview) -> None:
        """Add to what is being written, and close it again: a range may have more files than may be open."""
        with naming(path), self.unfinished(path).open("ab") as file:
            file.write(data)

    def finish(self, path: Path) -> int:
        """Make the file durable and give it its name; returns its size in bytes."""
        with naming(path), self.unfinished(path).open("rb") as file:
            if self._durable:
                os.fsync(file.fileno())
            size = os.fstat(file.fileno()).st_size
        self.unfinished(path).replace(path)
        return size

    def sync(self, folder: Path) -> None:
        """Make durable which files the folder has."""
        if self._durable:
            sync_folder(folder)

    def remove(self, path: Path) -> None:
        """Nothing happens if it is not there."""
        path.unlink(missing_ok=True)

    def remove_folder(self, folder: Path) -> None:
        """Nothing happens if there is anything in it."""
        try:
            folder.rmdir()
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
                raise
