"""`parcours serve` with an engine in a Ray cluster: one door that opens or finds it, and many that share a port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import ray
from segment.analytics.client import Client
from tests.ingress.served import PATIENCE_S, Served, served, until

from parcours import Engine
from parcours.errors import ShardUnavailable
from parcours.journey.project import Project

pytestmark = pytest.mark.ray

EVENTS: Final = 400


@pytest.fixture
def folder(shop_folder: Path) -> Path:
    """The shop of tests/engine on disk, with settings of a door beside it that let it end at once."""
    (shop_folder.parent / "serve.yaml").write_text("notice_s: 0\n")
    return shop_folder


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    """The address of the cluster of these tests; the engine is ended after each."""
    yield ray.get_runtime_context().gcs_address
    with suppress(ShardUnavailable):
        Engine.attach("auto", Project.load(folder)).shut_down()


def options(address: str, tmp_path: Path, *more: str) -> list[str]:
    return ["--address", address, "--config", str(tmp_path / "serve.yaml"), "--record", "email", *more]


def events_of(door: Served) -> list[str]:
    """What it has logged so far, in words."""
    return [str(line["event"]) for line in door.logged() if line["event"] != "request"]


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from parcours.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=PATIENCE_S)


def test_one_opens_the_engine_and_leaves_it_another_finds_it_and_a_command_ends_it(
    folder: Path, address: str, tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path}/store"
    asked = options(address, tmp_path)
    with served(folder, store, *asked, folder=tmp_path, runtime="ray") as door:
        assert door.said.rstrip().endswith("(the engine was opened, and stays)")
        assert httpx.post(f"{door.address}/v1/track", json={"userId": "u1", "event": "Seen"}).status_code == 200
        assert door.stop() == 0

    message = folder / "messages" / "receipt.yaml"
    message.write_text(message.read_text().replace("Thank you", "Many thanks"))
    with served(folder, store, *asked, folder=tmp_path, runtime="ray") as door:
        assert door.said.rstrip().endswith("(the engine was found there)")
        assert httpx.get(f"{door.address}/people/u1").json()["owner"] == "u1"
        assert any("`parcours publish`" in each for each in events_of(door))
        assert door.stop() == 0

    other = {"SIGNING": "another key of the door, of 32 characters"}
    (tmp_path / "serve.yaml").write_text("notice_s: 0\nsigning_keys: ['env:SIGNING']\n")
    with (
        pytest.raises(AssertionError, match="seals links by the key with the digest"),
        served(folder, store, *asked, folder=tmp_path, runtime="ray", environ=other),
    ):
        pass
    ended = command("engine", "shut-down", str(folder), "--address", address)
    assert (ended.returncode, ended.stdout) == (0, "The engine of 'shop' has ended.\n")
    again = command("engine", "shut-down", str(folder), "--address", address)
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)


def test_events_of_a_client_count_once_though_the_door_that_takes_them_is_killed(
    folder: Path, address: str, tmp_path: Path
) -> None:
    asked = options(address, tmp_path, "--doors", "2")
    with served(folder, f"sqlite:///{tmp_path}/store", *asked, folder=tmp_path, runtime="ray") as doors:
        failed: list[Any] = []
        client = Client("any-write-key", host=doors.address, on_error=lambda error, _: failed.append(error))
        client.track("first", "Seen", message_id="first")
        client.flush()
        until(lambda: any(line.get("route") == "POST /v1/batch" for line in doors.logged()), "a line of the log")
        number = next(line["door"] for line in doors.logged() if line.get("route") == "POST /v1/batch")
        process = next(each for each in events_of(doors) if each.startswith(f"door {number} is open"))
        for event in range(EVENTS):
            client.track(f"u{event % 10}", "Seen", message_id=f"m-{event}")
            if event == EVENTS // 2:
                os.kill(int(process.rpartition(" ")[2]), signal.SIGKILL)
        client.shutdown()

        until(
            lambda: any(f"door {number} has ended (SIGKILL)" in each for each in events_of(doors)), "that it is missed"
        )
        until(lambda: sum(f"door {number} is open" in each for each in events_of(doors)) == 2, "another one")
        assert failed == []
        with Engine.attach("auto", Project.load(folder)) as engine:
            found = [engine.profile(f"u{each}") for each in range(10)]
            assert [each and each.counts["visits"] for each in found] == [EVENTS // 10] * 10
        assert doors.stop() == 0
