"""What the tests of the tools share: copies of the example projects, and the fixture that users get."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from parcours.journey.project import Project
from parcours.journey.starter import write_starter
from parcours.testing.cases.read import LocatedTest, read_cases
from parcours.testing.pytest_plugin import _parcours_projects, parcours_project

__all__ = ["_parcours_projects", "parcours_project"]


@pytest.fixture(scope="session")
def luma_folder() -> Path:
    return Path(str(files("parcours.demo") / "luma"))


@pytest.fixture(scope="session")
def luma(luma_folder: Path) -> Project:
    return Project.load(luma_folder)


@pytest.fixture(scope="session")
def wishlist_folder() -> Path:
    """The example with a campaign."""
    return Path(str(files("parcours.examples") / "wishlist"))


@pytest.fixture(scope="session")
def wishlist(wishlist_folder: Path) -> Project:
    return Project.load(wishlist_folder)


@pytest.fixture
def luma_copy(luma_folder: Path, tmp_path: Path) -> Path:
    """A copy of the Luma project, to be changed."""
    return Path(shutil.copytree(luma_folder, tmp_path / "luma"))


@pytest.fixture
def shop_folder(tmp_path: Path) -> Path:
    """The project that `parcours init` writes."""
    write_starter(tmp_path / "shop")
    return tmp_path / "shop"


@pytest.fixture
def cases_of(luma_copy: Path) -> Callable[[str], tuple[Project, list[LocatedTest], list[str]]]:
    """Luma with this one file of tests, and what is wrong with it."""

    def read(text: str) -> tuple[Project, list[LocatedTest], list[str]]:
        shutil.rmtree(luma_copy / "tests")
        (luma_copy / "tests").mkdir()
        (luma_copy / "tests" / "some.yaml").write_text(text)
        project = Project.load(luma_copy)
        cases, findings = read_cases(project, luma_copy)
        return project, cases, [str(finding) for finding in findings]

    return read
