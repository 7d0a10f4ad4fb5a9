"""A disk of the exporter that fails: what it has done by then is there, and the operation at hand is half done."""

from __future__ import annotations

from pathlib import Path

from parcours.insight.exporter.disk import Disk


class FailingDisk(Disk):
    """A disk on which nothing works any more after so many operations: before the next one, or in its middle."""

    def __init__(self, works_for: int) -> None:
        super().__init__()
        self._works_for = works_for
        self.done = 0

    def _count(self) -> None:
        if self.done >= self._works_for:
            raise OSError(28, "No space left on device")
        self.done += 1

    def begin(self, path: Path) -> None:
        self._count()
        super().begin(path)

    def extend(self, path: Path, data: bytes | memoryview) -> None:
        if self.done >= self._works_for:
            super().extend(path, bytes(data)[: len(data) // 2])
        self._count()
        super().extend(path, data)

    def finish(self, path: Path) -> int:
        self._count()
        return super().finish(path)

    def sync(self, folder: Path) -> None:
        self._count()
        super().sync(folder)

    def remove(self, path: Path) -> None:
        self._count()
        super().remove(path)

    def remove_folder(self, folder: Path) -> None:
        self._count()
        super().remove_folder(folder)
