"""A process that attaches to an engine and reads the sources of a project, until it is killed. See
test_killed_streams.py.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from parcours import Engine, Project
from parcours.sources import partition_reader, pump, session


def hasten(put: Callable[[object, str, object], None] = setattr) -> None:
    """Look and tell more often: no process has many seconds."""
    for module, name, value in (
        (pump, "PARTITIONS_EVERY_S", 0.1),
        (session, "TELL_EVERY_S", 0.1),
        (partition_reader, "PAUSES_S", (0.1,)),
        (partition_reader, "SILENCE_S", 2.0),
        (partition_reader, "LOOK_EVERY_S", 0.2),
    ):
        put(module, name, value)


def main(address: str, folder: str) -> None:
    hasten()
    project = Project.load(Path(folder))
    with Engine.attach(address, project) as engine:
        engine.read_sources(project)
        threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
