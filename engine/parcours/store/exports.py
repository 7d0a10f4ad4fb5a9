"""The exported part of a store's folder: `facts/`, and `inputs/` where those are kept, beside the files of the shards.

    TABLE/day=2026-03-02/SHARD-FROM-TO.parquet   rows of a range of a shard's journal
    _done/SHARD-FROM-TO.json                     which files belong to it, written once all of them are durable
    _erased/ID.json                              of whom rows do not count any more

No file of a range is changed once it has its name; it may be replaced, and go after a while. A copy of a store takes
them along: as far as its shards know of them, for what they do not know of they will export again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from parcours.store.private_files import make_folder, open_private, sync_folder

FACTS: Final = "facts"
INPUTS: Final = "inputs"
DONE: Final = "_done"

ERASED: Final = "_erased"
"""Of whom rows do not count, in the folder of facts."""

UNFINISHED: Final = ".unfinished"
"""How the name of a file ends that is being written."""

CAMPAIGNS_SHARD: Final = 32_767
"""What stands for the number of a shard where campaigns tell something: the highest that a column has room for, and far
above those of shards. The records of its files are the numbers of what was told.
"""

PEOPLE_SHARD: Final = 32_766
"""The same for the table of people, whose records are days since 1970."""

COPY_BYTES: Final = 1024 * 1024
"""Of a file so much is read at once."""

ATTEMPTS: Final = 3
"""How often a folder is looked through while files go that have been replaced: once more is enough."""


def copy_exports(source: Path, target: Path, through: Mapping[int, int]) -> None:
    """Copy what is exported from one store's folder to another's, durably: of each shard up to this record.

    through  of each shard of the store; what others have exported is of a store that was shared out anew, and complete
    Raises OSError.
    """
    for name in (FACTS, INPUTS):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _copy_folder(source / name, target / name, through)
                break
            except FileNotFoundError:  # it has been replaced for a while, and went just now
                if attempt == ATTEMPTS:
                    raise


def _copy_folder(source: Path, target: Path, through: Mapping[int, int]) -> None:
    """Copy what is not there yet. Documents are listed first: by then, what they name is there."""
    documents = sorted((source / DONE).glob("*"))
    if not documents:
        return
    files = [path for path in sorted(source.rglob("*")) if path.is_file() and path.parent.name != DONE]
    for path in (*files, *documents):
        copied = target / path.relative_to(source)
        is_there = "-" in path.name and copied.exists()  # what is of no range is written again, whole, under its name
        if _is_known(path, through) and not is_there and not path.name.endswith(UNFINISHED):
            copy_file(path, copied)


def _is_known(path: Path, through: Mapping[int, int]) -> bool:
    """Whether the shard knows that the range of this file is exported. What is no range belongs to all of them."""
    if path.parent.name == ERASED:
        return True
    shard, _, rest = path.name.partition("-")
    last = rest.rpartition("-")[2].partition(".")[0]
    if not (shard.isdigit() and last.isdigit()):
        return True
    return int(shard) not in through or int(last) <= through[int(shard)]


def copy_file(path: Path, target: Path) -> None:
    """Copy a file, durably, and make the folders above it that are missing. Raises OSError."""
    make_folder(target.parent)
    with path.open("rb") as read, open_private(target, "wb") as written:
        shutil.copyfileobj(read, written, COPY_BYTES)
        written.flush()
        os.fsync(written.fileno())
    sync_folder(target.parent)
