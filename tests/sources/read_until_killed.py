"""Lives of an engine that reads files, each killed at some place or time. See test_killed_sources.py.

What all lives have in common is imported once (tests/engine/lives.py), and the project is loaded once.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.engine.lives import Place, die_at, fork_lives, say

from parcours import Engine, Project, Settings
from parcours.insight.exporter import opening, range_files, reading, upkeep  # noqa: F401  # each life needs them
from parcours.shard.batches import Batches
from parcours.sources import pump, session
from parcours.sources.files import FilesSettings, FilesSource
from parcours.store.sqlite import SqliteStore

SHARDS = 2
PATIENCE_S = 60.0

PLACES: dict[str, Place] = {
    "before a record": (SqliteStore, "append", False),
    "after a record": (SqliteStore, "append", True),
    "before a partition has its reader": (Batches, "begin_reading", False),
    "after a partition has its reader": (Batches, "begin_reading", True),
    "before the position is told": (Batches, "tell_position", False),
    "after the position is told": (Batches, "tell_position", True),
}
"""Where a life may end itself."""


@dataclass(frozen=True)
class Life:
    """One life of the engine in a store.

    files        what it reads
    lasts_s      after which time from its opening it is killed; None: it ends in good order once all is read
    place, call  where it ends itself, and at which call of that (from 1)
    """

    store: str
    files: str
    lasts_s: float | None
    place: str | None
    call: int

    def written(self) -> str:
        return json.dumps(asdict(self))


def live(life: Life, project: Project) -> None:
    """Read until the end, or until it is killed."""
    pump.PARTITIONS_EVERY_S = session.TELL_EVERY_S = 0.02  # type: ignore[misc]  # no life has seconds
    settings = Settings(batch_events_max=20, message_ids_for_ms=1, hello_wait_s=1)
    if life.place is not None:
        die_at(PLACES[life.place], life.call)
    store = f"sqlite:///{life.store}"
    with Engine.open(project, store, shards=SHARDS, runtime="local", settings=settings) as engine:
        if life.lasts_s is not None:
            signal.setitimer(signal.ITIMER_REAL, life.lasts_s)  # which ends a process that does not expect it
        engine.read_source("folder", FilesSource(FilesSettings(files=life.files)))
        patience = time.monotonic() + PATIENCE_S
        while not (told := engine.sources()[0]).partitions or {each.state for each in told.partitions} != {"over"}:
            assert time.monotonic() < patience, (told, engine.troubles())
            time.sleep(0.01)
        engine.drain(30)
        say(troubles=engine.troubles(), outcomes=dict(told.outcomes))


def main(folder: str) -> None:
    project = Project.load(Path(folder))
    fork_lives(lambda asked: live(Life(**json.loads(asked)), project))


if __name__ == "__main__":
    main(sys.argv[1])
