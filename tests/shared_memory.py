"""Where files of tests lie in memory: a commit waits for no disk there, and the tests make hundreds of thousands."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

FOLDER: Final = Path("/dev/shm")

ROOM_BYTES: Final = 1024 * 1024 * 1024


def folder() -> Path | None:
    """The folder, None where there is none or too little room in it."""
    has_room = FOLDER.is_dir() and shutil.disk_usage(FOLDER).free > ROOM_BYTES
    return FOLDER if has_room else None
