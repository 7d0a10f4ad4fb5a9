"""How far is a backup that another door of this machine makes? A note beside it, for whichever door is asked.

The note is locked by the process that makes the backup: where it says `running` and nobody holds it, that has ended.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import msgspec

from parcours.store.private_files import FILE_MODE, make_folder

NOTE: Final = ".{name}.job"
"""No backup can have this name."""

NOTE_BYTES_MAX: Final = 64 * 1024


class BackupJob(msgspec.Struct, kw_only=True):
    """
    job     its name, under which it can be asked for
    name    that of the backup
    folder  where it lies, on the machine of the engine
    why     what went wrong, None if nothing has
    """

    job: str
    name: str
    folder: str
    state: Literal["running", "done", "failed"] = "running"
    why: str | None = None


class BackupNote:
    """The note of a backup that begins. Raises OSError."""

    def __init__(self, job: BackupJob) -> None:
        folder = Path(job.folder).parent
        make_folder(folder)
        path = folder / NOTE.format(name=job.name)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)  # others hold it for a look only
        self._write(job)

    def _write(self, job: BackupJob) -> None:
        data = msgspec.json.encode(job)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, data, 0)

    def close(self, job: BackupJob) -> None:
        """The job is over, as it says."""
        try:
            self._write(job)
        finally:
            os.close(self._descriptor)


def noted_job(folder: Path, name: str) -> BackupJob | None:
    """What is noted in the folder of backups of the one with this name, None if nothing is."""
    with suppress(FileNotFoundError, msgspec.DecodeError), (folder / NOTE.format(name=name)).open("rb") as note:
        try:
            fcntl.flock(note, fcntl.LOCK_SH | fcntl.LOCK_NB)
            is_held = False
        except BlockingIOError:
            is_held = True
        job = msgspec.json.decode(note.read(NOTE_BYTES_MAX), type=BackupJob)
        if job.state == "running" and not is_held:
            job.state, job.why = "failed", "the door that had begun it has ended"
        return job
    return None
