"""The folder with which a door was started: is the project in it another one than what is published?

It is read when somebody asks, in a thread, one reading at once, and again only if a file of it has changed. As in an
upload, what channels are configured with is not looked at: publishing does not change it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from parcours.background import in_thread
from parcours.dispatch.judgement import Judgement
from parcours.dispatch.registry import Registry
from parcours.errors import CallerError, ProjectInvalid
from parcours.ingress.exchange import Problem
from parcours.ingress.upload import Uploads
from parcours.journey.project import Project
from parcours.journey.publish.publications import candidate_of
from parcours.journey.read.project_files import document_files, project_texts

GLANCE_S: Final = 1.0
"""How long whoever only looks at journeys waits for a folder to be read; the next look tells."""

Marks: TypeAlias = Mapping[Path, tuple[int, int]]
"""By each file of the project when it was changed, in ns, and how long it is; zeros where it is gone."""


@dataclass(frozen=True, slots=True)
class Reading:
    """
    project   None where it has errors
    findings  these
    source    the digest of its documents
    """

    marks: Marks
    project: Project | None
    findings: tuple[str, ...]
    source: str


class ProjectFolder:
    """Lives on the loop of the door."""

    def __init__(self, path: Path, uploads: Uploads) -> None:
        self._path = path.absolute()
        self._uploads = uploads
        self._known: Reading | None = None
        self._under_way: asyncio.Future[Reading] | None = None

    async def reading(self) -> Reading:
        """The project as it is now. Raises Problem where it takes too long, or another one is being read."""
        known = self._known
        if known is not None and await in_thread(_marks, self._path, known.marks) == known.marks:
            return known
        if self._under_way is None:
            self._under_way = asyncio.ensure_future(self._read())
            self._under_way.add_done_callback(self._is_read)
        return await asyncio.shield(self._under_way)

    async def glance(self) -> Reading | None:
        """The same, if that is known soon; None: look again."""
        try:
            async with asyncio.timeout(GLANCE_S):
                return await self.reading()
        except (TimeoutError, Problem):
            return None

    async def _read(self) -> Reading:
        marks: dict[Path, tuple[int, int]] = {}

        def load(_files: Mapping[str, str]) -> Project:
            beside = dict.fromkeys((self._path / name for name in project_texts(self._path)), (0, 0))
            marks.update(_marks(self._path, beside))  # before it is read: what is written meanwhile is seen next time
            project = Judgement(Registry.installed()).load(self._path, configured=False)
            candidate_of(project)  # remembered
            return project

        try:
            project = await self._uploads.project({}, load)
        except ProjectInvalid as error:
            return Reading(marks, None, tuple(error.findings), "")
        except CallerError as error:
            return Reading(marks, None, (str(error),), "")
        except OSError as error:
            return Reading(marks, None, (f"the folder cannot be read: {error.strerror}",), "")
        return Reading(marks, project, (), candidate_of(project).source)

    def _is_read(self, done: asyncio.Future[Reading]) -> None:
        self._under_way = None
        if not done.cancelled() and done.exception() is None:
            self._known = done.result()


def _marks(folder: Path, beside: Marks) -> Marks:
    return {path: _mark(path) for path in {*document_files(folder), *beside}}


def _mark(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
