"""Processes that read one topic as a group into one engine on Ray are killed and stopped, and so are its shards."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from time import sleep

import pytest
import ray
from tests.cluster.reader import hasten
from tests.cluster.test_sources import kill_shard
from tests.engine.lives import ROOT
from tests.engine.test_destinations import Desk
from tests.ingress.served import until
from tests.sources.streams.checker import Ended, applied_in, applied_once, counted, order, poison
from tests.sources.streams.life import SETTINGS, found_in, is_read
from tests.sources.streams.messages import meant, message
from tests.sources.streams.project import write_project
from tests.sources.streams.storm import PARTITIONS, log_of, source_of

from parcours import Engine
from parcours.errors import ShardUnavailable
from parcours.journey.project import Project
from parcours.testing.doubles import Kafka

pytestmark = pytest.mark.ray

log = logging.getLogger(__name__)

BLOWS = 100 if "PARCOURS_FAULTS_FULL" in os.environ else 5
READERS = 2
SHARDS = 2
TOPIC = "events"
MESSAGES_A_BLOW = 300
STOPPED_S = 1.5


def test_readers_and_shards_that_are_killed_and_stopped_apply_each_message_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch.setattr)
    chance, blows, store, written = Random(20_261_130), Counter[str](), f"sqlite:///{tmp_path}/store", 0
    with Kafka() as kafka, Desk() as desk:
        kafka.create(TOPIC, PARTITIONS)
        write_project(tmp_path / "shop", source_of(kafka, TOPIC), desk.url)
        project = Project.load(tmp_path / "shop")
        with opened(project, store) as engine:
            readers = [reader(tmp_path / "shop") for _ in range(READERS)]
            try:
                for _ in range(BLOWS):
                    write(kafka, range(written, written + MESSAGES_A_BLOW))
                    written += MESSAGES_A_BLOW
                    sleep(chance.uniform(0.2, 3.0))  # by chance it strikes wherever they are
                    blow = chance.choice(["kill reader", "stop reader", "kill shard"])
                    place = chance.randrange(READERS)
                    if blow == "kill shard":
                        with suppress(ShardUnavailable, ray.exceptions.RayError, ValueError):  # it is down already
                            kill_shard(project, store, chance.randrange(SHARDS))
                            blows[blow] += 1
                    elif blow == "kill reader":
                        readers[place].kill()
                        readers[place].wait()
                        readers[place] = reader(tmp_path / "shop")
                        blows[blow] += 1
                    else:
                        readers[place].send_signal(signal.SIGSTOP)
                        sleep(STOPPED_S)
                        readers[place].send_signal(signal.SIGCONT)
                        blows[blow] += 1
            finally:
                for each in readers:
                    each.kill()
                    each.wait()
            engine.read_sources(project)
            until(lambda: is_read(engine, written), "all is read")
            found = found_in(engine)
        log.info("%s", dict(blows))

        whole = meant(log_of(kafka, TOPIC))
        ended = Ended(whole, applied_in(store, SHARDS), found["counts"], found["letters"], {}, [], [], [])
        assert [each for rule in (applied_once, order, counted, poison) for each in rule(ended)] == []
        assert len(whole.seen) > BLOWS * MESSAGES_A_BLOW / 2


@contextmanager
def opened(project: Project, store: str) -> Iterator[Engine]:
    """An engine that stays for whoever attaches, and is ended afterwards."""
    with Engine.open(
        project, store, shards=SHARDS, address="auto", settings=SETTINGS, private_hosts=["127.0.0.0/8"]
    ) as engine:
        try:
            yield engine
        finally:
            engine.shut_down()


def reader(folder: Path) -> subprocess.Popen[bytes]:
    address = ray.get_runtime_context().gcs_address
    return subprocess.Popen([sys.executable, "-m", "tests.cluster.reader", address, str(folder)], cwd=ROOT)


def write(kafka: Kafka, numbers: range) -> None:
    producer = kafka.producer()
    for number in numbers:
        key, value = message(7, number)
        producer.produce(TOPIC, value, key)
    assert producer.flush(30) == 0
