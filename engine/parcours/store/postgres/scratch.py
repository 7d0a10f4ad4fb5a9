"""The scratch bytes of a shard whose store is in PostgreSQL: a file of this machine, mapped into memory.

They are written before each input and have to outlive the process at once, and a row cannot be written as fast as
memory. So they lie where the process runs, as `Store.scratch` promises: in the folder for temporary files, which need
not outlive the machine, and under the store's unique name. A shard that goes on at another machine begins with none
there: an input that ends its process is set aside after `DEATHS_MAX` ends on one machine.

Each owner has a file of its own, which begins as a copy of the one before. An owner that was frozen, and goes on
after its successor on the same machine has begun, writes into a file that is nobody's any more.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path

from parcours.errors import StoreBroken
from parcours.store.private_files import FOLDER_MODE, open_private
from parcours.store.store import SCRATCH_BYTES


def scratch_folder() -> Path:
    """This user's folder for scratch bytes, which is made if it is missing. Raises OSError, StoreBroken."""
    folder = Path(tempfile.gettempdir()) / f"parcours-{os.getuid()}"
    folder.mkdir(FOLDER_MODE, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:  # anybody can make a folder there, and call it this
        raise StoreBroken(f"{folder} is not this user's alone: delete it, then open the store again")
    return folder


def open_scratch(folder: Path, store: str, shard: int, epoch: int) -> mmap.mmap:
    """The scratch bytes of the owner with this epoch. Those of earlier ones are copied, and deleted. Raises OSError."""
    before = {int(path.suffix[1:]): path for path in folder.glob(f"{store}-{shard:04}.*")}
    path = folder / f"{store}-{shard:04}.{epoch}"
    earlier = max((each for each in before if each < epoch), default=None)
    with open_private(path, "a+b") as file:
        if epoch not in before and earlier is not None:
            file.write(before[earlier].read_bytes()[:SCRATCH_BYTES])
            file.flush()
        os.posix_fallocate(file.fileno(), 0, SCRATCH_BYTES)  # or a full disk would end the process at a write
        mapped = mmap.mmap(file.fileno(), SCRATCH_BYTES)
    for number, old in before.items():
        if number < epoch:
            old.unlink(missing_ok=True)
    return mapped
