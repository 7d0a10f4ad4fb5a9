"""Store addresses: `memory:`, `volatile:`, or `sqlite:///folder`, opened shard by shard.

`sqlite:///var/luma` is a folder below the current one, `sqlite:////var/luma` an absolute path. The folder
remembers for how many shards it was made: which shard owns whom depends on it.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from parcours.arguments import is_path
from parcours.errors import SettingInvalid, StoreBroken, naming
from parcours.store.journal import in_words
from parcours.store.memory import MemoryStore, VolatileStore
from parcours.store.sqlite import SqliteStore
from parcours.store.store import Store
from parcours.wording import shown_value

SQLITE = "sqlite:///"


IN_MEMORY = ("memory:", "volatile:")


class _Layout(msgspec.Struct, frozen=True):
    project: str
    shards: int


def check_address(address: object) -> None:
    """Raises SettingInvalid unless a store can have this address; nothing is looked at on the disk."""
    if isinstance(address, os.PathLike):
        raise SettingInvalid(f"store={address!r} is a path: write it as a text, '{SQLITE}{os.fsdecode(address)}'")
    if not isinstance(address, str):
        raise SettingInvalid(f"store={shown_value(address)}: use sqlite:///FOLDER or memory:")
    if address not in IN_MEMORY:
        _folder(address)


def prepare(address: str, project: str, shards: int) -> None:
    """Make the store's folder for a project and a number of shards, or check that it was made for them.

    Raises SettingInvalid if it was made for others, StoreBroken if it cannot be made, written or read.
    """
    if address in IN_MEMORY:
        return
    path = _folder(address) / "layout.json"
    try:
        _prepare(path, address, _Layout(project, shards))
    except msgspec.MsgspecError as error:
        raise StoreBroken(f"{path} cannot be read: {error}") from None
    except OSError as error:
        raise in_words(path.parent, error) from error


def _prepare(path: Path, address: str, wanted: _Layout) -> None:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")  # a layout that is there is whole
        with naming(path):
            unfinished.write_bytes(msgspec.json.encode(wanted))
        unfinished.replace(path)
        return
    found = msgspec.json.decode(path.read_bytes(), type=_Layout)
    _check_owner(address, found, wanted.project)
    if found.shards != wanted.shards:
        raise SettingInvalid(
            f"the store {address} was made for {found.shards} shards, not for {wanted.shards}: "
            f"open it with shards={found.shards}"
        )


def _check_owner(address: str, found: _Layout, project: str) -> None:
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
    path = _folder(address) / "layout.json"
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Layout)
    except FileNotFoundError:
        raise SettingInvalid(f"there is no store {address}") from None
    except msgspec.MsgspecError as error:
        raise StoreBroken(f"{path} cannot be read: {error}") from None
    except OSError as error:
        raise in_words(path.parent, error) from error
    if project is not None:
        _check_owner(address, found, project)
    return found.shards


def open_store(address: str, shard: int) -> Store:
    """The store of one shard."""
    if address == "memory:":
        return MemoryStore()
    if address == "volatile:":
        return VolatileStore()
    return SqliteStore(_folder(address), shard)


def is_durable(address: str) -> bool:
    """Whether the store outlives the process."""
    return address.startswith(SQLITE)


def _folder(address: str) -> Path:
    if not address.startswith(SQLITE) or address == SQLITE:
        raise SettingInvalid(f"store {shown_value(address)}: use sqlite:///FOLDER or memory:")
    if not is_path(address):
        raise SettingInvalid(f"store {shown_value(address)}: no folder can have this path")
    return Path(address.removeprefix(SQLITE))
