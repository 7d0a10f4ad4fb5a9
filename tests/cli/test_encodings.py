"""Commands can be written on a terminal of any encoding: what it lacks is shown by its code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from parcours.journey.starter import write_starter

CODE = """
import json
import os
import sys
from parcours.cli import main

for command in json.loads(sys.argv[1]):
    sys.argv[1:] = [os.fsdecode(word.encode()) for word in command]
    try:
        main()
    except SystemExit as ended:
        sys.stdout.write(f"ended: {ended.code}\\n")
"""
"""Commands one after the other: how streams and arguments are encoded holds for the process."""

ENDED = re.compile(rb"^ended: (\d+)$", re.MULTILINE)

TIMEOUT_S = 120

JOURNEY = """
journey: coffee
entry: {event: Zoé ☕}
steps: [{id: rest, wait: 1d}]
"""

ENVIRONMENTS = [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}]


def run(*commands: list[str | Path], **environment: str) -> subprocess.CompletedProcess[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    return subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(commands, default=str)],
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
    done = run(
        ["simulate", shop, "--events", shop / "events.ndjson", "--out", out],
        ["report", out],
        ["test", shop],
        ["explain", shop, "☕", "--events", shop / "events.ndjson"],
        ["graph", shop, "☕"],
        **environment,
    )
    (shop / "journeys" / "größe.yaml").write_text(JOURNEY, encoding="utf-8")
    wrong = run(["check", shop], ["☕"], **environment)

    for said, ends in ((done, [0, 0, 0, 1, 1]), (wrong, [1, 2])):
        assert said.returncode == 0, said.stderr
        assert b"Traceback" not in said.stderr and b"UnicodeEncodeError" not in said.stderr, said.stderr
        assert [int(code) for code in ENDED.findall(said.stdout)] == ends, said.stdout
    assert b"Zo" in wrong.stdout
    if environment == {"PYTHONIOENCODING": "latin-1"}:
        assert "event 'Zoé \\u2615'".encode("latin-1") in wrong.stdout
