"""Lives of programs that are killed, by themselves or from outside."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def lived(command: Sequence[str]) -> dict[str, Any] | None:
    """One life; what it told at its end, None where it was killed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, f"it ended with {done.returncode}: {done.stderr}"
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def killed_within(command: Sequence[str], life_s: float) -> None:
    """One life that ends from outside, if it has not ended by itself."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        try:
            process.wait(timeout=life_s)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
