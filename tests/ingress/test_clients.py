"""Segment's own clients, as their makers ship them, against a door in its own process, also while it is killed.

What the door has taken is told by its own figures, which are kept in the store, so they count over restarts.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from segment.analytics.client import Client
from tests import installed
from tests.ingress.served import PATIENCE_S, Served, served, until

from parcours.examples import write_example

SEND = installed.NODE / "send.mjs"
RECORDING = tuple(each for name in ("email", "sms", "push") for each in ("--record", name))
KEY = "any-write-key"
EVENTS = 1_000

FULL_FOR_S = 5
"""How long the door has no room."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    write_example(folder, "abandoned-cart")
    return folder


@pytest.fixture
def node() -> str:
    """Node, beside which its client is installed."""
    installed.npm_packages()
    return installed.node()


def taken(door: Served) -> dict[str, float]:
    """How many lines have been taken, by what became of them."""
    outcomes = ("accepted", "undeclared", "duplicate", "rejected")
    return {outcome: door.figure("parcours_events_total", outcome=outcome) for outcome in outcomes}


@pytest.mark.parametrize("options", [{}, {"gzip": True}, {"sync_mode": True}], ids=["plain", "gzip", "sync"])
def test_every_call_of_the_python_client_is_taken(project: Path, tmp_path: Path, options: dict[str, bool]) -> None:
    with served(project, "memory:", *RECORDING, folder=tmp_path) as door:
        errors: list[object] = []
        client = Client(KEY, host=door.address, on_error=lambda error, batch: errors.append(error), **options)
        client.identify("python-user", {"email": "python@shop.example"})
        client.track("python-user", "Cart Left", {"cart": {"total": 80}})
        client.page("python-user", "Docs", "Home", {"path": "/"})
        client.screen("python-user", "App", "Start")
        client.group("python-user", "company-1", {"plan": "team"})
        client.alias("before", "python-user")
        client.track(anonymous_id="7f3a", event="Cart Left")
        if not client.sync_mode:  # that one has sent each call before it returned, and cannot be shut down
            client.shutdown()

        assert errors == []
        counted = taken(door)
    assert counted["accepted"] + counted["undeclared"] == 7
    assert (counted["duplicate"], counted["rejected"]) == (0, 0)


def test_every_call_of_the_node_client_is_taken(project: Path, tmp_path: Path, node: str) -> None:
    with served(project, "memory:", *RECORDING, folder=tmp_path) as door:
        send = [node, str(SEND), door.address, KEY, "kinds"]
        sent = subprocess.run(send, capture_output=True, text=True, timeout=PATIENCE_S, check=True)

        assert sent.stderr == ""
        counted = taken(door)
    assert counted["accepted"] + counted["undeclared"] == 6
    assert (counted["duplicate"], counted["rejected"]) == (0, 0)


@contextmanager
def opened(project: Path, folder: Path, *options: str) -> Iterator[Served]:
    """The door to one and the same store."""
    with served(project, f"sqlite:///{folder}/store", *RECORDING, *options, folder=folder) as door:
        yield door


def through_trouble(project: Path, folder: Path, send: Callable[[str, threading.Event], None]) -> dict[str, float]:
    """What a door has taken that was killed twice and had no room for a while in between, once all has been sent.

    send  is told the door's address, sends a part, and once it may go on the rest; returns when all has been sent
    """
    full = folder / "full.yaml"
    full.write_text("body_bytes_max: 1\nnotice_s: 0\n")
    with opened(project, folder) as door:
        address = door.address
        going_on = threading.Event()
        sending = threading.Thread(target=send, args=(address, going_on), daemon=True)
        sending.start()
        until(lambda: taken(door)["accepted"] > 0, "that a part is taken")
        going_on.set()
        door.stop(signal.SIGKILL)
    port = str(urlsplit(address).port)
    with opened(project, folder, "--port", port, "--config", str(full)) as door:
        full_until = time.monotonic() + FULL_FOR_S
        until(lambda: door.refusals() >= 2 and time.monotonic() >= full_until, "that it is full")
        door.stop(signal.SIGKILL)
    with opened(project, folder, "--port", port) as door:
        sending.join(PATIENCE_S * 4)
        assert not sending.is_alive(), f"not everything has been sent: {taken(door)}"
        return taken(door)


def test_events_of_the_python_client_count_once_though_the_door_is_killed_twice_and_full_in_between(
    project: Path, tmp_path: Path
) -> None:
    errors: list[object] = []

    def send(address: str, going_on: threading.Event) -> None:
        client = Client(
            KEY, host=address, on_error=lambda error, batch: errors.append(error), upload_size=50, max_retries=30
        )
        for number in range(EVENTS):
            client.track(f"python-{number % 7}", "Cart Left", {"number": number})
            if number == EVENTS // 4:
                client.flush()
                going_on.wait()
        client.shutdown()

    counted = through_trouble(project, tmp_path, send)

    assert errors == []
    assert counted["accepted"] == EVENTS
    assert counted["rejected"] == 0


def test_events_of_the_node_client_count_once_though_the_door_is_killed_twice_and_full_in_between(
    project: Path, tmp_path: Path, node: str
) -> None:
    ended: list[tuple[int, str]] = []

    def send(address: str, going_on: threading.Event) -> None:
        command = [node, "--no-warnings", str(SEND), address, KEY, "many", str(EVENTS)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            going_on.wait()
            _, errors = process.communicate("go on\n")
        ended.append((process.returncode, errors))

    counted = through_trouble(project, tmp_path, send)

    assert ended == [(0, "")]
    assert counted["accepted"] == EVENTS
    assert counted["rejected"] == 0
