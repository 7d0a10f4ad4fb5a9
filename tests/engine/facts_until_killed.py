"""Lives of an engine that tells facts to Kafka and NATS while it takes lines, each killed at some place or time. See
test_killed_facts.py.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from random import Random

from tests.engine.lives import Life, Place, die_at, fork_lives, say

from parcours import Engine, Project, Settings
from parcours.destinations.kafka_producer import KafkaProducer
from parcours.destinations.nats_publisher import NatsPublisher
from parcours.dispatch.registry import Registry
from parcours.insight.exporter import fact_sender, opening, range_files, upkeep  # noqa: F401  # each life needs them
from parcours.insight.exporter.fact_sender import FactSender
from parcours.service.service import Service
from parcours.shard.commits import Commits
from parcours.shard.fact_telling import FactTelling

SHARDS = 2
PEOPLE = 12
BATCH = 4
ALL_TOLD_WITHIN_S = 120.0

PLACES: dict[str, Place] = {
    "before a commit": (Commits, "commit", False),
    "after a commit": (Commits, "commit", True),
    "after a slice is read": (FactTelling, "read", True),
    "before a batch is handed over": (FactSender, "_publish", False),
    "after a batch is handed over": (FactSender, "_publish", True),
    "after a round in Kafka": (KafkaProducer, "send", True),
    "after a round in NATS": (NatsPublisher, "send", True),
    "before a position is committed": (FactTelling, "told", False),
    "after a position is committed": (FactTelling, "told", True),
}
"""Where a life may end itself."""


def line(number: int) -> dict[str, object]:
    """The line of a number: people shop, say where they live, come as visitors and log in."""
    chance = Random(number)
    who = chance.randrange(PEOPLE)
    said: dict[str, object] = {"userId": f"u{who}", "messageId": f"m{number}"}
    match chance.randrange(5):
        case 0:
            return {**said, "type": "identify", "traits": {"city": chance.choice(["Paris", "Rome"])}}
        case 1:
            visitor = {"anonymousId": f"v{who}", "messageId": f"m{number}"}
            return {**visitor, "type": "track", "event": "Bought", "properties": {}}
        case 2:
            return {**said, "type": "identify", "anonymousId": f"v{who}", "traits": {}}
        case _:
            return {**said, "type": "track", "event": "Bought", "properties": {}}


def live(life: Life, project: Project) -> None:
    """Take lines until it is killed, or as many as it has, and end in good order then."""
    settings = Settings(export_records=20, export_every_ms=50)
    if life.place is not None:
        die_at(PLACES[life.place], life.call)
    with Engine.open(
        project, f"sqlite:///{life.store}", shards=SHARDS, runtime="local", records=["email"], settings=settings
    ) as engine:
        life.hand_in(engine, line, BATCH)
        until_all_is_told(engine)
        say(troubles=engine.troubles())


def until_all_is_told(engine: Engine) -> None:
    """Wait until no destination of facts is behind any more. Raises TimeoutError after a while, with what is left."""
    service = engine._facade
    assert isinstance(service, Service)
    until = time.monotonic() + ALL_TOLD_WITHIN_S
    while time.monotonic() < until:
        figures = engine._call(service.figures())
        answered = [each.figures for each in figures.shards if each.figures is not None]
        left = {name: standing.lag for each in answered for name, standing in each.facts_to.items() if standing.lag}
        if len(answered) == len(figures.shards) and not left:
            return
    raise TimeoutError(f"not told after {ALL_TOLD_WITHIN_S:g} s: {left}")


def main(folder: str) -> None:
    Registry.installed()
    fact_sender.COMMIT_EVERY_S = 0.05  # type: ignore[misc]  # a life lasts for less than a second
    project = Project.load(Path(folder))
    fork_lives(lambda asked: live(Life(**json.loads(asked)), project))


if __name__ == "__main__":
    main(sys.argv[1])
