"""A door in a process of its own, as `parcours serve` opens it, for tests to knock at."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

OPEN: Final = re.compile(r"The door is open at (http://\S+)")

PATIENCE_S: Final = 60
"""How long a process may take to open or to end, on the slowest machine."""


@dataclass(frozen=True)
class Served:
    """
    address  of the door
    log      the file into which it logs
    said     the line with which it has said that it is open
    """

    process: subprocess.Popen[str]
    address: str
    log: Path
    said: str = ""

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end by a signal; returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def logged(self) -> list[dict[str, object]]:
        """What it has logged so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def figure(self, name: str, **labels: str) -> float:
        """One of its figures: the sum of all samples with these labels."""
        families = text_string_to_metric_families(httpx.get(f"{self.address}/metrics").text)
        samples = [each for family in families for each in family.samples if each.name == name]
        return sum(each.value for each in samples if labels.items() <= each.labels.items())

    def refusals(self) -> float:
        """How often it had no room."""
        return self.figure("http_server_request_duration_seconds_count", http_response_status_code="429")


def until(holds: Callable[[], bool], what: str) -> None:
    """Ask again and again, for as long as a slow machine may take."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.02)


@contextmanager
def served(
    project: Path,
    store: str,
    *options: str,
    folder: Path,
    environ: Mapping[str, str] | None = None,
    runtime: str = "local",
) -> Iterator[Served]:
    """`parcours serve` of a project, on a free port unless it is named, until the end of the `with`."""
    command = [sys.executable, "-c", "from parcours.cli import main; main()", "serve", str(project), "--store", store]
    log = folder / "door.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*command, "--runtime", runtime, "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **(environ or {})},
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            opened = OPEN.search(line)
            assert opened, f"it did not open: {line!r}, {log.read_text()}"
            yield Served(process, opened[1], log, opened.string)
        finally:
            process.kill()
            process.communicate()
