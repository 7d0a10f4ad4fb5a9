"""The erasure log: who was erased from a store, by hashes alone, so that a backup of before can be freed of them again.

One line each, added once the erasure is durable in its shard; a line that a crash has left unfinished is no line. A
copy of it belongs where backups are kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from parcours.store.private_files import open_private, sync_folder

LOG: Final = "erasures.ndjson"


class LoggedErasure(msgspec.Struct, frozen=True):
    """`person` is her hash, with the salt; both in hexadecimal digits. `at` is in ms since 1970."""

    id: str
    at: int
    salt: str
    person: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(LoggedErasure).decode


def read_log(path: Path) -> dict[str, LoggedErasure]:
    """The erasures of a log, by id; none where there is no such file."""
    if not path.exists():
        return {}
    *whole, _ = path.read_bytes().split(b"\n")
    found = [_decode(line) for line in whole if line.startswith(b"{") and line.endswith(b"}")]
    return {each.id: each for each in found}


def add_to_log(path: Path, erasures: Iterable[LoggedErasure]) -> None:
    """Add those that are not there yet, durably."""
    known = read_log(path)
    missing = [each for each in erasures if each.id not in known]
    if not missing:
        return
    with open_private(path, "ab") as file:
        if file.tell() and path.read_bytes()[-1:] != b"\n":
            file.write(b"\n")  # behind what a crash has cut off
        file.write(b"".join(_encode(each) + b"\n" for each in missing))
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
