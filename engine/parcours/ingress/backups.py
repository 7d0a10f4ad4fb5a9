"""Backups that are made while the door goes on: each is a job, of which can be asked how far it is.

They lie in the folder `backups` of the store's, under the names that were asked for. Jobs are remembered as long as the
process lives; whether a folder holds a backup is told by itself, for `layout.json` is written last.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Literal

import msgspec

from parcours.background import spawn
from parcours.errors import ParcoursError
from parcours.ingress.exchange import Problem

log = logging.getLogger("parcours.door")

FOLDER: Final = "backups"

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

JOBS_MAX: Final = 100
"""Jobs that are remembered, the newest ones."""


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
        self._jobs[job.job] = job
        while len(self._jobs) > JOBS_MAX:
            del self._jobs[next(iter(self._jobs))]
        spawn(self._make(job, folder, back_up), self._tasks)
        return job

    async def _make(self, job: BackupJob, folder: Path, back_up: Callable[[Path], Awaitable[None]]) -> None:
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

    def job(self, name: str) -> BackupJob:
        """Raises Problem for one that nobody remembers."""
        found = self._jobs.get(name)
        if found is None:
            raise Problem(404, "unknown", "there is no such job, or it was long ago")
        return found
