"""What does a new project begin with? A small working one: a journey, a message, and what they name."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from parcours.errors import CallerError

FILES: Final = (
    "parcours.yaml",
    "profile.yaml",
    "events.yaml",
    "messages/cart-reminder.yaml",
    "journeys/abandoned-cart.yaml",
)


def write_starter(folder: str | Path) -> list[Path]:
    """Write the project into a new or empty folder and return its files. Raises CallerError where there are others."""
    return write_documents(folder, files(__name__), FILES)


def write_documents(folder: str | Path, source: Traversable, names: Sequence[str]) -> list[Path]:
    """Write these files of `source` into a new or empty folder. Raises CallerError where there are others."""
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CallerError(f"{target} is not empty; name a folder that is new or empty")
    written = [target / name for name in names]
    for name, path in zip(names, written, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.joinpath(*name.split("/")).read_bytes())
    return written
