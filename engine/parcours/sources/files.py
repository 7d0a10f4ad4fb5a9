"""Files as a source: each file of a folder is a partition, read once from its first line to its last.

A file is known by what it holds: one that is renamed, or that comes a second time, is not read again, and one that was
changed is another file. Whoever writes one names it once it is whole, or leaves it alone for some seconds: only
a file that has not changed since the last look is read. The offset of a line is its place in the file, in bytes of what
is there once it is unpacked; that of a row of Parquet is its number.
"""

from __future__ import annotations

import asyncio
import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from parcours.source import PartitionGone, PositionOutOfRange, Read, SourceUnreachable, in_thread
from parcours.sources.file_kinds import PACKED, is_parquet, missing_library, suffixes, unreadable, unreadable_pattern
from parcours.sources.file_lines import FileLines

if TYPE_CHECKING:
    from parcours.sources.parquet_rows import ParquetRows

WAIT_S = 0.5
"""How long a reading of a file that is away waits."""

HASHED_AT_ONCE = 1 << 20

Lines: TypeAlias = "FileLines | ParquetRows"

Look = tuple[int, int, int]
"""By what a file is known to be unchanged: its inode, its length and the time of its last change."""


class FilesSettings(BaseModel):
    """Which files are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: str = Field(
        min_length=1,
        description="The files, such as in/*.ndjson: NDJSON, or CSV or Parquet where the name says so; "
        "packed with .gz or .zst.",
    )

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, given: Any) -> Any:
        """The pattern alone is enough."""
        if not isinstance(given, str | Mapping):
            raise ValueError("a pattern of files is expected, such as in/*.ndjson")
        return {"files": given} if isinstance(given, str) else given

    @field_validator("files")
    @classmethod
    def _below_the_project(cls, files: str, info: ValidationInfo) -> str:
        """A relative pattern begins at the project's folder, where there is one. What it needs is there."""
        if (reason := unreadable_pattern(files)) is not None:
            raise ValueError(reason)
        if (missing := missing_library(Path(files))) is not None:
            raise ValueError(missing)
        return files if info.context is None else str(Path(info.context["folder"]) / files)


@dataclass(frozen=True, slots=True)
class _Known:
    look: Look
    partition: str


class FilesSource:
    """Reads files."""

    Settings: ClassVar[type[BaseModel]] = FilesSettings

    def __init__(self, settings: FilesSettings) -> None:
        self._folder, self._below = _parted(settings.files)
        self._looks: dict[Path, Look] = {}
        self._known: dict[Path, _Known] = {}
        self._paths: dict[str, Path] = {}
        self._names: dict[str, str] = {}
        """The names of files below the folder, by their partitions."""
        self._open: dict[str, Lines] = {}
        self._unfinished: set[str] = set()
        """Those that have been begun here: where such a file is taken away, that is told."""

    async def start(self) -> None:
        """Whether there is a folder is told when it is looked into."""

    async def partitions(self) -> Sequence[str]:
        await in_thread(self._look)
        return sorted(self._paths.keys() | self._unfinished)

    def shown_name(self, partition: str) -> str | None:
        return self._names.get(partition)

    async def read(self, partition: str, position: int | None, most: int) -> Read:
        if partition not in self._paths:
            await in_thread(self._find)
        path = self._paths.get(partition)
        if path is None:
            await asyncio.sleep(WAIT_S)
            raise PartitionGone(
                f"there is no file any more that holds what {self._names.get(partition, partition)} held"
            )
        try:
            return await in_thread(self._read, path, partition, position or 0, most)
        except FileNotFoundError:
            self._paths.pop(partition, None)
            raise SourceUnreachable(f"{path} is not there now") from None
        except unreadable() as error:
            self._drop(partition)
            raise SourceUnreachable(f"{path} cannot be read: {error}") from error

    async def close(self) -> None:
        for partition in list(self._open):
            self._drop(partition)

    def files(self) -> dict[str, Path]:
        """The files as they are now, by their partitions; of equal ones the first. Raises SourceUnreachable."""
        self._find()
        return dict(self._paths)

    def _look(self) -> None:
        """Find the files that have not changed since the last look."""
        looks = self._there()
        settled = {path: look for path, look in looks.items() if look == self._looks.get(path)}
        self._looks = looks
        self._know(settled)

    def _find(self) -> None:
        """Find files as they are, for a partition that is asked for before anybody has looked twice."""
        self._know(self._there())

    def _there(self) -> dict[Path, Look]:
        """All files, by how they look. Raises SourceUnreachable where there is no folder for them."""
        if not self._folder.is_dir():
            raise SourceUnreachable(f"there is no folder {self._folder}")
        paths = sorted(self._folder.glob(self._below))
        return {path: look for path in paths if (look := _look_at(path)) is not None}

    def _know(self, looks: dict[Path, Look]) -> None:
        known: dict[Path, _Known] = {}
        for path, look in looks.items():
            before = self._known.get(path)
            try:
                known[path] = before if before and before.look == look else _Known(look, _digest_of(path))
            except OSError as error:
                raise SourceUnreachable(f"{path} cannot be read: {error}") from error
        self._known = known
        self._paths = {each.partition: path for path, each in reversed(known.items())}
        unfinished = {each: name for each, name in self._names.items() if each in self._unfinished}
        self._names = unfinished | {each: str(path.relative_to(self._folder)) for each, path in self._paths.items()}

    def _read(self, path: Path, partition: str, position: int, most: int) -> Read:
        lines = self._open.get(partition)
        if lines is None or lines.position != position:
            self._drop(partition)
            lines = self._open[partition] = opened(path)
            if not lines.go_to(position):
                self._drop(partition)
                raise PositionOutOfRange(position, 0)
        self._unfinished.add(partition)
        read = lines.read(most)
        if lines.is_over:
            self._unfinished.discard(partition)
            self._drop(partition)
        return Read(read, lines.position, is_over=lines.is_over)

    def _drop(self, partition: str) -> None:
        if (lines := self._open.pop(partition, None)) is not None:
            lines.close()


def opened(path: Path) -> Lines:
    """The lines of a file. Raises SourceUnreachable where a library is missing, OSError."""
    if (missing := missing_library(path)) is not None:
        raise SourceUnreachable(f"{path}: {missing}")
    if is_parquet(path):
        from parcours.sources.parquet_rows import ParquetRows

        return ParquetRows(path)
    return FileLines(path)


def _parted(pattern: str) -> tuple[Path, str]:
    """The folder below which all that it may find lies, and the rest of the pattern."""
    *folders, name = Path(pattern).parts
    plain = next((number for number, each in enumerate(folders) if glob.has_magic(each)), len(folders))
    return Path(*folders[:plain]), str(Path(*folders[plain:], name))


def _look_at(path: Path) -> Look | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns) if path.is_file() else None


def _digest_of(path: Path) -> str:
    """What the file holds, in short; the kind of its lines belongs to it."""
    kind = "".join(each for each in suffixes(path) if each not in PACKED)
    digest = blake2b(kind.encode(), digest_size=12)
    with path.open("rb") as file:
        while piece := file.read(HASHED_AT_ONCE):
            digest.update(piece)
    return digest.hexdigest()
