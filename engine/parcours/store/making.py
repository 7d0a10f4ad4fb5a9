"""New stores, of either kind, that appear whole or not at all: filled apart, and a store only at the end.

One on disk is a folder without a layout until then, one in PostgreSQL a schema of another name. What it has in files is
written before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from parcours.store.address import new_postgres
from parcours.store.backup import begin_backup, complete_backup
from parcours.store.kept_files import begin_files
from parcours.store.layout import Layout
from parcours.store.place import place_of
from parcours.store.sqlite import SqliteStore
from parcours.store.store import Store


@dataclass(frozen=True, slots=True)
class NewStore:
    """
    open   one of its shards, to be filled
    files  the folder of what it keeps in files, None where it has none
    """

    open: Callable[[int], Store]
    files: Path | None


@contextmanager
def new_store(address: str, layout: Layout) -> Iterator[NewStore]:
    """An empty store to be filled, which is the one at this address from the end of the block on; or nothing is.

    Raises SettingInvalid where there is something already, BackupFailed, StoreBroken, and StoreBusy where somebody else
    is making one there.
    """
    place = place_of(address)
    if place.kind != "postgres":
        folder = place.folder()
        begin_backup(folder, layout)
        yield NewStore(partial(SqliteStore, folder), folder)
        complete_backup(folder, layout)
        return
    with new_postgres(address, layout) as unfinished:
        begin_files(place.files)
        yield NewStore(unfinished.open, place.files)
