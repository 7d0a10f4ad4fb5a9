"""The people of an analysis as a saved audience of a simulation: OUT/audiences/NAME.ndjson."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from parcours.errors import CallerError
from parcours.journey.project import Project

AUDIENCES: Final = "audiences"
"""The folder of saved audiences among the results of a simulation."""


def check_saved(project: Project, name: str) -> None:
    """Raises CallerError for a name that audiences.yaml does not declare as saved, with the line to add."""
    if (fault := project.documents.audiences.saving_fault(name)) is not None:
        raise CallerError(fault)


def write_members(out: Path, name: str, people: Iterable[str]) -> Path:
    """Write a line for each, sorted as bytes, in place of whoever was in it. Raises OSError."""
    path = out / AUDIENCES / f"{name}.ndjson"
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    lines = sorted(msgspec.json.encode({"profile": person}) + b"\n" for person in people)
    try:
        unfinished.write_bytes(b"".join(lines))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
