"""A door in a process of its own, as `parcours serve` opens it, for tests to knock at."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

OPEN: Final = re.compile(r"The door is open at (http://\S+)")

PATIENCE_S: Final = 60
"""How long a process may take to open or to end, on the slowest machine."""


@dataclass(frozen=True)
class Served:
    """
    address  of the door
    log      the file into which it logs
    """

    process: subprocess.Popen[str]
    address: str
    log: Path

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end by a signal; returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def logged(self) -> list[dict[str, object]]:
        """What it has logged so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextmanager
def served(
    project: Path, store: str, *options: str, folder: Path, environ: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """`parcours serve` of a project, local and on a free port, until the end of the `with`."""
    command = [sys.executable, "-c", "from parcours.cli import main; main()", "serve", str(project), "--store", store]
    log = folder / "door.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*command, "--runtime", "local", "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **(environ or {})},
        )
        try:
            assert process.stdout is not None
            opened = OPEN.search(process.stdout.readline())
            assert opened, f"it did not open: {log.read_text()}"
            yield Served(process, opened[1], log)
        finally:
            process.kill()
            process.communicate()
