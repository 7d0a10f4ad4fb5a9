"""The part of a store's folder that campaigns write: `campaigns/`, what they keep of runs, and `exports/`, for others.

No file is changed once it has its name: it is written whole, and may be replaced, or go. A copy of a store takes them
along, but for what nobody needs after a crash.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from parcours.errors import StoreBroken
from parcours.store.exports import UNFINISHED, copy_file
from parcours.store.shard_copy import backup_failed

CAMPAIGNS: Final = "campaigns"
"""In the folder of a store, where campaigns keep what they have to know."""

EXPORTED: Final = "exports"
"""In the folder of a store, where the files of export steps go."""

KEEPER: Final = ".keeper"
"""In the folder of campaigns, a folder that tells who may write there; it says nothing of a copy."""

SCRATCH: Final = ".scratch"
SPILL: Final = ".spill"

PASSING: Final = frozenset({KEEPER, SCRATCH, SPILL})
"""Folders of a run, and of all of them, with what is of use to one attempt to make something, or to one process.

No campaign, step or table can be called so, whose folders and files lie beside them: their names have no dots.
"""

PLACES: Final = ("*/campaign.json", "*/*/run.json")
"""In the folder of campaigns, the files with the lines that they have told."""

_Version: TypeAlias = tuple[int, int, int]
"""What is another one once a file has been replaced."""


class _Line(msgspec.Struct, frozen=True):
    record: int = 0


class _Place(msgspec.Struct, frozen=True):
    """Of a file of PLACES what is looked at here."""

    lines: list[_Line] = []


def told_through(store: Path) -> int:
    """The highest number of a line that campaigns of the store in this folder have told, 0 where none has.

    Raises OSError, StoreBroken.
    """
    newest = 0
    for path in (path for pattern in PLACES for path in (store / CAMPAIGNS).glob(pattern)):
        try:
            place = msgspec.json.decode(path.read_bytes(), type=_Place)
        except msgspec.MsgspecError as error:
            raise StoreBroken(f"{path} cannot be read: {error}") from error
        newest = max([newest, *(line.record for line in place.lines)])
    return newest


class CampaignFiles:
    """The copying of one store's files into the folder of its copy. Methods raise BackupFailed."""

    def __init__(self, source: Path, target: Path) -> None:
        self._source = source
        self._target = target
        self._copied: dict[Path, _Version] = {}

    def copy(self) -> None:
        """Copy what is there, while runs go on: of a run under way it is a part, from one moment and another."""
        for path in self._files():
            try:
                self._copy(path)
            except FileNotFoundError:  # replaced by another name, or not kept any more
                continue
            except OSError as error:
                raise backup_failed(self._target, error) from error

    def copy_rest(self) -> None:
        """Make the copy what is there now; nobody writes meanwhile."""
        try:
            there = [*self._files()]
            for path in self._copied.keys() - set(there):
                (self._target / path).unlink()
            for path in there:
                self._copy(path)
        except OSError as error:
            raise backup_failed(self._target, error) from error

    def _copy(self, path: Path) -> None:
        version = _version((self._source / path).stat())
        if self._copied.get(path) != version:
            copy_file(self._source / path, self._target / path)
            self._copied[path] = version

    def _files(self) -> Iterator[Path]:
        """By their paths in the folder of the store."""
        for name in (CAMPAIGNS, EXPORTED):
            for folder, folders, files in os.walk(self._source / name):
                folders[:] = sorted(set(folders) - PASSING)
                for file in sorted(files):
                    if not file.endswith(UNFINISHED):
                        yield (Path(folder) / file).relative_to(self._source)


def _version(found: os.stat_result) -> _Version:
    return found.st_ino, found.st_mtime_ns, found.st_size
