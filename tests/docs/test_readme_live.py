"""Does the README's way to an opened mail lead there? Its blocks run in their order, on ports of the test's own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

README = Path(__file__).parents[2] / "README.md"

PATIENCE_S = 60


def block(kind: str) -> str:
    """The one block of this kind."""
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    return str(found)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.05)


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/ready").status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def running(script: str, folder: Path) -> Iterator[None]:
    """The script, and what it leaves running in the background, until the end of the `with`."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = subprocess.Popen(
        ["bash", "-ec", f"{script}wait"], cwd=folder, env={**os.environ, "PATH": path}, start_new_session=True
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_the_shortest_way_to_an_opened_mail_leads_there(tmp_path: Path) -> None:
    door, mails = free_port(), free_port()

    def here(text: str) -> str:
        return text.replace("8080", str(door)).replace("8025", str(mails))

    def run(*command: str) -> str:
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    script = here(block("bash live")).replace("--runtime local", f"--runtime local --port {door}")
    with running(script, tmp_path):
        until(lambda: answers(f"http://127.0.0.1:{door}"), "the door")
        run(sys.executable, "-c", here(block("python live")))
        assert '"accepted":1' in run("bash", "-c", here(block("bash event")))
        until(lambda: any((tmp_path / "mails" / "new").glob("*")), "the mail")
        run(sys.executable, "-c", block("python opened"))
        told = here(block("bash told"))
        until(lambda: "opened" in run("bash", "-c", told), "the opening")

        explained = run("bash", "-c", told)
    assert "cart-reminder" in explained and "sms" not in explained
