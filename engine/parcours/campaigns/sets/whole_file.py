"""A file that is there whole or not at all: it is written under another name, and then takes its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b, file_digest
from pathlib import Path

from parcours.errors import naming
from parcours.store.exports import UNFINISHED
from parcours.store.private_files import make_folder, open_private, sync_folder


@contextmanager
def whole_file(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Where to write the file, which takes its name when the block ends; an error leaves whatever was there before.

    durable  whether it then outlives a crash of the machine; a process may die at any time in either case
    Its folder is made if need be. Each attempt has an unfinished name of its own: a process that was frozen, and goes
    on while another has taken its work over, writes beside it and not into it. Raises OSError.
    """
    make_folder(path.parent, durable=durable)
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
    try:
        with naming(path):
            open_private(unfinished, "wb").close()
            yield unfinished
            if durable:
                with unfinished.open("rb") as written:
                    os.fsync(written.fileno())
            unfinished.replace(path)
            if durable:
                sync_folder(path.parent)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def drop_unfinished(folder: Path) -> None:
    """Take away files that a crash has cut off, in all folders below this one. Raises OSError."""
    for path in [*folder.rglob(f"*{UNFINISHED}")]:
        path.unlink(missing_ok=True)


def hash_of(path: Path) -> str:
    """The BLAKE2b hash (64 bytes) of what a file holds, in hexadecimal digits."""
    with path.open("rb") as file:
        return file_digest(file, blake2b).hexdigest()
