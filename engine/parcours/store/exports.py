"""The exported part of a store's folder: `facts/`, and `inputs/` where those are kept, beside the files of the shards.

    TABLE/day=2026-03-02/SHARD-FROM-TO.parquet   rows of a range of a shard's journal
    _done/SHARD-FROM-TO.json                     which files belong to it, written once all of them are durable

No file is ever changed once it has its name. A copy of a store takes them along: as far as its shards know of them, for
what they do not know of they will export again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from parcours.store.image_folder import make_folder, sync_folder

FACTS: Final = "facts"
INPUTS: Final = "inputs"
DONE: Final = "_done"

UNFINISHED: Final = ".unfinished"
"""How the name of a file ends that is being written."""


def copy_exports(source: Path, target: Path, through: Mapping[int, int]) -> None:
    """Copy what is exported from one store's folder to another's, durably: of each shard up to this record.

    Raises OSError.
    """
    for name in (FACTS, INPUTS):
        if not (source / name).is_dir():
            continue
        done = (source / name / DONE).is_dir()
        for path in sorted((source / name).rglob("*")) if done else ():
            if path.is_file() and not path.name.endswith(UNFINISHED) and _is_known(path, through):
                _copy(path, target / path.relative_to(source))


def _is_known(path: Path, through: Mapping[int, int]) -> bool:
    """Whether the shard knows that the range of this file is exported. What is no range belongs to all of them."""
    shard, _, rest = path.stem.partition("-")
    last = rest.rpartition("-")[2]
    if not (shard.isdigit() and last.isdigit()):
        return True
    return int(last) <= through.get(int(shard), 0)


def _copy(path: Path, target: Path) -> None:
    make_folder(target.parent)
    shutil.copyfile(path, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    sync_folder(target.parent)
