"""A source that processes read which share an engine on Ray: shards are killed, readers come and go."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import ray
from tests.cluster.visits import visits
from tests.ingress.served import until

from parcours import Engine
from parcours.config import Settings
from parcours.errors import ShardUnavailable
from parcours.journey.project import Project
from parcours.runtime.cluster.actor_port import answer_of
from parcours.runtime.cluster.naming import namespace_of
from parcours.sources.looking_back import ReadAgain
from parcours.store.address import claims_at
from parcours.testing.doubles import Log, LogSource

pytestmark = pytest.mark.ray

SETTINGS = Settings(batch_events_max=20, message_ids_for_ms=1)
"""So many lines at once that there is something to kill, and no line is known by its id."""


@pytest.fixture
def store(tmp_path: Path, shop: Project) -> Iterator[str]:
    """The address of a store, whose engine is ended after the test."""
    yield f"sqlite:///{tmp_path}/store"
    with suppress(ShardUnavailable):
        Engine.attach("auto", shop).shut_down()


def seen(log: Log, lines: int) -> None:
    for number in range(lines):
        log.append("0", b'{"type":"track","event":"Seen","userId":"u%d"}' % (number % 10))


def states(engine: Engine) -> list[str]:
    return [each.state for each in engine.sources()[0].partitions]


def kill_shard(project: Project, store: str, number: int) -> None:
    """End the process of a shard."""
    name = claims_at(store, 2).shards()[number].actor
    assert name is not None, "the engine is open"
    actor = ray.get_actor(name, namespace_of(project.name))
    os.kill(int(asyncio.run(answer_of(actor.process_id.remote()))), signal.SIGKILL)


def test_shards_that_are_killed_while_it_is_read_apply_each_line_once(shop: Project, store: str) -> None:
    log = Log()
    seen(log, 3_000)
    with Engine.open(shop, store, shards=2, records=["email"], settings=SETTINGS, address="auto") as engine:
        engine.read_source("stream", LogSource(log.settings()))
        for number in (0, 1):
            before = engine.sources()[0].outcomes.get("accepted", 0)
            until(lambda: engine.sources()[0].outcomes.get("accepted", 0) > before, "more lines")  # noqa: B023
            kill_shard(shop, store, number)

        until(lambda: engine.sources()[0].partitions[0].lag == 0, "all lines, those that are read once more as well")

        assert visits(engine) == 3_000
        assert engine.sources()[0].partitions[0].position == 3_000


def test_a_process_that_reads_is_followed_by_one_that_stood_by(shop: Project, store: str) -> None:
    log = Log()
    seen(log, 1_000)
    with Engine.open(shop, store, shards=2, records=["email"], settings=SETTINGS, address="auto") as first:
        first.read_source("stream", LogSource(log.settings()))
        until(lambda: bool(first.sources()[0].outcomes), "the first one reads")
        with Engine.attach("auto", shop) as second:
            second.read_source("stream", LogSource(log.settings()))
            until(lambda: states(first) == ["standing by"], "the first one stands by")
            seen(log, 1_000)
            until(lambda: visits(first) == 2_000, "all lines")

        seen(log, 500)
        until(lambda: visits(first) == 2_500, "the first one goes on")

        assert states(first) == ["reading"]
        assert first.troubles() == []


def test_a_process_reads_again_and_pauses_what_another_one_reads(shop: Project, store: str) -> None:
    log = Log()
    seen(log, 100)
    with Engine.open(shop, store, shards=2, records=["email"], settings=SETTINGS, address="auto") as first:
        first.read_source("stream", LogSource(log.settings()))
        until(lambda: visits(first) == 100, "all lines")
        with Engine.attach("auto", shop) as second:
            second.read_source("stream", LogSource(log.settings()))
            until(lambda: states(first) == ["standing by"], "the first one stands by")

            told = first.rewind_source("stream", 40, dry=True)
            assert told.partitions[0].foreseen == ReadAgain(60, 0, 0, 0, is_whole=True)
            assert visits(first) == 100
            first.rewind_source("stream", 40, token=told.token)
            until(lambda: visits(first) == 160, "60 of them once more, by the second one")

            first.pause_source("stream")
            until(lambda: second.sources()[0].paused, "the second one hears of it")
            second.resume_source("stream")
            until(lambda: not first.sources()[0].paused, "so does the first one")
