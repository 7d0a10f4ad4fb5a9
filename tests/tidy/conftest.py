"""What the house rules look at: the repository and its parts, and how its tools are run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds pyproject.toml."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def run_python(repository: Path) -> Run:
    """Run this Python with the given arguments in the repository, its source folders importable."""
    roots = [repository / "engine", repository / "channels"]
    path = os.pathsep.join([*map(str, roots), os.environ.get("PYTHONPATH", "")])

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=repository,
            env={**os.environ, "PYTHONPATH": path.rstrip(os.pathsep), "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=600,
        )

    return run
