"""Lives of an engine that exports while it takes events, each killed at some place or time. See test_killed_exports.py.

What all lives have in common is imported once (lives.py), and the project is loaded once.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tests.engine.lives import Life, Place, die_at, fork_lives, say

from parcours import Engine, Project, Settings
from parcours.dispatch.registry import Registry
from parcours.insight.exporter import opening, range_files, reading, upkeep  # noqa: F401  # each life needs them
from parcours.insight.exporter.disk import Disk
from parcours.insight.exporter.tables import TABLES
from parcours.insight.warehouse import warehouse  # noqa: F401  # as above
from parcours.shard.exporting import Exporting

SHARDS = 2
PEOPLE = 40
BATCH = 5
EXPORTED_WITHIN_S = 60.0

PLACES: dict[str, Place] = {
    "before the range is committed": (Exporting, "begin", False),
    "after the range is committed": (Exporting, "begin", True),
    "a file is begun": (Disk, "begin", True),
    "before more of a file": (Disk, "extend", False),
    "before a file has its name": (Disk, "finish", False),
    "after a file has its name": (Disk, "finish", True),
    "before names are durable": (Disk, "sync", False),
    "before the end is committed": (Exporting, "end", False),
    "after the end is committed": (Exporting, "end", True),
}
"""Where a life may end itself."""


def line(number: int) -> bytes:
    """The line of a number: people tell who they are, and then come back again and again."""
    person = f"u{number % PEOPLE}"
    told: dict[str, object] = {"type": "identify", "traits": {"email": f"{person}@mail.example"}}
    if number >= PEOPLE:
        event = ("Seen", "Started", "Bought")[number // PEOPLE % 3]
        properties = {"page": "home"} if event == "Seen" else {"cart": f"c{number // (3 * PEOPLE)}"}
        told = {"type": "track", "event": event, "properties": properties}
    return json.dumps({**told, "userId": person, "messageId": f"m{number}"}).encode()


def live(life: Life, project: Project) -> None:
    """Take lines until it is killed, or as many as it has, and end in good order then."""
    settings = Settings(export_every_ms=15, export_records=50)
    if life.place is not None:
        die_at(PLACES[life.place], life.call)
    store = f"sqlite:///{life.store}"
    with Engine.open(project, store, shards=SHARDS, runtime="local", records=["email"], settings=settings) as engine:
        life.hand_in(engine, line, BATCH)
        _wait_until_exported(engine)
        say(troubles=engine.troubles())


def _wait_until_exported(engine: Engine) -> None:
    """Return when no answer has anything that is not in files."""
    tables = [table for table in TABLES if table not in ("people", "lines")]
    query = "select " + ", ".join(f"(select count(*) from {table})" for table in tables)
    patience = time.monotonic() + EXPORTED_WITHIN_S
    while (there := engine.insight().sql(query, exported=True).rows) != (told := engine.insight().sql(query).rows):
        assert time.monotonic() < patience, f"{there} of {told} rows are exported"
        time.sleep(0.05)


def main(folder: str) -> None:
    Registry.installed()
    project = Project.load(Path(folder))
    fork_lives(lambda asked: live(Life(**json.loads(asked)), project))


if __name__ == "__main__":
    main(sys.argv[1])
