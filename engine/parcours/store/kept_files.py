"""What a store keeps in files beside its shards, and whether a folder has any of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from parcours.errors import SettingInvalid
from parcours.store.address import naming_folder
from parcours.store.campaign_files import CAMPAIGNS, EXPORTED
from parcours.store.erasure_log import LOG
from parcours.store.exports import FACTS, INPUTS
from parcours.store.private_files import make_folder

KEPT_IN_FILES: Final = (FACTS, INPUTS, CAMPAIGNS, EXPORTED, LOG)


def files_in(folder: Path | None) -> list[str]:
    """Which things that a store keeps in files are in the folder, by name."""
    return [] if folder is None else [each for each in KEPT_IN_FILES if (folder / each).exists()]


def begin_files(folder: Path | None) -> None:
    """Make the folder for a new store's files. Raises StoreBroken, SettingInvalid if those of another are there."""
    if folder is None:
        return
    with naming_folder(folder):
        make_folder(folder)
        found = files_in(folder)
    if found:
        raise SettingInvalid(
            f"{folder / found[0]} is of another store, or of one that was not finished: name another folder for files, "
            "or move away what is there"
        )
