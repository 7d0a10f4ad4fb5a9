"""The folder of a shard's further files: each grows until it is whole, and is deleted when nobody wants it any more.

Which of them there have to be is not known here: whoever writes a file names it in a record once it is whole.
"""

from __future__ import annotations

import os
from pathlib import Path

from parcours.errors import naming
from parcours.store.private_files import make_folder, open_private, sync_folder

OPEN_FILES_MAX = 100
"""Files kept open for reading: to open one takes several times as long as to read a little of it."""


class FileFolder:
    """OSError passes through, for the store to put into words. The folder is made with the first file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, int] = {}

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()} if self.folder.is_dir() else set()

    def extend(self, name: str, data: bytes) -> None:
        """Durable when it returns."""
        make_folder(self.folder)
        path = self.folder / name
        is_new = not path.exists()
        with naming(path), open_private(path, "ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            sync_folder(self.folder)

    def read(self, name: str, start: int, size: int) -> bytes:
        """So many bytes from there on, fewer where the file ends before. Raises FileNotFoundError."""
        descriptor = self._open.get(name)
        if descriptor is None:
            while len(self._open) >= OPEN_FILES_MAX:
                os.close(self._open.pop(next(iter(self._open))))
            descriptor = self._open[name] = os.open(self.folder / name, os.O_RDONLY)
        return os.pread(descriptor, size, start)

    def delete(self, name: str) -> None:
        """Nothing happens if it is not there."""
        if name in self._open:
            os.close(self._open.pop(name))
        (self.folder / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of all files."""
        while self._open:
            os.close(self._open.popitem()[1])
