"""Where a store is: where its journal lies, and where all that it keeps in files.

| address            | journal, images, message ids | files: facts, exports, runs of campaigns, the log of erasures |
|--------------------|------------------------------|--------------------------------------------------------------|
| `sqlite:///FOLDER` | in the folder                | in the same folder                                           |
| `postgresql://...` | in the database              | in the folder of the setting `files`, where there is one     |
| `memory:`          | in the process               | nowhere                                                      |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from parcours.arguments import is_path
from parcours.errors import SettingInvalid
from parcours.store.postgres.url import SCHEMES, is_postgres, postgres_address, shown_postgres
from parcours.wording import shown_value

SQLITE: Final = "sqlite:///"

IN_MEMORY: Final = ("memory:", "volatile:")

FORMS: Final = f"{SQLITE}FOLDER, {SCHEMES[0]}HOST/DATABASE or {IN_MEMORY[0]}"


@dataclass(frozen=True, slots=True)
class StorePlace:
    """
    address  as it was given: it may hold a password
    shown    the address as it may be shown to anybody
    kind     how the journal is kept
    files    the folder of what is kept in files, None where there is none
    """

    address: str = field(repr=False)
    shown: str
    kind: Literal["memory", "sqlite", "postgres"]
    files: Path | None

    @property
    def is_durable(self) -> bool:
        """Whether the store outlives the process."""
        return self.kind != "memory"

    def folder(self) -> Path:
        """The folder of what is kept in files. Raises SettingInvalid where there is none, and says how to name one."""
        if self.files is not None:
            return self.files
        if self.kind == "postgres":
            raise SettingInvalid(f"the store {self.shown} has no folder for files: {how_to_name_files()}")
        raise SettingInvalid(f"store {shown_value(self.shown)}: use {FORMS.partition(' or ')[0]}")


def how_to_name_files() -> str:
    """What to do about a store in PostgreSQL that has no folder for its files."""
    return (
        "name one that all its machines see by the setting `files` (serve --files, serve.yaml, Engine.open), or by "
        "files=FOLDER in its address"
    )


def place_of(address: str) -> StorePlace:
    """Where the store at this address is; nothing is looked at. Raises SettingInvalid unless a store can have it."""
    if address in IN_MEMORY:
        return StorePlace(address, address, "memory", None)
    if is_postgres(address):
        found = postgres_address(address)
        return StorePlace(address, found.shown, "postgres", found.files)
    if not address.startswith(SQLITE) or address == SQLITE:
        raise SettingInvalid(f"store {shown_value(address)}: use {FORMS}")
    if not is_path(address):
        raise SettingInvalid(f"store {shown_value(address)}: no folder can have this path")
    return StorePlace(address, address, "sqlite", Path(address.removeprefix(SQLITE)))


def shown_address(address: str) -> str:
    """The address as it may be shown to anybody, whether or not it can be used."""
    return shown_postgres(address) if is_postgres(address) else address
