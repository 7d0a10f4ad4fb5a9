"""Processes of one consumer group read a topic into an engine on Ray, and are killed: is each line applied once?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest
import ray
from tests.cluster.visits import visits
from tests.ingress.served import until
from tests.sources.kafka_topics import Topic, new_topic

from parcours import Engine
from parcours.config import Settings
from parcours.errors import ShardUnavailable
from parcours.journey.project import Project
from parcours.sources.kafka import KafkaSource
from parcours.testing.doubles import Kafka

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[2]
PARTITIONS = 4
ENDED_S = 30
SETTINGS = Settings(batch_events_max=50, message_ids_for_ms=1)
"""So many lines at once that there is something to kill, and no line is known by its id."""


@contextmanager
def reader(folder: Path, topic: Topic) -> Iterator[subprocess.Popen[str]]:
    """A process that reads the topic, too."""
    address = ray.get_runtime_context().gcs_address
    command = [sys.executable, "-m", "tests.cluster.reads_kafka", address, str(folder), topic.kafka.servers, topic.name]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()
            process.wait(ENDED_S)


def has_taken(process: subprocess.Popen[str]) -> int:
    """How many lines the process says that it has taken; waits until it says so."""
    output: IO[str] | None = process.stdout
    assert output is not None
    return int(output.readline())


def test_processes_of_a_group_that_come_go_and_are_killed_apply_each_line_once(
    shop_folder: Path, tmp_path: Path
) -> None:
    project, store = Project.load(shop_folder), f"sqlite:///{tmp_path}/store"
    written = 0

    def write(topic: Topic, lines: int) -> None:
        nonlocal written
        for partition in range(PARTITIONS):
            people = [f"u{number % 10}" for number in range(lines)]
            topic.write(
                [b'{"type":"track","event":"Seen","userId":"%b"}' % each.encode() for each in people], partition
            )
        written += PARTITIONS * lines

    with Kafka() as kafka:
        topic = new_topic(kafka, PARTITIONS)
        with Engine.open(project, store, shards=2, records=["email"], settings=SETTINGS, address="auto") as engine:
            try:
                engine.read_source("stream", KafkaSource(topic.settings()))
                write(topic, 500)
                until(lambda: bool(engine.sources()[0].outcomes), "this process reads")
                with reader(shop_folder, topic) as killed:
                    until(lambda: len(engine.sources()[0].partitions) < PARTITIONS, "the other one has its share")
                    write(topic, 2_000)
                    assert has_taken(killed) > 0
                until(lambda: len(engine.sources()[0].partitions) == PARTITIONS, "this process has all again")
                with reader(shop_folder, topic) as leaving:
                    until(lambda: len(engine.sources()[0].partitions) < PARTITIONS, "the next one has its share")
                    write(topic, 500)
                    assert has_taken(leaving) > 0
                    assert leaving.stdin is not None
                    leaving.stdin.close()
                    assert leaving.wait(ENDED_S) == 0

                until(lambda: visits(engine) >= written, "all lines are applied")
                until(lambda: len(engine.sources()[0].partitions) == PARTITIONS, "this process has all again")
                until(lambda: {each.lag for each in engine.sources()[0].partitions} == {0}, "nothing is left")

                assert visits(engine) == written
                assert engine.troubles() == []
            finally:
                with suppress(ShardUnavailable):
                    engine.shut_down()
