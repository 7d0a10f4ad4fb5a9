"""Commands can be written on a terminal of any encoding: what it lacks is shown by its code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from parcours.journey.starter import write_starter

CODE = "from parcours.cli import main; main()"
TIMEOUT_S = 120

JOURNEY = """
journey: coffee
entry: {event: Zoé ☕}
steps: [{id: rest, wait: 1d}]
"""

ENVIRONMENTS = [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}]


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    return subprocess.run(
        [sys.executable, "-c", CODE, *map(str, arguments)],
        capture_output=True,
        timeout=TIMEOUT_S,
        env={**kept, **environment},
        check=False,
    )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "größe"
    write_starter(folder)
    return folder


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=["ascii", "latin-1", "C"])
def test_no_command_fails_by_what_a_terminal_cannot_write(
    shop: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    commands: list[list[str | Path]] = [
        ["simulate", shop, "--events", shop / "events.ndjson", "--out", out],
        ["report", out],
        ["test", shop],
        ["explain", shop, "☕", "--events", shop / "events.ndjson"],
        ["graph", shop, "☕"],
        ["check", shop],
        ["☕"],
    ]
    said = [run(*each, **environment) for each in commands[:-2]]
    (shop / "journeys" / "größe.yaml").write_text(JOURNEY, encoding="utf-8")
    said += [run(*each, **environment) for each in commands[-2:]]

    assert [each.stderr for each in said if b"Traceback" in each.stderr or b"UnicodeEncodeError" in each.stderr] == []
    assert said[-2].returncode == 1 and b"Zo" in said[-2].stdout
    if environment == {"PYTHONIOENCODING": "latin-1"}:
        assert "event 'Zoé \\u2615'".encode("latin-1") in said[-2].stdout
