"""The starter project: a small working one for `parcours init`, with a journey, a message, and all that they name."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from parcours.errors import CallerError, naming

FILES: Final = (
    "parcours.yaml",
    "profile.yaml",
    "events.yaml",
    "messages/cart-reminder.yaml",
    "journeys/abandoned-cart.yaml",
    "tests/abandoned-cart.yaml",
    "events.ndjson",
)

UNFINISHED: Final = ".unfinished"
"""The folder in which files are written before they are moved to their places, all or none."""


def write_starter(folder: str | Path) -> list[Path]:
    """Write the project into a new or empty folder and return its files. Raises CallerError where there are others."""
    return write_documents(folder, files(__name__), FILES)


def write_documents(folder: str | Path, source: Traversable, names: Sequence[str]) -> list[Path]:
    """Write these files of `source` into a new or empty folder, all or none.

    Raises CallerError where there are others, OSError where they cannot be written.
    """
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        if (target / FILES[0]).exists():
            raise CallerError(
                f"{target} holds a project already: go on with `parcours check {target}`, or name a folder that is new"
            )
        raise CallerError(f"{target} is not empty; name a folder that is new or empty")
    made = [each for each in (target, *target.parents) if not each.exists()]
    entries = sorted({name.partition("/")[0] for name in names})
    unfinished = target / UNFINISHED
    try:
        for name in names:
            path = unfinished / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with naming(target / name):
                path.write_bytes(source.joinpath(*name.split("/")).read_bytes())
        for entry in entries:
            (unfinished / entry).replace(target / entry)
        unfinished.rmdir()
    except BaseException:
        _clear(target, [UNFINISHED, *entries], made)
        raise
    return [target / name for name in names]


def _clear(folder: Path, entries: Sequence[str], made: Sequence[Path]) -> None:
    """Remove these entries, and the folders that were created for them."""
    for entry in entries:
        path = folder / entry
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for each in made:
        if each.exists():
            each.rmdir()
