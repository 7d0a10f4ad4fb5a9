"""The launcher: a process that has imported the engine and compiled the project, and forks a driver on each request.

It reads one pickled `Life` after the other from its input, and ends with it.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from pathlib import Path

from parcours.dispatch.registry import Registry
from parcours.journey.project import Project
from parcours.testing.faults.processes.driver import Life, live


def main(folder: str) -> None:
    """Serve the project of this folder."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a driver: its connection tells that it has ended
    Registry.installed()
    project = Project.load(Path(folder))
    while True:
        try:
            life: Life = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        if os.fork() == 0:
            _become(life, project)


def _become(life: Life, project: Project) -> None:
    """In the child: be a driver, and leave without what the launcher would do at its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = 1
    try:
        log = os.open(life.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        live(life, project)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1])
