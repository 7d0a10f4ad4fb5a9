"""Store addresses: `memory:`, `volatile:`, or `sqlite:///folder`, opened shard by shard.

`sqlite:///var/luma` is a folder below the current one, `sqlite:////var/luma` an absolute path. The folder
remembers for how many shards it was made (layout.py): which shard owns whom depends on it.
"""

from __future__ import annotations

import os
from pathlib import Path

from parcours.arguments import is_path
from parcours.errors import SettingInvalid, StoreBroken
from parcours.store.layout import LAYOUT, Layout, layout_of, made_or_found
from parcours.store.memory import MemoryStore, VolatileStore
from parcours.store.sqlite import SqliteStore
from parcours.store.store import Store
from parcours.wording import shown_value

SQLITE = "sqlite:///"


IN_MEMORY = ("memory:", "volatile:")


def check_address(address: object) -> None:
    """Raises SettingInvalid unless a store can have this address; nothing is looked at on the disk."""
    if isinstance(address, os.PathLike):
        raise SettingInvalid(f"store={address!r} is a path: write it as a text, '{SQLITE}{os.fsdecode(address)}'")
    if not isinstance(address, str):
        raise SettingInvalid(f"store={shown_value(address)}: use sqlite:///FOLDER or memory:")
    if address not in IN_MEMORY:
        folder_of(address)


def prepare(address: str, project: str, shards: int) -> None:
    """Make the store's folder for a project and a number of shards, or check that it was made for them.

    Raises SettingInvalid if it was made for others, StoreBroken if it cannot be made, written or read, or if only a
    part of it is left.
    """
    if address in IN_MEMORY:
        return
    folder, wanted = folder_of(address), Layout(project, shards)
    found = made_or_found(folder, wanted)
    _check_owner(address, found, project)
    if found.shards != shards:
        raise SettingInvalid(
            f"the store {address} was made for {found.shards} shards, not for {shards}: open it with "
            f"shards={found.shards}"
        )


def perhaps_absolute(address: str) -> str | None:
    """The absolute address that was perhaps meant by a relative one where nothing lies yet; None if there is no doubt.

    There is doubt where that is there already, or its first folder is and the relative one's is not.
    """
    if not is_durable(address) or not is_path(address):
        return None
    written = address.removeprefix(SQLITE)
    first = written.partition("/")[0]
    if first in ("", ".", "..") or _is_there(written):
        return None
    if _is_there(f"/{written}") or (_is_there(f"/{first}/") and not _is_there(f"{first}/")):
        return f"{SQLITE}/{written}"
    return None


def _is_there(path: str) -> bool:
    """Whether it can be seen, as a folder if a slash is its end; what may not be looked at is no reason to fail."""
    return os.access(path, os.F_OK)


def _check_owner(address: str, found: Layout, project: str) -> None:
    if found.project != project:
        raise SettingInvalid(
            f"the store {address} belongs to project {found.project!r}, not to {project!r}: name another store"
        )


def shards_of(address: str, project: str | None = None) -> int:
    """For how many shards the project's store was made.

    Raises SettingInvalid if there is no store, or another project's, StoreBroken if it cannot be read.
    """
    if address in IN_MEMORY:
        raise SettingInvalid(f"the store {address} lies in the memory of the process that uses it: ask there")
    found = layout_of(folder_of(address))
    if found is None:
        raise SettingInvalid(f"there is no store {address}")
    if project is not None:
        _check_owner(address, found, project)
    return found.shards


def open_store(address: str, shard: int) -> Store:
    """The store of one shard. Raises StoreBroken if `prepare` has made none there, or if it has gone since."""
    if address == "memory:":
        return MemoryStore()
    if address == "volatile:":
        return VolatileStore()
    folder = folder_of(address)
    if not (folder / LAYOUT).exists():  # a folder that was deleted, or is not mounted, is not begun anew
        raise StoreBroken(f"there is no store in {folder} any more: put its files back, then open it again")
    return SqliteStore(folder, shard)


def is_durable(address: str) -> bool:
    """Whether the store outlives the process."""
    return address.startswith(SQLITE)


def folder_of(address: str) -> Path:
    """Where a store on disk lies. Raises SettingInvalid for any other address."""
    if not address.startswith(SQLITE) or address == SQLITE:
        raise SettingInvalid(f"store {shown_value(address)}: use sqlite:///FOLDER or memory:")
    if not is_path(address):
        raise SettingInvalid(f"store {shown_value(address)}: no folder can have this path")
    return Path(address.removeprefix(SQLITE))
