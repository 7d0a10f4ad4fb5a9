"""Do imports point the way that the contracts of pyproject.toml say?"""

from __future__ import annotations

import subprocess
from collections.abc import Callable

Run = Callable[..., "subprocess.CompletedProcess[str]"]

LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def test_every_import_contract_is_kept(run_python: Run) -> None:
    done = run_python("-c", LINT_IMPORTS, "--no-cache", "--no-logo")

    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 broken" in done.stdout
