"""Can a machine keep files in the folder of a store, and do others see them? A file is left there, read, and removed.

Each function is asked where it matters: one machine leaves, another one reads.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from parcours.store.private_files import make_folder, open_private, sync_folder

TRIAL: Final = ".trial-"
"""How the name of such a file begins."""

TRIAL_BYTES: Final = 32


def leave_trial(folder: Path, name: str) -> bytes:
    """Leave a file of this name in the folder, durably, and return what is in it. Raises OSError."""
    data = secrets.token_bytes(TRIAL_BYTES)
    make_folder(folder)
    with open_private(folder / f"{TRIAL}{name}", "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)
    return data


def read_trial(folder: Path, name: str) -> bytes | None:
    """What is in the file of this name, None where there is none. Raises OSError."""
    try:
        return (folder / f"{TRIAL}{name}").read_bytes()
    except FileNotFoundError:
        return None


def remove_trial(folder: Path, name: str) -> None:
    """Nothing happens if it is not there. Raises OSError."""
    (folder / f"{TRIAL}{name}").unlink(missing_ok=True)
