"""What does pytest get from Parcours? One fixture. Nothing of the engine is imported before a test asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeAlias

import pytest

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from parcours.journey.project import Project
    from parcours.testing.virtual_project import VirtualProject

OpenProject: TypeAlias = "Callable[..., VirtualProject]"
"""The fixture's type: `parcours_project(project, start=None)`."""


@pytest.fixture(scope="session")
def _parcours_projects() -> dict[str, Project]:
    """Projects by their folders: checking and compiling one is done once a run."""
    return {}


@pytest.fixture
def parcours_project(_parcours_projects: dict[str, Project]) -> Iterator[OpenProject]:
    """Open a project under virtual time: `shop = parcours_project("path/to/shop")`.

    It takes a folder or a Project, and the time at which the test starts. What it opens is closed after the test.
    """
    with ExitStack() as opened:

        def open_project(project: str | Path | Project, start: datetime | None = None) -> VirtualProject:
            from parcours.journey.project import Project as ProjectType
            from parcours.testing.virtual_project import START, VirtualProject

            if not isinstance(project, ProjectType):
                folder = str(project)
                if folder not in _parcours_projects:
                    _parcours_projects[folder] = ProjectType.load(folder)
                project = _parcours_projects[folder]
            return opened.enter_context(VirtualProject(project, start or START))

        yield open_project
