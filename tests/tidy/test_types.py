"""Do the types fit, in the engine, the channels, the plugins and the tests?"""

from __future__ import annotations

import subprocess
from collections.abc import Callable

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_mypy_finds_nothing(run_python: Run) -> None:
    done = run_python("-m", "mypy")

    assert done.returncode == 0, done.stdout + done.stderr
