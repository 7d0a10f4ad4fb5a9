"""Ctrl-C ends a command that runs long: with a word, soon, and even if something does not want to end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from parcours.cli.interruption import INTERRUPTED, WORD
from parcours.journey.starter import write_starter

TIMEOUT_S = 60

OBEYING = "asyncio.run(asyncio.sleep(1_000))"

STUBBORN = """
async def stubborn():
    waiting = asyncio.ensure_future(asyncio.to_thread(threading.Event().wait))
    try:
        await waiting
    finally:
        await asyncio.gather(asyncio.to_thread(threading.Event().wait))
asyncio.run(stubborn())
"""

CODE = """
import asyncio, threading
from parcours.cli.interruption import interruptible
with interruptible({patience_s}):
    print("ready", flush=True)
    {body}
print("it went on")
"""


@pytest.mark.parametrize(
    "body, patience_s, signals",
    [
        (OBEYING, 1_000, 1),
        (STUBBORN, 0.01, 1),
        (STUBBORN, 1_000, 2),  # the second one does not wait
    ],
)
def test_an_interrupted_command_ends_with_a_word(body: str, patience_s: float, signals: int) -> None:
    code = CODE.format(patience_s=patience_s, body=body.strip().replace("\n", "\n    "))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "ready\n"

        said = ""
        for _ in range(signals):
            process.send_signal(signal.SIGINT)
            said = said or process.stderr.readline() + process.stderr.readline()
        rest, _ = process.communicate(timeout=TIMEOUT_S)

    assert said == WORD
    assert rest == ""
    assert process.returncode == INTERRUPTED


BLOCKED = """
import signal, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            print("ready", flush=True)
            signal.pause()
sys.meta_path.insert(0, Blocked())
from parcours.cli import main
main()
"""
"""The command line, which stays where it imports a module."""


@pytest.mark.parametrize(
    "module, arguments",
    [
        ("typer", ["--help"]),
        ("parcours.journey.project", ["check", "."]),
        ("parcours.testing.explore.explore", ["test", "{shop}", "--explore", "10"]),
    ],
    ids=["start-up", "check", "explore"],
)
def test_any_command_can_be_interrupted_wherever_it_is(module: str, arguments: list[str], tmp_path: Path) -> None:
    write_starter(tmp_path / "shop")
    told = [each.format(shop=tmp_path / "shop") for each in arguments]
    with subprocess.Popen(
        [sys.executable, "-c", BLOCKED.format(module=module), *told],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=TIMEOUT_S)

    assert (said, process.returncode) == (WORD, INTERRUPTED)
