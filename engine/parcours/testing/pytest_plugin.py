"""The pytest plugin: one fixture. It imports the engine only when a test asks for the fixture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

if TYPE_CHECKING:
    from datetime import datetime

    from parcours.journey.project import Project
    from parcours.testing.virtual_project import VirtualProject

OpenProject: TypeAlias = "Callable[..., VirtualProject]"
"""The fixture's type: `parcours_project(project, start=None)`."""


ContentModels: TypeAlias = tuple[tuple[str, int, int], ...]
"""A folder's fingerprint: (name, size, time of the last change in ns) of every file."""


@pytest.fixture(scope="session")
def _parcours_projects() -> dict[Path, tuple[ContentModels, Project]]:
    """The cache of projects by folder: each is compiled once a test run, and again when a file has changed."""
    return {}


@pytest.fixture
def parcours_project(_parcours_projects: dict[Path, tuple[ContentModels, Project]]) -> Iterator[OpenProject]:
    """Open a project under virtual time: `shop = parcours_project("path/to/shop")`.

    It takes a folder or a Project, and the time at which the test starts, with its zone. It closes after the test.
    """
    with ExitStack() as opened:

        def open_project(project: str | Path | Project, start: datetime | None = None) -> VirtualProject:
            from parcours.journey.project import Project as ProjectType
            from parcours.testing.virtual_project import START, VirtualProject

            if not isinstance(project, ProjectType):
                folder = Path(str(project)).resolve()
                contents = _contents(folder)
                if folder not in _parcours_projects or _parcours_projects[folder][0] != contents:
                    _parcours_projects[folder] = contents, ProjectType.load(project, drafts=True)
                project = _parcours_projects[folder][1]
            return opened.enter_context(VirtualProject(project, START if start is None else start))

        yield open_project


def _contents(folder: Path) -> ContentModels:
    found = ((str(path), path.stat()) for path in sorted(folder.rglob("*")) if path.is_file())
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)
