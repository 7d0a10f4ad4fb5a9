"""Many doors that share a port read the sources of their project: each partition one of them, and on when that ends."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
import ray
from prometheus_client.parser import text_string_to_metric_families
from tests.cluster.visits import visits
from tests.ingress.served import Served, served, until

from parcours import Engine
from parcours.errors import ShardUnavailable
from parcours.journey.project import Project

pytestmark = pytest.mark.ray

SEEN = '{"type":"track","event":"Seen","userId":"u%d"}\n'


@pytest.fixture
def folder(shop_folder: Path) -> Iterator[Path]:
    """The shop of tests/engine on disk, which reads files; its engine is ended after the test."""
    (shop_folder / "sources.yaml").write_text('sources: {clicks: {files: "in/*.ndjson"}}\n')
    (shop_folder / "in").mkdir()
    yield shop_folder
    with suppress(ShardUnavailable):
        Engine.attach("auto", Project.load(shop_folder)).shut_down()


def write(folder: Path, name: str, lines: int) -> None:
    """Lines of ten people; each file holds something else."""
    (folder / "in" / name).write_text("".join(SEEN % (number % 10) for number in range(lines)))


def two_ports() -> int:
    """The first of two free ports that lie side by side."""
    while True:
        with ExitStack() as opened, suppress(OSError, OverflowError):
            first = opened.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            opened.enter_context(socket.socket()).bind(("127.0.0.1", port + 1))
            return port


def pause(folder: Path, store: str) -> None:
    """Let nobody read the files, whoever opens the store from now on."""
    project = Project.load(folder)
    with Engine.open(project, store, records=["email"], runtime="local") as engine:
        engine.read_sources(project)
        engine.pause_source("clicks")


def counted(port: int, *outcomes: str) -> float:
    """How many lines have become one of these, as all doors together tell it. One that is away tells nothing."""
    total = 0.0
    for of_door in (port, port + 1):
        with suppress(httpx.HTTPError):
            for family in text_string_to_metric_families(httpx.get(f"http://127.0.0.1:{of_door}/metrics").text):
                total += sum(
                    each.value
                    for each in family.samples
                    if each.name == "parcours_source_lines_total"
                    and each.labels["source"] == "clicks"
                    and each.labels["outcome"] in outcomes
                )
    return total


def resumed(doors: Served) -> bool:
    """Whether a door has let it be read on; connections of one that was killed are cut."""
    with suppress(httpx.HTTPError):
        return httpx.post(f"{doors.address}/sources/clicks/resume").is_success
    return False


def standing_by(doors: Served) -> dict[str, int]:
    """Of each partition the door that has found out that another one reads it; what was found out last is last."""
    found: dict[str, int] = {}
    for line in doors.logged():
        partition, is_read, _ = str(line["event"]).partition(" is read by another process")
        if is_read:
            found.pop(partition, None)
            found[partition] = int(str(line["door"]))
    return found


def test_each_partition_is_read_by_one_door_and_by_another_one_when_that_is_killed(
    folder: Path, tmp_path: Path
) -> None:
    """
    Which of them reads what is settled while nobody may read: otherwise one that takes over reads lines of the last
    second once more.
    """
    port, store = two_ports(), f"sqlite:///{tmp_path}/store"
    (tmp_path / "serve.yaml").write_text(f"notice_s: 0\nhealth_port: {port}\n")
    options = ["--address", ray.get_runtime_context().gcs_address, "--config", str(tmp_path / "serve.yaml")]
    options += ["--record", "email", "--doors", "2"]
    pause(folder, store)
    for number in range(4):
        write(folder, f"{number}.ndjson", 50 + number)

    with served(folder, store, *options, folder=tmp_path, runtime="ray") as doors:
        until(lambda: len(standing_by(doors)) == 4, "that one of them stands by for each file")
        assert resumed(doors)
        until(lambda: counted(port, "accepted") == 206, "that all is read, by whichever door")
        assert counted(port, "duplicate", "set_aside") == 0

        assert httpx.post(f"{doors.address}/sources/clicks/pause").json() == {"name": "clicks", "paused": True}
        write(folder, "late.ndjson", 1_000)
        until(lambda: len(standing_by(doors)) == 5, "that one of them stands by for the new file")
        reader = 3 - list(standing_by(doors).values())[-1]
        opened = [str(line["event"]) for line in doors.logged()]
        process = next(each for each in opened if each.startswith(f"door {reader} is open")).rpartition(" ")[2]
        os.kill(int(process), signal.SIGKILL)
        until(lambda: resumed(doors), "that a door is there that lets it be read")

        with Engine.attach("auto", Project.load(folder)) as engine:
            until(lambda: visits(engine) == 1_206, "that the others read on")
            until(lambda: counted(port, "accepted", "duplicate") >= 1_000, "that they tell it")
            assert counted(port, "set_aside") == 0
        assert doors.stop() == 0
