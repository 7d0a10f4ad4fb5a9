"""RudderStack's own clients, as their maker ships them, against a door in its own process that is full for a while."""

from __future__ import annotations

import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rudderstack.analytics.client import Client
from tests import installed
from tests.ingress.served import PATIENCE_S, Served, served, until
from tests.ingress.shop import ROOM_BYTES, applied, crowded, traits, write_shop

KEY = "any-write-key"
CARTS = 40
ALL = Counter({str(number): 1 for number in range(CARTS)} | {"Home": 1, "Start": 1})
"""Each event that a client is told of, once."""


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Served]:
    """A door to the shop, which `crowded` can fill."""
    settings = tmp_path / "serve.yaml"
    settings.write_text(f"body_bytes_max: {ROOM_BYTES}\n")
    project = write_shop(tmp_path / "shop")
    with served(project, "memory:", "--config", str(settings), folder=tmp_path) as door:
        yield door


def while_full(door: Served, send: Callable[[], None]) -> None:
    """Send to a door that has no room until it has refused that twice."""
    sending = threading.Thread(target=send, daemon=True)
    with crowded(door):
        sending.start()
        until(lambda: door.refusals() >= 1 + 2, "that the door refuses")
    sending.join(PATIENCE_S)
    assert not sending.is_alive(), "not everything has been sent"


@pytest.mark.parametrize("gzip", [True, False], ids=["gzip", "plain"])
def test_each_event_of_the_python_client_is_applied_once(door: Served, gzip: bool) -> None:
    errors: list[object] = []

    def send() -> None:
        client = Client(KEY, host=door.address, on_error=lambda error, _: errors.append(error), gzip=gzip)
        client.identify("python-user", {"email": "python@shop.example"})
        client.page("python-user", "Docs", "Home")
        client.screen("python-user", "App", "Start")
        client.group("python-user", "g1", {"plan": "team"})
        client.alias("before", "python-user")
        for number in range(CARTS):
            client.track("python-user", "Cart Left", {"number": number})
        client.flush()
        client.join()

    while_full(door, send)

    assert errors == []
    assert applied(door, "python-user") == ALL
    assert traits(door, "python-user") == {"email": "python@shop.example"}


def test_each_event_of_the_node_client_is_applied_once(door: Served) -> None:
    installed.npm_packages()
    command = [installed.node(), str(installed.NODE / "rudder.mjs"), door.address, KEY, str(CARTS)]
    said: list[tuple[int, str]] = []

    def send() -> None:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        said.append((done.returncode, done.stderr))

    while_full(door, send)

    assert said == [(0, "")]
    assert applied(door, "node-user") == ALL
    assert traits(door, "node-user") == {"email": "node@shop.example"}
