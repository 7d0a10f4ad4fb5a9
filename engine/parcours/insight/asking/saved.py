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

_decode_lines: Final = msgspec.json.Decoder(dict[str, str]).decode_lines


def check_saved(project: Project, name: str) -> None:
    """Raises CallerError for a name that audiences.yaml does not declare as saved, with the line to add."""
    if (fault := project.documents.audiences.saving_fault(name)) is not None:
        raise CallerError(fault)


def write_members(out: Path, name: str, people: Iterable[str], *, append: bool = False) -> tuple[Path, int]:
    """Write a line for each, sorted as bytes, in place of whoever was in it; returns the file, and how many are in it.

    append  those who are in it stay
    Raises OSError, and CallerError where something else lies there.
    """
    path = out / AUDIENCES / f"{name}.ndjson"
    members = {*people, *(_members_in(path) if append else ())}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    lines = sorted(msgspec.json.encode({"profile": person}) + b"\n" for person in members)
    try:
        unfinished.write_bytes(b"".join(lines))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path, len(lines)


def _members_in(path: Path) -> list[str]:
    """Those in a file that `write_members` wrote; nobody where there is none."""
    try:
        return [each["profile"] for each in _decode_lines(path.read_bytes())]
    except FileNotFoundError:
        return []
    except (msgspec.MsgspecError, KeyError) as error:
        raise CallerError(f"{path} is no list of people, and nobody comes in besides: {error}") from error
