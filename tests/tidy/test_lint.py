"""Does the code follow the rules that ruff knows?"""

from __future__ import annotations

import subprocess
from collections.abc import Callable

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_ruff_finds_nothing(run_python: Run) -> None:
    done = run_python("-m", "ruff", "check", "--quiet", ".")

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_is_formatted(run_python: Run) -> None:
    done = run_python("-m", "ruff", "format", "--check", ".")

    assert done.returncode == 0, done.stdout + done.stderr
