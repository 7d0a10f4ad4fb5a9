"""Doors that nobody can enter, for tests of whoever looks after many: each writes into a file what happens to it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from parcours.doors import Announce

HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def stand(folder: Path, number: int, announce: Announce) -> None:
    """Be there until a signal asks to stop."""
    signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    with (folder / f"door-{number}").open("a", buffering=1) as diary:
        diary.write(f"{os.getpid()}\n")
        announce(f"http://127.0.0.1:{number}")
        while True:
            heard = signal.Signals(signal.sigwait(HEARD))
            diary.write(f"{heard.name}\n")
            if heard is not signal.SIGHUP:
                return


def fall(folder: Path, number: int, announce: Announce) -> None:
    """The second one ends before it is open."""
    if number == 2:
        sys.exit(3)
    stand(folder, number, announce)
