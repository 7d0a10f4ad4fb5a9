"""Backups that are made while the door goes on: each is a job, of which can be asked how far it is.

They lie in the folder `backups` of the store's, under the names that were asked for. A job is noted beside its backup,
so that each of several doors can tell of it; whether a folder holds a backup is told by itself, for `layout.json` is
written last.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from parcours.background import spawn
from parcours.errors import ParcoursError
from parcours.ingress.backup_notes import BackupJob, BackupNote, noted_job
from parcours.ingress.exchange import Problem

log = logging.getLogger("parcours.door")

FOLDER: Final = "backups"

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

JOB: Final = re.compile(rf"backup-[0-9]+-({NAME.pattern})")

JOBS_MAX: Final = 100
"""Jobs that are remembered, the newest ones."""


class Backups:
    """The jobs of one door."""

    def __init__(self) -> None:
        self._jobs: dict[str, BackupJob] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, name: str, store: Path | None, back_up: Callable[[Path], Awaitable[None]]) -> BackupJob:
        """Have a backup made. Raises Problem for a name that it cannot have, and while another one is made."""
        if not NAME.fullmatch(name):
            raise Problem(400, "invalid", "name: letters, digits, dots, - and _ are expected, such as monday")
        if store is None:
            raise Problem(409, "refused", "the store lies in memory and has no backup: use one on disk")
        if any(job.state == "running" for job in self._jobs.values()):
            raise Problem(409, "running", "another backup is being made: ask again when it is done")
        folder = store.absolute() / FOLDER / name
        if folder.exists() and any(folder.iterdir()):
            raise Problem(409, "taken", f"there is a backup {name!r} already, or a part of one: choose another name")
        job = BackupJob(job=f"backup-{len(self._jobs) + 1}-{name}", name=name, folder=str(folder))
        note = BackupNote(job)
        self._jobs[job.job] = job
        while len(self._jobs) > JOBS_MAX:
            del self._jobs[next(iter(self._jobs))]
        spawn(self._make(job, note, folder, back_up), self._tasks)
        return job

    async def _make(
        self, job: BackupJob, note: BackupNote, folder: Path, back_up: Callable[[Path], Awaitable[None]]
    ) -> None:
        try:
            await back_up(folder)
        except asyncio.CancelledError:
            job.state, job.why = "failed", "the door has stopped"
            raise
        except Exception as error:  # nobody waits for it: the job says so, and the log
            known = isinstance(error, ParcoursError)
            job.state, job.why = "failed", str(error) if known else "a fault of ours; the log has it"
            log.error("a backup has failed", exc_info=error)
        else:
            job.state = "done"
        finally:
            note.close(job)

    def job(self, name: str, store: Path | None) -> BackupJob:
        """A job of this door, or of another one on the same store. Raises Problem for one that nobody remembers."""
        found, named = self._jobs.get(name), JOB.fullmatch(name)
        if found is None and store is not None and named is not None:
            noted = noted_job(store.absolute() / FOLDER, named[1])
            found = noted if noted is not None and noted.job == name else None
        if found is None:
            raise Problem(404, "unknown", "there is no such job, or it was long ago")
        return found
