"""Facts that go from an engine on Ray to a destination, whose exporter and whose shards are killed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.engine.facts_until_killed import until_all_is_told
from tests.engine.test_killed_facts import check_facts, each_once, in_kafka, told_by_journals
from tests.ingress.served import until
from tests.projects import write_texts

from parcours import Engine, Project
from parcours.errors import ShardUnavailable
from parcours.runtime.cluster.runtime import ClusterRuntime
from parcours.service.host import Host
from parcours.testing.doubles import Kafka

pytestmark = pytest.mark.ray

PEOPLE = 7


@pytest.fixture
def kafka() -> Iterator[Kafka]:
    with Kafka() as kafka:
        kafka.create("facts", 2)
        yield kafka


@pytest.fixture
def telling_shop(tmp_path: Path, kafka: Kafka) -> Project:
    write_texts(
        tmp_path / "shop",
        {
            "parcours.yaml": "project: telling\n",
            "events.yaml": "events: {Bought: {}}\n",
            "journeys/thank.yaml": (
                "journey: thank\nentry: {event: Bought}\nreentry: {after: 1s}\nsteps: [{id: over, end: true}]\n"
            ),
            "destinations.yaml": (
                "destinations:\n  topic: {facts: [moves, events], batch: 9, to: {kafka: "
                f'{{servers: "{kafka.servers}", topic: facts}}}}}}\n'
            ),
        },
    )
    return Project.load(tmp_path / "shop")


def kill(engine: Engine, name: str) -> None:
    """End the process of an actor, once all that were ended before are there again."""
    host = engine._facade._host
    assert isinstance(host, Host)
    runtime = host._runtime
    assert isinstance(runtime, ClusterRuntime)
    pids: dict[str, int] = {}
    while not pids:
        with suppress(ShardUnavailable):
            pids = asyncio.run_coroutine_threadsafe(runtime.process_ids(), engine._loop).result()
    os.kill(pids[name], signal.SIGKILL)


def test_every_fact_arrives_though_the_exporter_and_a_shard_are_killed(
    telling_shop: Project, kafka: Kafka, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    with Engine.open(telling_shop, f"sqlite:///{store}", shards=2, runtime="ray") as engine:
        for number, killed in enumerate(("exporter", "shard 0", "exporter", "shard 1", None)):
            for each in range(60):
                engine.track(f"u{each % PEOPLE}", "Bought", message_id=f"{number}.{each}").result(60)
            until(lambda: bool(in_kafka(kafka)), "a fact is there")
            if killed is not None:
                kill(engine, killed)
        engine.drain(60)
        until_all_is_told(engine)

    told = [each for each in told_by_journals(store, telling_shop) if each[1] in ("moves", "events")]
    check_facts(each_once(in_kafka(kafka)), [(f"telling/topic/{key}", person) for key, _, person in told])
