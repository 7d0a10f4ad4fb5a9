"""Store addresses: `memory:`, `volatile:`, `sqlite:///folder` or `postgresql://host/database`, opened shard by shard.

`sqlite:///var/luma` is a folder below the current one, `sqlite:////var/luma` an absolute path. The folder
remembers for how many shards it was made (layout.py): which shard owns whom depends on it. A store in PostgreSQL
remembers it in a table (postgres/schema.py), and besides where its files are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from parcours.arguments import folder_path, is_path
from parcours.errors import ExtraMissing, SettingInvalid, StoreBroken
from parcours.store.claims import Claims, FolderClaims, PassingClaims
from parcours.store.layout import LAYOUT, Layout, layout_of, made_or_found
from parcours.store.memory import MemoryStore, VolatileStore
from parcours.store.place import FORMS, SQLITE, StorePlace, place_of
from parcours.store.postgres.url import with_files
from parcours.store.private_files import make_folder
from parcours.store.sqlite import SqliteStore
from parcours.store.store import Store
from parcours.wording import shown_value

if TYPE_CHECKING:
    from parcours.store.postgres.making import UnfinishedStore
    from parcours.store.postgres.schema import Kept


def check_address(address: object) -> None:
    """Raises SettingInvalid unless a store can have this address; nothing is looked at on the disk."""
    if isinstance(address, os.PathLike):
        raise SettingInvalid(f"store={address!r} is a path: write it as a text, '{SQLITE}{os.fsdecode(address)}'")
    if not isinstance(address, str):
        raise SettingInvalid(f"store={shown_value(address)}: use {FORMS}")
    place_of(address)


def known_address(address: str, files: object = None) -> str:
    """The address with the folder of its files: the one that is named, else the one that the store remembers.

    files  the setting, a path; None where it says nothing
    Raises SettingInvalid for a folder that no such store has, or another one than the address names; StoreBroken.
    """
    place = place_of(address)
    if files is not None:
        named = folder_path("files", files).absolute()
        if place.kind != "postgres":
            raise SettingInvalid(
                f"files={str(named)!r}: only a store in PostgreSQL has its files in a folder of its own"
            )
        return with_files(address, named)
    if place.kind != "postgres" or place.files is not None:
        return address
    found = _postgres().found_at(address)
    return address if found is None or found.files is None else with_files(address, Path(found.files))


def prepare(address: str, project: str, shards: int) -> None:
    """Make the store for a project and a number of shards, or check that it was made for them.

    Raises SettingInvalid if it was made for others, StoreBroken if it cannot be made, written or read, or if only a
    part of it is left.
    """
    place, wanted = place_of(address), Layout(project, shards)
    if not place.is_durable:
        return
    found = _postgres().made_at(address, wanted) if place.kind == "postgres" else made_or_found(place.folder(), wanted)
    _check_owner(place, found, project)
    if found.shards != shards:
        raise SettingInvalid(
            f"the store {place.shown} was made for {found.shards} shards, not for {shards}: open it with "
            f"shards={found.shards}"
        )
    if place.kind == "postgres" and place.files is not None:
        with naming_folder(place.files):
            make_folder(place.files)
        _postgres().remember_files_of(address)


def perhaps_absolute(address: str) -> str | None:
    """The absolute address that was perhaps meant by a relative one where nothing lies yet; None if there is no doubt.

    There is doubt where that is there already, or its first folder is and the relative one's is not.
    """
    if not address.startswith(SQLITE) or not is_path(address):
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


def _check_owner(place: StorePlace, found: Layout, project: str) -> None:
    if found.project != project:
        another = "name another schema, by schema=NAME" if place.kind == "postgres" else "name another store"
        raise SettingInvalid(
            f"the store {place.shown} belongs to project {found.project!r}, not to {project!r}: {another}"
        )


def layout_at(address: str) -> Layout | None:
    """For whom the store at this address was made; None if there is none yet, or if it lies in memory.

    Raises SettingInvalid for an address that no store can have, StoreBroken if it cannot be read.
    """
    place = place_of(address)
    if not place.is_durable:
        return None
    return _postgres().found_at(address) if place.kind == "postgres" else layout_of(place.folder())


def shards_of(address: str, project: str | None = None) -> int:
    """For how many shards the project's store was made. Raises as `made_for`."""
    return made_for(address, project).shards


def made_for(address: str, project: str | None = None) -> Layout:
    """For which project and how many shards the store was made.

    Raises SettingInvalid if there is no store, or another project's, StoreBroken if it cannot be read.
    """
    place = place_of(address)
    if not place.is_durable:
        raise SettingInvalid(f"the store {address} lies in the memory of the process that uses it: ask there")
    found = layout_at(address)
    if found is None:
        raise SettingInvalid(f"there is no store {place.shown}")
    if project is not None:
        _check_owner(place, found, project)
    return Layout(found.project, found.shards)


def open_store(address: str, shard: int, *, is_successor: bool = False, is_owner: bool = False) -> Store:
    """The store of one shard.

    is_successor  it is opened to take the shard over from an owner that may still live, whose epoch is known
    is_owner      it is opened to be acquired, and not only looked at: an owner that is frozen does not keep it
    Raises StoreBusy, StoreBroken if `prepare` has made none there, or if it has gone since.
    """
    place = place_of(address)
    if place.kind == "memory":
        return MemoryStore() if address == "memory:" else VolatileStore()
    if place.kind == "postgres":
        return _postgres().open_postgres(address, shard, is_successor=is_successor, is_owner=is_owner)
    folder = place.folder()
    if not (folder / LAYOUT).exists():  # a folder that was deleted, or is not mounted, is not begun anew
        raise StoreBroken(f"there is no store in {folder} any more: put its files back, then open it again")
    return SqliteStore(folder, shard)


def claims_at(address: str, shards: int) -> Claims:
    """Who keeps the engine of a store that has been prepared, and where its shards run."""
    place = place_of(address)
    if place.kind == "memory":
        return PassingClaims(shards)
    return _postgres().claims_in(address) if place.kind == "postgres" else FolderClaims(place.folder(), shards)


def new_postgres(address: str, layout: Layout) -> AbstractContextManager[UnfinishedStore]:
    """A store in PostgreSQL to be filled, which is the one at this address once the block has ended.

    Raises SettingInvalid where there is one already, StoreBusy, StoreBroken.
    """
    return _postgres().new_at(address, layout)


def absolute(address: str) -> str:
    """The address for a process that may have another current folder."""
    place = place_of(address)
    return address if place.kind != "sqlite" else f"{SQLITE}{place.folder().absolute()}"


def is_same_store(one: str, other: str) -> bool:
    """Whether the store at one address is that at the other: one in PostgreSQL has many, and says itself which it is.

    Raises StoreBroken where it cannot be asked.
    """
    here, there = place_of(absolute(one)), place_of(absolute(other))
    if here.shown == there.shown or here.kind != "postgres" or there.kind != "postgres":
        return here.shown == there.shown
    found, known = _postgres().found_at(one), _postgres().found_at(other)
    return found is not None and known is not None and found.id == known.id


def is_durable(address: str) -> bool:
    """Whether the store outlives the process."""
    return place_of(address).is_durable


def files_of(address: str) -> Path | None:
    """Where a store keeps what it keeps in files, None where it has no folder for them."""
    return place_of(address).files


def folder_of(address: str) -> Path:
    """Where a store keeps what it keeps in files. Raises SettingInvalid where it has no folder for them."""
    return place_of(address).folder()


class _Postgres(Protocol):
    """What is asked of stores in PostgreSQL, whose module is not imported before there is one."""

    def made_at(self, address: str, wanted: Layout, /) -> Layout: ...
    def found_at(self, address: str, /) -> Kept | None: ...
    def remember_files_of(self, address: str, /) -> None: ...
    def claims_in(self, address: str, /) -> Claims: ...
    def open_postgres(self, address: str, shard: int, /, *, is_successor: bool, is_owner: bool) -> Store: ...
    def new_at(self, address: str, layout: Layout, /) -> AbstractContextManager[UnfinishedStore]: ...


@contextmanager
def naming_folder(folder: Path) -> Iterator[None]:
    """Say of a folder for files that cannot be made what is wrong with it."""
    try:
        yield
    except OSError as error:
        raise StoreBroken(
            f"files: nothing can be kept in {folder} ({error.strerror or error}): make the folder, or mount it"
        ) from error


@contextmanager
def postgres_extra() -> Iterator[None]:
    """Say by its name which extra is missing where what is imported within needs the driver. Raises ExtraMissing."""
    try:
        yield
    except ImportError as error:
        raise ExtraMissing.of("A store in PostgreSQL", "postgres") from error


def _postgres() -> _Postgres:
    """Stores in PostgreSQL, whose driver is loaded only where there is one."""
    with postgres_extra():
        from parcours.store.postgres import opening
    return opening
