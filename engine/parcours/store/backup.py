"""Backups: folders that are stores themselves, made of a store that is in use or not, checked, and made a store again.

A backup is begun in an empty folder, filled shard by shard (`Store.copy_to`), and complete once it has a layout: that
is written last, so that half a backup is never taken for a whole one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from parcours.errors import SettingInvalid, StoreBroken
from parcours.store.address import made_for, new_postgres, open_store
from parcours.store.campaign_files import CampaignFiles
from parcours.store.erasure_log import LOG
from parcours.store.kept_files import begin_files, files_in
from parcours.store.layout import LAYOUT, Layout, decode_layout, layout_of, write_layout
from parcours.store.manifest import NAME as MANIFEST
from parcours.store.manifest import begin_manifest, layout_in
from parcours.store.place import place_of
from parcours.store.private_files import make_folder
from parcours.store.shard_copy import backup_failed
from parcours.store.sqlite import SqliteStore
from parcours.store.store import Store

S = TypeVar("S", bound=Store)


class CopyExports(Protocol):
    """Copies what is exported from one folder to another, of so many shards; `opened` opens one where the target is not
    their folder.
    """

    def __call__(
        self, source: Path, target: Path, shards: int, opened: Callable[[int], Store] | None = None, /
    ) -> None: ...


def begin_backup(folder: Path, layout: Layout) -> None:
    """Make the folder, which has to be empty if it is there. Raises SettingInvalid, BackupFailed."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise SettingInvalid(f"{folder} is not empty: name a folder that is, or that there is not yet")
        make_folder(folder)
        begin_manifest(folder, msgspec.json.encode(layout))
    except OSError as error:
        raise backup_failed(folder, error) from error


def complete_backup(folder: Path, layout: Layout) -> None:
    """Make a store of what has been copied into the folder. Raises BackupFailed."""
    try:
        write_layout(folder, layout)
    except OSError as error:
        raise backup_failed(folder, error) from error


def copy_store(
    source: Path, target: Path, copy_exports: Callable[[Path, Path, int], None], *, accept_loss: bool = False
) -> Layout:
    """Copy a store that nobody uses, or a backup, into an empty folder; all that is copied is checked.

    copy_exports  copies what is exported, once all else is copied: from one folder to the other, of so many shards
    accept_loss  whether files count as they are, though the manifest says that newer ones have been there
    Raises SettingInvalid, StoreBroken, StoreBusy for a store in use, BackupFailed.
    """
    layout = _known_layout(source, accept_loss)
    with ExitStack() as opened:
        stores = [opened.enter_context(closing(_open(source, shard, accept_loss))) for shard in range(layout.shards)]
        begin_backup(target, layout)
        for store in stores:
            for write in store.copy_to(target):
                write()
    CampaignFiles(source, target).copy_rest()
    copy_exports(source, target, layout.shards)
    complete_backup(target, layout)
    return layout


def back_up(address: str, target: Path, copy_exports: Callable[[Path, Path, int], None]) -> Layout:
    """Copy the store at this address, which nobody uses, into an empty folder: a store on disk, whatever it was.

    Raises as `copy_store`.
    """
    place = place_of(address)
    if place.kind != "postgres":
        return copy_store(place.folder(), target, copy_exports)
    layout = made_for(address)
    with ExitStack() as opened:
        stores = [opened.enter_context(closing(open_store(address, shard))) for shard in range(layout.shards)]
        begin_backup(target, layout)
        for store in stores:
            for write in store.copy_to(target):
                write()
    if place.files is not None:
        CampaignFiles(place.files, target).copy_rest()
        copy_exports(place.files, target, layout.shards)
    complete_backup(target, layout)
    return layout


def restore(source: Path, address: str, copy_exports: CopyExports, *, accept_loss: bool = False) -> Layout:
    """Make the store at this address, where there is none yet, of a backup or of a store's folder.

    copy_exports, accept_loss  as for `copy_store`
    Raises as `copy_store`, and SettingInvalid for a backup with files where the store has no folder for any.
    """
    place = place_of(address)
    if place.kind != "postgres":
        return copy_store(source, place.folder(), copy_exports, accept_loss=accept_loss)
    layout = _known_layout(source, accept_loss)
    if any(each != LOG for each in files_in(source)):
        place.folder()
    with new_postgres(address, layout) as unfinished:
        begin_files(place.files)
        unfinished.fill_from(source, is_noted=not accept_loss)
        if place.files is not None:
            CampaignFiles(source, place.files).copy_rest()
            copy_exports(source, place.files, layout.shards, unfinished.open)
    return layout


def _known_layout(source: Path, accept_loss: bool) -> Layout:
    try:
        found = layout_of(source)
    except StoreBroken:
        if not accept_loss or (source / MANIFEST).exists():
            raise
        return decode_layout((source / LAYOUT).read_bytes())
    if found is not None:
        return found
    if not (source / MANIFEST).exists():
        raise SettingInvalid(f"there is no store in {source}")
    noted = layout_in(source)
    if accept_loss and noted is not None:
        return decode_layout(noted)
    held = "the project and the number of shards" if noted is None else noted.decode()
    raise StoreBroken(
        f"{source / LAYOUT} is missing, which is written last: the making of a backup was cut off, or the file has "
        f"been lost; it held {held}"
    )


def _open(folder: Path, shard: int, accept_loss: bool) -> Store:
    path = folder / f"shard-{shard:04}.journal.sqlite3"
    if accept_loss and not path.exists():
        raise StoreBroken(f"{path} is missing: nobody can accept the loss of a whole shard; put any copy of it there")
    return SqliteStore(folder, shard, is_noted=not accept_loss)


def nothing_further(store: Store) -> None:
    """There is nothing else to check."""


@dataclass(frozen=True, slots=True)
class ShardFound:
    """What a check has found of a shard.

    oldest, newest  its records
    wrong           what is wrong, None if all is as it was written
    """

    shard: int
    oldest: int = 0
    newest: int = 0
    size_bytes: int = 0
    images: int = 0
    wrong: str | None = None


def check_shard(folder: Path, shard: int, further: Callable[[Store], None] = nothing_further) -> ShardFound:
    """Read everything that a shard holds: its manifest, the chain of its records, the seals of its images.

    further  checks what no store knows of, and raises StoreBroken
    Nothing changes. Raises StoreBusy if an engine uses the store.
    """

    def owned(store: SqliteStore) -> None:
        store.check_owner()
        further(store)

    return _checked(lambda: SqliteStore(folder, shard), shard, owned)


def check_shard_at(address: str, shard: int, further: Callable[[Store], None] = nothing_further) -> ShardFound:
    """`check_shard` of the store at this address."""
    place = place_of(address)
    if place.kind != "postgres":
        return check_shard(place.folder(), shard, further)
    return _checked(lambda: open_store(address, shard), shard, further)


def _checked(opening: Callable[[], S], shard: int, further: Callable[[S], None]) -> ShardFound:
    try:
        with closing(opening()) as store:
            oldest = newest = 0
            for record in store.records():
                oldest, newest = oldest or record.sequence, record.sequence
            images = sum(1 for _ in store.images())
            further(store)
            return ShardFound(shard, oldest, newest, store.size_bytes(), images)
    except StoreBroken as error:
        return ShardFound(shard, wrong=str(error))


def strays_in(folder: Path, shards: int) -> list[str]:
    """Files of shards that the store does not have, by name."""
    own = tuple(f"shard-{shard:04}." for shard in range(shards))
    return sorted(each.name for each in folder.glob("shard-*") if not each.name.startswith(own))
