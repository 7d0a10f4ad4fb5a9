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


def counted(port: int, outcome: str) -> float:
    """How many lines have become this, as all doors together tell it. One that is away tells nothing."""
    total = 0.0
    for of_door in (port, port + 1):
        with suppress(httpx.HTTPError):
            for family in text_string_to_metric_families(httpx.get(f"http://127.0.0.1:{of_door}/metrics").text):
                total += sum(
                    each.value
                    for each in family.samples
                    if each.name == "parcours_source_lines_total"
                    and each.labels == {"source": "clicks", "outcome": outcome}
                )
    return total


def resumed(doors: Served) -> bool:
    """Whether a door has let it be read on; connections of one that was killed are cut."""
    with suppress(httpx.HTTPError):
        return httpx.post(f"{doors.address}/sources/clicks/resume").is_success
    return False


def standing_by(doors: Served) -> list[int]:
    """The doors that have found out, each time anew, that another one reads a partition."""
    return [
        int(str(line["door"])) for line in doors.logged() if str(line["event"]).endswith("is read by another process")
    ]


def test_each_partition_is_read_by_one_door_and_by_another_one_when_that_is_killed(
    folder: Path, tmp_path: Path
) -> None:
    port = two_ports()
    (tmp_path / "serve.yaml").write_text(f"notice_s: 0\nhealth_port: {port}\n")
    options = ["--address", ray.get_runtime_context().gcs_address, "--config", str(tmp_path / "serve.yaml")]
    options += ["--record", "email", "--doors", "2"]
    for number in range(4):
        write(folder, f"{number}.ndjson", 50 + number)

    with served(folder, f"sqlite:///{tmp_path}/store", *options, folder=tmp_path, runtime="ray") as doors:
        until(lambda: counted(port, "accepted") == 206, "that all is read, by whichever door")
        assert counted(port, "duplicate") == counted(port, "set_aside") == 0

        assert httpx.post(f"{doors.address}/sources/clicks/pause").json() == {"name": "clicks", "paused": True}
        before = len(standing_by(doors))
        write(folder, "late.ndjson", 1_000)
        until(lambda: len(standing_by(doors)) > before, "that one of them stands by for the new file")
        reader = 3 - standing_by(doors)[-1]
        opened = [str(line["event"]) for line in doors.logged()]
        process = next(each for each in opened if each.startswith(f"door {reader} is open")).rpartition(" ")[2]
        os.kill(int(process), signal.SIGKILL)
        until(lambda: resumed(doors), "that a door is there that lets it be read")

        with Engine.attach("auto", Project.load(folder)) as engine:
            until(lambda: visits(engine) == 1_206, "that the others read on")
            until(lambda: counted(port, "accepted") >= 1_000, "that they tell it")
        assert doors.stop() == 0
