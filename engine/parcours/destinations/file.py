"""The destination `file`: members as lines of JSON, appended durably to a file.

A line is there, whole and for good, before its receipt says so. A crash may leave the beginning of a line behind, which
goes when the file is opened again, and lines of which nobody was told: whoever comes again is looked for first. So
each change is in the file once. A snapshot takes the file's place, whole or not at all, with what was appended since
its instant behind it. Only one process writes: it holds a lock beside the file, and the system takes that
from whoever has died.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt
from parcours.destination import Member

BLOCK_BYTES: Final = 1 << 20
"""Read at once of a file that is looked through."""


class FileSettings(BaseModel):
    """Where the file is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(description="The file of lines of JSON.")


class _Named(msgspec.Struct):
    """As much of a line as tells which one it is."""

    id: str
    at: str = ""


_decode = msgspec.json.Decoder(_Named).decode


class FileDestination:
    """Appends to one file. Everything that waits for the disk happens on a thread, one call at a time."""

    Settings: ClassVar[type[BaseModel]] = FileSettings

    def __init__(self, settings: FileSettings) -> None:
        self._path = settings.path
        self._turn = asyncio.Lock()
        self._lock = -1
        self._part = self._path.with_name(f".{self._path.name}.part")
        self._snapshot = ""

    async def start(self) -> None:
        await asyncio.to_thread(self._open)

    async def send(self, members: Sequence[Member]) -> list[Receipt]:
        async with self._turn:
            return await asyncio.to_thread(self._append, members)

    async def begin(self, snapshot: str) -> None:
        self._snapshot = snapshot
        await asyncio.to_thread(self._part.write_bytes, b"")

    async def add(self, members: Sequence[Member]) -> None:
        await asyncio.to_thread(self._add, members)

    async def finish(self) -> None:
        async with self._turn:  # nothing is appended meanwhile
            await asyncio.to_thread(self._replace)

    async def abandon(self) -> None:
        await asyncio.to_thread(self._part.unlink, missing_ok=True)

    def _add(self, members: Sequence[Member]) -> None:
        with self._part.open("ab") as file:
            file.writelines(member.as_json() + b"\n" for member in members)

    def _replace(self) -> None:
        """What is later than the snapshot holds beside it."""
        with self._part.open("ab") as file, self._path.open("rb") as before:
            file.writelines(line for line in before if _is_later(line, self._snapshot))
            file.flush()
            os.fsync(file.fileno())
        self._part.replace(self._path)
        _sync_folder(self._path.parent)

    async def stop(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)

    def _open(self) -> None:
        """Raises OSError, also where another process has the file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._path.with_name(f".{self._path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._path.touch()
            _end_at_a_line(self._path)
            _sync_folder(self._path.parent)
        except BaseException:
            os.close(lock)
            raise
        self._lock = lock

    def _append(self, members: Sequence[Member]) -> list[Receipt]:
        again = {member.id for member in members if member.attempt > 1}
        there = _found(self._path, again) if again else set[str]()
        new = [member for member in members if member.id not in there]
        kept: list[Receipt] = [Accepted(member.id) for member in members if member.id in there]
        return kept + (self._write(new) if new else [])

    def _write(self, members: Sequence[Member]) -> list[Receipt]:
        lines = b"".join(member.as_json() + b"\n" for member in members)
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            return [NotSent(member.id, _words(error), of_channel=True) for member in members]
        size = os.fstat(file).st_size
        try:
            _write_all(file, lines)
            os.fsync(file)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(file, size)
                os.fsync(file)
                return [NotSent(member.id, _words(error), of_channel=True) for member in members]
            return [Ambiguous(member.id, _words(error)) for member in members]
        finally:
            os.close(file)
        return [Accepted(member.id) for member in members]


def _words(error: OSError) -> str:
    """What went wrong; which file it is about is known."""
    return f"{type(error).__name__}: {os.strerror(error.errno or 0)}"


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _end_at_a_line(path: Path) -> None:
    """Take away what a crash has left of a line."""
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        place = end
        while place > 0:
            begin = max(0, place - BLOCK_BYTES)
            file.seek(begin)
            newline = file.read(place - begin).rfind(b"\n")
            if newline >= 0:
                place = begin + newline + 1
                break
            place = begin
        if place < end:
            file.truncate(place)
            os.fsync(file.fileno())


def _found(path: Path, wanted: Iterable[str]) -> set[str]:
    """Those of the changes that are in the file."""
    left, found = set(wanted), set[str]()
    with suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            with suppress(msgspec.MsgspecError):
                name = _decode(line).id
                if name in left:
                    found.add(name)
                    if found == left:
                        break
    return found


def _is_later(line: bytes, snapshot: str) -> bool:
    """Whether it is a change that came after that instant; times are written so that they compare as texts."""
    try:
        return _decode(line).at > snapshot
    except msgspec.MsgspecError:
        return False


def _sync_folder(folder: Path) -> None:
    """Let the file's name be there for good, too."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
