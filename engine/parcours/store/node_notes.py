"""Which machines see the folder of a store's files? Each leaves a note there when it is asked, and reads the others'.

A note is a small file with the name of its machine, and in it a time by the machine's own clock, in ms since 1970.
There is one of each machine. Old ones go, and so do those of more machines than the newest `NOTES_MAX`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from parcours.config import DAY_MS
from parcours.store.private_files import make_folder, open_private, sync_folder

PREFIX: Final = ".node-"
"""How the name of a note begins."""

NOTES_MAX: Final = 100
"""Notes that are kept: where machines come and go, each under a name of its own, there would be ever more."""

KEPT_MS: Final = 30 * DAY_MS
"""So long a note is kept."""

MS_NS: Final = 1_000_000


class NodeNote(NamedTuple):
    """When a machine was there, by its own clock, in ms since 1970."""

    at: int
    node: str


def leave_note(folder: Path, note: NodeNote) -> list[NodeNote]:
    """Leave a note in the folder, durably, and return those of other machines, the newest first. Raises OSError."""
    make_folder(folder)
    own = folder / f"{PREFIX}{quote(note.node, safe='')}"
    with open_private(own, "wb") as file:
        file.write(b"%d" % note.at)
        file.flush()
        os.fsync(file.fileno())
    others = [(_read(path), path) for path in folder.glob(f"{PREFIX}*") if path != own]
    found = sorted([(each, path) for each, path in others if each is not None], reverse=True)
    kept = [each for each, _ in found[: NOTES_MAX - 1] if each.at >= note.at - KEPT_MS]
    for _, path in found[len(kept) :]:
        path.unlink(missing_ok=True)
    sync_folder(folder)
    return kept


def _read(path: Path) -> NodeNote | None:
    """The note in a file, None if somebody has just deleted it; of one that is being written the time is the file's."""
    try:
        data, changed_ns = path.read_bytes(), path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return NodeNote(int(data) if data.isdigit() else changed_ns // MS_NS, unquote(path.name)[len(PREFIX) :])
