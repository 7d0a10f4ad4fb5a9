"""The sample project that these tests read, and a way to write a changed copy of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest


@pytest.fixture
def luma() -> Path:
    """A folder with every kind of document and step."""
    return Path(__file__).parent / "luma"


@pytest.fixture
def changed(luma: Path, tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Copies the sample project and puts other texts in place of some of its files."""

    def change(files: dict[str, str]) -> Path:
        folder = tmp_path / "changed"
        copytree(luma, folder)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    return change
