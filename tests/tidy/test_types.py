"""Do the types fit, in the engine, the channels, the plugins and the tests, and in the code of a caller?"""

from __future__ import annotations

import subprocess
from collections.abc import Callable

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_mypy_finds_nothing(run_python: Run) -> None:
    done = run_python("-m", "mypy")

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_caller_s_own_mypy_accepts_what_is_right_and_refuses_what_is_wrong(run_python: Run) -> None:
    # a caller has neither our options nor pydantic's plugin
    options = ["--strict", "--config-file=", "--enable-error-code=ignore-without-code"]
    done = run_python("-m", "mypy", *options, "--cache-dir=.mypy_cache/caller", "tests/package/typed_calls.py")

    assert done.returncode == 0, done.stdout + done.stderr
