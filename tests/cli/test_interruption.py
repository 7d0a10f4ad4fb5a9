"""Ctrl-C ends a command that runs long: with a word, soon, and even if something does not want to end."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from parcours.cli.interruption import INTERRUPTED, WORD

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
