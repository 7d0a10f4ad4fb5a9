"""Daft tells its makers of each import and each question. Where sets are made by it, nobody is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WATCHED = """
import sys, threading

asked = []

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        asked.append(arguments[0])
        raise OSError("nobody is asked in this test")

sys.addaudithook(watch)
{imports}
import daft
daft.from_pydict({{"a": [1]}}).collect()
for each in threading.enumerate():
    if each is not threading.current_thread() and "send_request" in each.name:
        each.join()
print(len(asked) > 0)
"""
"""Prints whether anybody was to be connected to; whoever was is not."""

OPT_OUTS = ("DAFT_ANALYTICS_ENABLED", "DO_NOT_TRACK", "SCARF_NO_ANALYTICS")


@pytest.mark.parametrize(
    "imports, is_told",
    [
        ("", "True"),  # as it is by itself: without this the other case would show nothing
        ("import parcours.campaigns.sets.distributed.daft_sets", "False"),
    ],
)
def test_no_connection_is_attempted(imports: str, is_told: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in OPT_OUTS}

    done = subprocess.run(
        [sys.executable, "-c", WATCHED.format(imports=imports)],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{is_told}\n"
