"""The layout of a store's folder: for which project and how many shards it was made, in a file `layout.json`.

It is written when the store is made, and never again. A store of which it is lost is not made anew: what is left of it
would be opened as somebody else's.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from parcours.errors import StoreBroken, naming
from parcours.store.journal import in_words
from parcours.store.manifest import NAME as MANIFEST
from parcours.store.manifest import begin_manifest, has_notes, layout_in
from parcours.store.private_files import make_folder, open_private, sync_folder

LAYOUT = "layout.json"


class Layout(msgspec.Struct, frozen=True):
    """For which project a store was made, and for how many shards."""

    project: str
    shards: int


decode_layout = msgspec.json.Decoder(Layout).decode


def made_or_found(folder: Path, wanted: Layout) -> Layout:
    """The layout of the store in this folder; the wanted one if there was no store, and one has been made.

    Raises StoreBroken if a store cannot be made, written or read, or if only a part of one is left.
    """
    with _errors_in_words(folder):
        make_folder(folder)
        with _alone_in(folder):
            if not (folder / LAYOUT).exists():
                _make(folder, wanted)
        return _found(folder)


def _make(folder: Path, wanted: Layout) -> None:
    left = min((each.name for each in folder.glob("shard-*")), default=None)
    if left is not None or has_notes(folder):
        noted = layout_in(folder) if (folder / MANIFEST).exists() else None
        held = "the project and the number of shards" if noted is None else noted.decode()
        raise StoreBroken(
            f"{folder / LAYOUT} is missing, and {left or MANIFEST} is there: put it back (it held {held}), or name "
            "another folder for a new store"
        )
    write_layout(folder, wanted, begin=True)


def write_layout(folder: Path, layout: Layout, *, begin: bool = False) -> None:
    """Write the layout, durably: what makes of the files in the folder a store.

    begin  whether its manifest begins with it
    """
    path, encoded = folder / LAYOUT, msgspec.json.encode(layout)
    unfinished = path.with_suffix(".unfinished")  # a layout that is there is whole
    with naming(path), open_private(unfinished, "wb") as file:
        file.write(encoded)
        file.flush()
        os.fsync(file.fileno())
    if begin:
        begin_manifest(folder, encoded)
    unfinished.replace(path)
    sync_folder(folder)


def layout_of(folder: Path) -> Layout | None:
    """For whom the store in this folder was made, None if there is no store.

    Raises StoreBroken if it cannot be read, or if the manifest is missing or says something else.
    """
    with _errors_in_words(folder):
        return _found(folder) if (folder / LAYOUT).exists() else None


def _found(folder: Path) -> Layout:
    path = folder / LAYOUT
    encoded = path.read_bytes()
    found = decode_layout(encoded)
    try:
        noted = layout_in(folder)
    except FileNotFoundError:
        raise StoreBroken(f"{folder / MANIFEST} is missing: put all files of the store back from one backup") from None
    if noted is not None and decode_layout(noted) != found:
        raise StoreBroken(
            f"{path} says {encoded.decode()}, and {folder / MANIFEST} says {noted.decode()}: put the right one back"
        )
    return found


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep others from making a store here at the same moment."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _errors_in_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except msgspec.MsgspecError as error:
        raise StoreBroken(f"{folder / LAYOUT} cannot be read: {error}") from None
    except OSError as error:
        raise in_words(folder, error) from error
