"""A process that reads a topic of Kafka into an engine that another one has opened, until its standard input ends.

It writes a line whenever it has taken more.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from tests.sources.kafka_topics import QUICK

from parcours import Engine
from parcours.journey.project import Project
from parcours.sources.kafka import KafkaSource
from parcours.sources.kafka_settings import KafkaSettings

LOOK_EVERY_S = 0.02


def _wait_for_the_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def main(address: str, folder: str, servers: str, topic: str) -> None:
    told = {"servers": servers, "topic": topic, "group": topic, "options": QUICK}
    ended = threading.Event()
    threading.Thread(target=_wait_for_the_end, args=[ended], daemon=True).start()
    with Engine.attach(address, Project.load(Path(folder))) as engine:
        engine.read_source("stream", KafkaSource(KafkaSettings.model_validate(told)))
        taken = 0
        while not ended.wait(LOOK_EVERY_S):
            now = sum(engine.sources()[0].outcomes.values())
            if now > taken:
                taken = now
                sys.stdout.write(f"{taken}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
